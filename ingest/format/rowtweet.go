package format

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"birdwatch/tweet"
)

// record makes the payload of a row's tweet.
func (r row) record(at int64) (tweet.Record, error) {
	id, err := r.id()
	if err != nil {
		return tweet.Record{}, err
	}
	t := tweet.Tweet{
		ID: id, Text: r.of(fieldText), EditHistoryTweetIDs: []string{id.String()}, Lang: r.of("lang"), Source: appName(r.of("source")), PublicMetrics: r.metrics(),
		ConversationID: r.number("conversation_id"), InReplyToUserID: r.number("in_reply_to_user_id"), PossiblySensitive: truth(r.of("possibly_sensitive")),
	}
	if t.Text == "" {
		return tweet.Record{}, errors.New("the text is empty")
	}
	if t.CreatedAt, err = rowTime(r.of("created_at"), id); err != nil {
		return tweet.Record{}, err
	}
	b := builder{p: new(tweet.Payload), users: map[tweet.ID]int{}}
	if u := r.author(); u.Username != "" || u.ID != 0 {
		t.AuthorID = b.addUser(u)
	}
	for _, ref := range [...]struct{ kind, field string }{{"replied_to", "in_reply_to_tweet_id"}, {"quoted", "quoted_tweet_id"}, {"retweeted", "retweeted_tweet_id"}} {
		if to := r.number(ref.field); to != 0 && to != id {
			t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: ref.kind, ID: to})
		}
	}
	if name := username(r.of("in_reply_to_username")); name != "" && t.InReplyToUserID != 0 {
		b.addUser(tweet.User{ID: t.InReplyToUserID, Username: name})
	}
	if p := r.point(); p != nil {
		t.Geo = &tweet.Geo{Coordinates: p}
	}
	b.p.Data = t
	if len(b.inc.Users) > 0 {
		b.p.Includes = &b.inc
	}
	body, err := tweet.Encode(b.p)
	if err != nil {
		return tweet.Record{}, err
	}
	if when, err := rowTime(r.of("captured_at"), 0); err == nil && when != "" {
		at = capturedAt(when, at)
	}
	// A table never has all of a tweet: any other sighting is fuller.
	return tweet.Record{Kind: tweet.KindTweet, ID: id, UserID: t.AuthorID, CapturedAt: at, Partial: true, Payload: body, Tweet: b.p}, nil
}

// id is the tweet's, from its column or from its address, which beats an id that a spreadsheet has rounded.
func (r row) id() (tweet.ID, error) {
	text := strings.TrimLeft(strings.Trim(r.of(fieldID), " \t\"'"), "x") // R's packages put an x or a quote before, to keep all digits
	id, err := tweet.ParseID(text)
	if m := statusLink.FindStringSubmatch(r.of(fieldURL)); m != nil {
		if linked, linkErr := tweet.ParseID(m[2]); linkErr == nil && (err != nil || id != linked) {
			return linked, nil
		}
	}
	if err == nil {
		return id, nil
	}
	if f, floatErr := strconv.ParseFloat(text, 64); floatErr == nil {
		if f > 0 && f < 1<<53 && f == float64(int64(f)) && !strings.ContainsAny(text, "eE") {
			return tweet.ID(f), nil // "5.0", as pandas writes a column with gaps
		}
		return 0, fmt.Errorf("the id %.30q has lost its last digits: a column with the tweet's address, or a file that no spreadsheet has saved, would have them", text)
	}
	if text == "" {
		return 0, errors.New("the tweet's id is missing")
	}
	return 0, fmt.Errorf("%.40q is no tweet's id", text)
}

func (r row) number(field string) tweet.ID {
	var id ident
	_ = id.UnmarshalJSON([]byte(strconv.Quote(strings.TrimLeft(strings.TrimSpace(r.of(field)), "x")))) // never fails
	return tweet.ID(id)
}

func (r row) figure(field string) (n int64, ok bool) {
	s := strings.ReplaceAll(strings.TrimSpace(r.of(field)), ",", "")
	f, err := strconv.ParseFloat(s, 64)
	return int64(f), err == nil && f >= 0 && f < 1<<53
}

