package format

import (
	"errors"
	"fmt"
	"slices"

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
		Kind: tweet.KindTweet, ID: b.p.Data.ID, UserID: b.p.Data.AuthorID, CapturedAt: capturedAt, Partial: s.cut() || s.User.empty(),
		Payload: body, Raw: raw, Provenance: from, Tweet: b.p,
	}, nil
}

// cut: known to lack a part of the text. A retweet's own text is always short: what counts is the tweet that it repeats.
func (s *status) cut() bool {
	if s.Retweeted != nil {
		return s.Retweeted.cut()
	}
	whole := s.FullText != nil || s.Extended != nil && s.Extended.FullText != nil
	return s.Truncated && !whole
}

func (u *user) empty() bool { return u == nil || u.id() == 0 && u.ScreenName == "" }

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
	if r := s.Retweeted; r != nil {
		// A retweet repeats the quote of its original beside it, and sometimes only there.
		if id := idOf(s.QuotedIDStr, s.QuotedID); id != 0 && r.QuotedIDStr == 0 && r.QuotedID == 0 {
			r.QuotedID = ident(id)
		}
		if q := s.Quoted; q != nil && r.Quoted == nil && idOf(q.IDStr, q.ID) == idOf(r.QuotedIDStr, r.QuotedID) {
			r.Quoted = q
		}
		id, err := b.include(r, t.ID)
		if id == 0 {
			return fmt.Errorf("retweeted_status: %w", err)
		}
		t.ReferencedTweets = []tweet.Reference{{Type: "retweeted", ID: id}}
	}
	b.p.Data = t
	if len(b.inc.Users)+len(b.inc.Tweets)+len(b.inc.Media)+len(b.inc.Places) > 0 {
		b.p.Includes = &b.inc
	}
	return nil
}

// include puts a tweet that came inside another into includes. With an error and an id the tweet is known by its
// id only: a reference to it is worth keeping, the copy is not.
func (b *builder) include(s *status, inside tweet.ID) (tweet.ID, error) {
	id := idOf(s.IDStr, s.ID)
	switch {
	case id == 0:
		return 0, errNoID
	case id == inside:
		return 0, errors.New("a tweet is inside itself")
	case slices.ContainsFunc(b.inc.Tweets, func(t tweet.Tweet) bool { return t.ID == id }):
		return id, nil
	}
	at := len(b.inc.Tweets)
	b.inc.Tweets = append(b.inc.Tweets, tweet.Tweet{ID: id}) // its place, before what it refers to
	t, err := b.tweet(s, true)
	if err != nil {
		b.inc.Tweets = slices.Delete(b.inc.Tweets, at, at+1)
		return id, err
	}
	b.inc.Tweets[at] = t
	return id, nil
}

var errNoID = errors.New(`"id_str" and "id" give no id`)

// tweet converts one status. own is false for a retweet, whose quote and media are the repeated tweet's.
func (b *builder) tweet(s *status, own bool) (tweet.Tweet, error) {
	t := tweet.Tweet{ID: idOf(s.IDStr, s.ID)}
	if t.ID <= 0 {
		return t, errNoID
	}
	text, ents, media := s.content()
	if text == nil {
		return t, errors.New(`"text" is missing`)
	}
	t.Text, t.NoteTweet = clean(*text), s.Note
	s.edits(&t)
	created, err := createdAt(s.CreatedAt, s.TimestampMS)
	if err != nil {
		return t, err
	}
	t.CreatedAt, t.Lang, t.PossiblySensitive = created, clean(s.Lang), s.PossiblySensitive
	t.Source = appName(s.Source)
	if s.User != nil {
		t.AuthorID = b.user(s.User)
	}
	if own {
		b.reply(&t, s)
		b.quote(&t, s)
	}
	t.PublicMetrics = s.metrics()
	b.entities(&t, ents, media, own)
	b.geo(&t, s)
	if s.WithheldCopyright || len(s.WithheldCountries) > 0 {
		t.Withheld = &tweet.Withheld{Copyright: s.WithheldCopyright, CountryCodes: cleanAll(s.WithheldCountries), Scope: clean(s.WithheldScope)}
	}
	return t, nil
}

// content is the fullest text with the entities that belong to it.
func (s *status) content() (text *string, ents, media *entities) {
	text, ents, media = s.Text, s.Entities, s.ExtendedEntities
	if s.FullText != nil {
		text = s.FullText
	}
	if e := s.Extended; e != nil && e.FullText != nil {
		text, ents, media = e.FullText, e.Entities, e.ExtendedEntities
	}
	if media == nil || len(media.Media) == 0 { // "entities" has the first of several media only
		media = ents
	}
	return text, ents, media
}

func (s *status) edits(t *tweet.Tweet) {
	if s.EditControls == nil {
		s.EditControls = s.EditInfo.edits()
	}
	for _, e := range [...]*edits{s.EditHistory, s.EditControls} {
		if e == nil || len(t.EditHistoryTweetIDs) > 0 {
			continue
		}
		for _, id := range e.IDs {
			if id != 0 {
				t.EditHistoryTweetIDs = append(t.EditHistoryTweetIDs, tweet.ID(id).String())
			}
		}
	}
	if len(t.EditHistoryTweetIDs) == 0 {
		t.EditHistoryTweetIDs = []string{t.ID.String()}
	}
	if c := s.EditControls; c != nil && c.UntilMS.isTime() {
		t.EditControls = &tweet.EditControls{EditableUntil: timeText(int64(c.UntilMS)), EditsRemaining: int(c.Remaining), IsEditEligible: c.Eligible}
	}
}

func (b *builder) quote(t *tweet.Tweet, s *status) {
	quoted := idOf(s.QuotedIDStr, s.QuotedID)
	if s.Quoted != nil {
		if id, _ := b.include(s.Quoted, t.ID); id != 0 {
			quoted = id
		}
	}
	if quoted != 0 && quoted != t.ID {
		t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: "quoted", ID: quoted})
	}
}

func (b *builder) reply(t *tweet.Tweet, s *status) {
	t.InReplyToUserID = idOf(s.ReplyToUserStr, s.ReplyToUser)
	switch to := idOf(s.ReplyToStatusStr, s.ReplyToStatus); {
	case to != 0:
		t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: "replied_to", ID: to})
	case t.InReplyToUserID == 0:
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
		Verified: u.Verified, Protected: u.Protected, ProfileImageURL: clean(u.ImageHTTPS),
	}
	if v.ProfileImageURL == "" {
		v.ProfileImageURL = clean(u.Image)
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
		v.Withheld = &tweet.Withheld{CountryCodes: cleanAll(u.WithheldCountries), Scope: "user"}
	}
	return b.addUser(v)
}

// addUser keeps the fuller of two copies of a user. One without an id is kept only where it is the first, the author.
func (b *builder) addUser(u tweet.User) tweet.ID {
	if u.ID == 0 {
		if len(b.inc.Users) == 0 && u.Username != "" {
			b.inc.Users = append(b.inc.Users, u)
		}
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
