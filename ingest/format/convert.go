package format

import (
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"birdwatch/tweet"
)

// record makes the record of a sighting.
func (s *status) record(raw []byte, from tweet.Provenance, capturedAt int64) (tweet.Record, error) {
	b := builder{p: new(tweet.Payload)}
	if err := b.main(s); err != nil {
		return tweet.Record{}, err
	}
	body, err := tweet.Encode(b.p)
	if err != nil {
		return tweet.Record{}, err
	}
	return tweet.Record{
		Kind: tweet.KindTweet, ID: b.p.Data.ID, UserID: b.p.Data.AuthorID, CapturedAt: capturedAt, Partial: s.partial(),
		Payload: body, Raw: raw, Provenance: from, Tweet: b.p,
	}, nil
}

// partial: known to lack text or author.
func (s *status) partial() bool {
	whole := s.FullText != nil || s.Extended != nil && s.Extended.FullText != nil
	return s.Truncated && !whole || s.User == nil || s.User.id() == 0 && s.User.ScreenName == ""
}

func (u *user) id() tweet.ID { return idOf(u.IDStr, u.ID) }

// builder puts a payload together. What a tweet refers to goes into includes once, in the order of first reference.
type builder struct {
	p     *tweet.Payload
	inc   tweet.Includes
	users map[tweet.ID]int
}

func (b *builder) main(s *status) error {
	b.users = make(map[tweet.ID]int, 4)
	t, err := b.tweet(s, s.Retweeted == nil)
	if err != nil {
		return err
	}
	b.p.Data = t
	if s.Retweeted != nil {
		if id, err := b.include(s.Retweeted); err == nil {
			b.p.Data.ReferencedTweets = []tweet.Reference{{Type: "retweeted", ID: id}}
		} else {
			return fmt.Errorf("retweeted_status: %w", err)
		}
	}
	if len(b.inc.Users)+len(b.inc.Tweets)+len(b.inc.Media)+len(b.inc.Places) > 0 {
		b.p.Includes = &b.inc
	}
	return nil
}

// include puts a tweet that came inside another into includes.
func (b *builder) include(s *status) (tweet.ID, error) {
	id := idOf(s.IDStr, s.ID)
	for i := range b.inc.Tweets {
		if b.inc.Tweets[i].ID == id {
			return id, nil
		}
	}
	at := len(b.inc.Tweets)
	b.inc.Tweets = append(b.inc.Tweets, tweet.Tweet{ID: id})
	t, err := b.tweet(s, true)
	if err != nil {
		return 0, err
	}
	b.inc.Tweets[at] = t
	return id, nil
}

// tweet converts one status. own is false for a retweet, whose quote and media are the repeated tweet's.
func (b *builder) tweet(s *status, own bool) (tweet.Tweet, error) {
	t := tweet.Tweet{ID: idOf(s.IDStr, s.ID)}
	if t.ID <= 0 {
		return t, errors.New(`"id_str" and "id" give no id`)
	}
	text, ents, media := s.content()
	if text == nil {
		return t, errors.New(`"text" is missing`)
	}
	t.Text = clean(*text)
	t.EditHistoryTweetIDs = []string{t.ID.String()}
	if s.EditHistory != nil && len(s.EditHistory.IDs) > 0 {
		t.EditHistoryTweetIDs = s.EditHistory.IDs
	}
	created, err := createdAt(s.CreatedAt, int64(s.TimestampMS))
	if err != nil {
		return t, err
	}
	t.CreatedAt, t.Lang, t.PossiblySensitive = created, clean(s.Lang), s.PossiblySensitive
	t.Source = appName(s.Source)
	if s.User != nil {
		t.AuthorID = b.user(s.User)
	}
	b.reply(&t, s, own)
	if quoted := idOf(s.QuotedIDStr, s.QuotedID); own && (quoted != 0 || s.Quoted != nil) {
		if s.Quoted != nil {
			if id, err := b.include(s.Quoted); err == nil {
				quoted = id
			}
		}
		if quoted != 0 {
			t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: "quoted", ID: quoted})
		}
	}
	t.PublicMetrics = s.metrics()
	b.entities(&t, ents, media, own)
	b.geo(&t, s)
	if s.WithheldCopyright || len(s.WithheldCountries) > 0 {
		t.Withheld = &tweet.Withheld{Copyright: s.WithheldCopyright, CountryCodes: s.WithheldCountries, Scope: s.WithheldScope}
	}
	return t, nil
}