func (r row) metrics() *tweet.TweetMetrics {
	var m tweet.TweetMetrics
	found := false
	for _, c := range [...]struct {
		field string
		to    *int64
	}{{"retweet_count", &m.RetweetCount}, {"like_count", &m.LikeCount}, {"reply_count", &m.ReplyCount}, {"quote_count", &m.QuoteCount}} {
		if n, ok := r.figure(c.field); ok {
			*c.to, found = n, true
		}
	}
	if !found {
		return nil
	}
	return &m
}

func (r row) author() tweet.User {
	u := tweet.User{
		ID: r.number("author_id"), Username: username(r.of("username")), Name: r.of("name"), Description: r.of("description"), Location: r.of("location"),
		URL: r.of("profile_url"), ProfileImageURL: r.of("profile_image_url"), Verified: truth(r.of("verified")),
	}
	if u.Username == "" { // the address has it
		if m := statusLink.FindStringSubmatch(r.of(fieldURL)); m != nil && m[1] != "i/web" {
			u.Username = m[1]
		}
	}
	if at, err := rowTime(r.of("user_created_at"), 0); err == nil {
		u.CreatedAt = at
	}
	if n, ok := r.figure("followers_count"); ok {
		u.PublicMetrics = &tweet.UserMetrics{FollowersCount: n}
		u.PublicMetrics.FollowingCount, _ = r.figure("following_count")
		u.PublicMetrics.TweetCount, _ = r.figure("tweet_count")
		u.PublicMetrics.ListedCount, _ = r.figure("listed_count")
	}
	return u
}

func (r row) point() *tweet.Point {
	lon, lonErr := strconv.ParseFloat(r.of("longitude"), 64)
	lat, latErr := strconv.ParseFloat(r.of("latitude"), 64)
	if lonErr != nil || latErr != nil || lon == 0 && lat == 0 {
		return nil
	}
	return point(lon, lat)
}

// username takes the sign off a name; what can be none is "".
func username(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "@")
	if len(s) > 50 || strings.ContainsAny(s, " {}:/") {
		return ""
	}
	return s
}

func truth(s string) bool {
	return strings.EqualFold(s, "true") || strings.EqualFold(s, "t") || s == "1" || strings.EqualFold(s, "yes")
}

// reference reads the id of a row that has no text.
func (p *rowParser) reference(raw []byte) (tweet.ID, error) {
	v, err := p.values(raw)
	if err != nil {
		return 0, err
	}
	return v.id()
}

// nested makes the v2 tweet of which a row was made, whose columns are the paths of its fields, as twarc-csv writes it.
func (p *rowParser) nested(r row, raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	doc := map[string]any{}
	var refs []map[string]any
	for i, name := range p.t.names {
		v := r.values[i]
		if v == "" {
			continue
		}
		if kind, ok := strings.CutPrefix(name, "referenced_tweets."); ok {
			if kind, ok = strings.CutSuffix(kind, ".id"); ok {
				refs = append(refs, map[string]any{"type": kind, "id": v})
			}
			continue
		}
		put(doc, strings.Split(name, "."), v)
	}
	if len(refs) > 0 {
		doc["referenced_tweets"] = refs
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("the row as a tweet: %w", err)
	}
	t, err := decodeV2(b)
	if err != nil {
		return nil, nil, err
	}
	rec, err := v2Record(t, noIncludes, raw, from, at)
	if err != nil {
		return nil, nil, err
	}
	return []tweet.Record{rec}, nil, nil
}

// put sets a value at a path: lists, objects and truths are what their text says, all else is text.
func put(doc map[string]any, path []string, v string) {
	for _, key := range path[:len(path)-1] {
		inner, ok := doc[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			doc[key] = inner
		}
		doc = inner
	}
	key := path[len(path)-1]
	switch {
	case v == "True" || v == "False":
		doc[key] = v == "True"
	case key != "text" && key != "description" && key != "name" && (v[0] == '[' || v[0] == '{') && json.Valid([]byte(v)):
		doc[key] = json.RawMessage(v)
	default:
		doc[key] = v
	}
}
