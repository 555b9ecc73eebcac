package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// column is one of a CSV. ours says that its cells are made here, of numbers: they need no guard.
type column struct {
	name string
	ours bool
	cell func(p *tweet.Payload, v *tweet.View) string
}

// columns are all that a CSV can have, in the order in which they stand where none are named. New ones go to the end.
var columns = []column{
	{"id", true, func(p *tweet.Payload, _ *tweet.View) string { return p.Data.ID.String() }},
	{"created_at", false, func(p *tweet.Payload, _ *tweet.View) string { return p.Data.CreatedAt }},
	{"text", false, func(p *tweet.Payload, v *tweet.View) string { return wholeText(p, v) }},
	{"lang", false, func(_ *tweet.Payload, v *tweet.View) string { return v.Subject.Lang }},
	{"author_id", true, func(p *tweet.Payload, _ *tweet.View) string { return idCell(p.Data.AuthorID) }},
	{"username", false, ofAuthor(func(u *tweet.User) string { return u.Username })},
	{"name", false, ofAuthor(func(u *tweet.User) string { return u.Name })},
	{"verified", true, ofAuthor(func(u *tweet.User) string { return strconv.FormatBool(u.Verified) })},
	{"followers_count", true, ofAuthorFigures(func(m *tweet.UserMetrics) int64 { return m.FollowersCount })},
	{"following_count", true, ofAuthorFigures(func(m *tweet.UserMetrics) int64 { return m.FollowingCount })},
	{"tweet_count", true, ofAuthorFigures(func(m *tweet.UserMetrics) int64 { return m.TweetCount })},
	{"listed_count", true, ofAuthorFigures(func(m *tweet.UserMetrics) int64 { return m.ListedCount })},
	{"retweet_count", true, ofFigures(func(m *tweet.TweetMetrics) int64 { return m.RetweetCount })},
	{"reply_count", true, ofFigures(func(m *tweet.TweetMetrics) int64 { return m.ReplyCount })},
	{"like_count", true, ofFigures(func(m *tweet.TweetMetrics) int64 { return m.LikeCount })},
	{"quote_count", true, ofFigures(func(m *tweet.TweetMetrics) int64 { return m.QuoteCount })},
	{"conversation_id", true, func(p *tweet.Payload, _ *tweet.View) string { return idCell(p.Data.ConversationID) }},
	{"in_reply_to_user_id", true, func(p *tweet.Payload, _ *tweet.View) string { return idCell(p.Data.InReplyToUserID) }},
	{"replied_to_id", true, ofReference("replied_to")},
	{"quoted_id", true, ofReference("quoted")},
	{"retweeted_id", true, ofReference("retweeted")},
	{"retweeted_username", false, func(_ *tweet.Payload, v *tweet.View) string {
		if v.RepeatedAuthor == nil {
			return ""
		}
		return v.RepeatedAuthor.Username
	}},
	{"hashtags", false, ofEntities(func(e *tweet.Entities) []string { return each(e.Hashtags, func(t tweet.Tag) string { return t.Tag }) })},
	{"cashtags", false, ofEntities(func(e *tweet.Entities) []string { return each(e.Cashtags, func(t tweet.Tag) string { return t.Tag }) })},
	{"mentions", false, ofEntities(func(e *tweet.Entities) []string {
		return each(e.Mentions, func(m tweet.Mention) string { return m.Username })
	})},
	{"urls", false, ofEntities(func(e *tweet.Entities) []string { return each(e.URLs, address) })},
	{"media", false, mediaCell},
	{"place", false, ofPlace(func(p *tweet.Place) string { return p.FullName })},
	{"country_code", false, ofPlace(func(p *tweet.Place) string { return p.CountryCode })},
	{"longitude", true, ofPoint(0)},
	{"latitude", true, ofPoint(1)},
	{"source", false, func(p *tweet.Payload, _ *tweet.View) string { return p.Data.Source }},
	{"possibly_sensitive", true, func(_ *tweet.Payload, v *tweet.View) string { return strconv.FormatBool(v.Subject.PossiblySensitive) }},
}

func columnNames() (names []string) {
	for _, c := range columns {
		names = append(names, c.name)
	}
	return names
}

// csvFormat reads what only a CSV has.
func (p params) csvFormat() (f exportFormat, err error) {
	header, err := p.choice("header", "true", "false")
	if err != nil {
		return f, err
	}
	chosen := columns
	if p.has("columns") {
		chosen = nil
		for _, name := range strings.Split(p.get("columns"), ",") {
			i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
			if i < 0 {
				return f, invalid("columns", name, "The value [%s] of [columns] is not one of: %s.", clean(name, 100), strings.Join(columnNames(), ", "))
			}
			if slices.ContainsFunc(chosen, func(c column) bool { return c.name == name }) {
				return f, invalid("columns", name, "[columns] names %s twice.", strconv.Quote(name))
			}
			chosen = append(chosen, columns[i])
		}
	}
	f = exportFormat{mime: "text/csv; charset=utf-8; header=present", suffix: "csv"}
	if header == "false" {
		f.mime = "text/csv; charset=utf-8; header=absent"
	} else {
		names := make([]string, len(chosen))
		for i, c := range chosen {
			names[i] = c.name
		}
		f.first = []byte(strings.Join(names, ",") + "\n")
	}
	f.rows = func(hits []search.Hit, _ query.Expr) ([]byte, error) { return csvRows(hits, chosen) }
	return f, nil
}

func csvRows(hits []search.Hit, chosen []column) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	row := make([]string, len(chosen))
	for _, h := range hits {
		p, err := tweet.Decode(h.Payload)
		if err != nil {
			return nil, fmt.Errorf("export %d: %w", h.ID, err)
		}
		v := p.View()
		for i, c := range chosen {
			if row[i] = c.cell(p, &v); !c.ours {
				row[i] = guarded(row[i])
			}
		}
		_ = w.Write(row) // a buffer takes everything
	}
	w.Flush()
	return b.Bytes(), nil
}

// guarded makes a stranger's text safe to open in a spreadsheet, which would take what begins so for a formula and run it. The
// apostrophe can be taken off again: whatever began with one has got another.
func guarded(cell string) string {
	for _, begin := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(cell, begin) {
			return "'" + cell
		}
	}
	return cell
}