// content is the fullest text with the entities that belong to it.
func (s *status) content() (*string, *entities, *entities) {
	if e := s.Extended; e != nil && e.FullText != nil {
		media := e.ExtendedEntities
		if media == nil {
			media = e.Entities
		}
		return e.FullText, e.Entities, media
	}
	media := s.ExtendedEntities
	if media == nil {
		media = s.Entities
	}
	if s.FullText != nil {
		return s.FullText, s.Entities, media
	}
	return s.Text, s.Entities, media
}

func (b *builder) reply(t *tweet.Tweet, s *status, own bool) {
	t.InReplyToUserID = idOf(s.ReplyToUserStr, s.ReplyToUser)
	to := idOf(s.ReplyToStatusStr, s.ReplyToStatus)
	switch {
	case to != 0:
		t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: "replied_to", ID: to})
	case own && t.InReplyToUserID == 0:
		t.ConversationID = t.ID
	}
	if t.InReplyToUserID != 0 && s.ReplyToName != "" {
		b.addUser(tweet.User{ID: t.InReplyToUserID, Username: clean(s.ReplyToName)})
	}
}

func (s *status) metrics() *tweet.TweetMetrics {
	if s.RetweetCount == nil && s.FavoriteCount == nil {
		return nil
	}
	of := func(f *figure) int64 {
		if f == nil {
			return 0
		}
		return int64(*f)
	}
	return &tweet.TweetMetrics{RetweetCount: of(s.RetweetCount), ReplyCount: of(s.ReplyCount), LikeCount: of(s.FavoriteCount), QuoteCount: of(s.QuoteCount)}
}

func (b *builder) user(u *user) tweet.ID {
	v := tweet.User{
		ID: u.id(), Name: clean(u.Name), Username: clean(u.ScreenName), Description: clean(u.Description), Location: clean(u.Location), URL: u.URL,
		Verified: u.Verified, Protected: u.Protected, ProfileImageURL: u.ImageHTTPS,
	}
	if v.ProfileImageURL == "" {
		v.ProfileImageURL = u.Image
	}
	if u.Entities != nil && u.Entities.URL != nil && len(u.Entities.URL.URLs) == 1 && u.Entities.URL.URLs[0].Expanded != "" {
		v.URL = u.Entities.URL.URLs[0].Expanded
	}
	v.URL = clean(v.URL)
	if at, err := createdAt(u.CreatedAt, 0); err == nil {
		v.CreatedAt = at
	}
	if u.Followers != nil {
		v.PublicMetrics = &tweet.UserMetrics{FollowersCount: int64(*u.Followers), FollowingCount: int64(u.Friends), TweetCount: int64(u.Statuses), ListedCount: int64(u.Listed)}
	}
	if len(u.WithheldCountries) > 0 {
		v.Withheld = &tweet.Withheld{CountryCodes: u.WithheldCountries, Scope: "user"}
	}
	return b.addUser(v)
}

// addUser keeps the fuller of two copies of a user.
func (b *builder) addUser(u tweet.User) tweet.ID {
	if u.ID == 0 {
		return 0
	}
	if i, ok := b.users[u.ID]; ok {
		if b.inc.Users[i].PublicMetrics == nil && (u.PublicMetrics != nil || b.inc.Users[i].Name == "") {
			b.inc.Users[i] = u
		}
		return u.ID
	}
	b.users[u.ID] = len(b.inc.Users)
	b.inc.Users = append(b.inc.Users, u)
	return u.ID
}

// createdAt reads a date in any style that v1.1 data has; millis, where they are known, are more exact. "" stays "".
func createdAt(s string, millis int64) (string, error) {
	if millis > 0 && millis < 1<<50 {
		return time.UnixMilli(millis).UTC().Format(tweet.TimeLayout), nil
	}
	if s == "" {
		return "", nil
	}
	for _, layout := range [...]string{time.RubyDate, time.RFC3339, time.RFC1123Z, time.RFC1123, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC().Format(tweet.TimeLayout), nil
		}
	}
	return "", fmt.Errorf(`"created_at" is %.60q, no date as "Wed Oct 10 20:19:24 +0000 2018"`, s)
}

// appName takes the name out of <a href="…">name</a>.
func appName(s string) string {
	if i := strings.IndexByte(s, '>'); i >= 0 && strings.HasPrefix(s, "<") {
		s = s[i+1:]
		if k := strings.LastIndex(s, "</"); k >= 0 {
			s = s[:k]
		}
	}
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	return clean(s)
}

// clean makes a text valid UTF-8 without NUL: JSON can hold both, databases and terminals cannot.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
