package format

import (
	"errors"
	"math"
	"slices"
	"strings"

	"birdwatch/tweet"
)

// v2builder puts the payload of a v2 tweet together, out of the tweet and of the includes that came with its page.
type v2builder struct {
	builder
	from *includes // never nil
	self tweet.ID  // the tweet whose payload it is
}

// v2Record makes the record of a tweet. What of the page's includes it refers to, at any remove, goes into its own.
func v2Record(t *v2Tweet, from *includes, raw []byte, p tweet.Provenance, at int64) (tweet.Record, error) {
	b := v2builder{from: from, self: tweet.ID(t.ID)}
	b.p, b.users = new(tweet.Payload), make(map[tweet.ID]int, 4)
	var err error
	if b.p.Data, err = b.tweet(t); err != nil {
		return tweet.Record{}, err
	}
	if len(b.inc.Users)+len(b.inc.Tweets)+len(b.inc.Media)+len(b.inc.Places)+len(b.inc.Polls) > 0 {
		b.p.Includes = &b.inc
	}
	body, err := tweet.Encode(b.p)
	if err != nil {
		return tweet.Record{}, err
	}
	return tweet.Record{
		Kind: tweet.KindTweet, ID: b.p.Data.ID, UserID: b.p.Data.AuthorID, CapturedAt: capturedAt(t.Twarc.RetrievedAt, at),
		Partial: b.partial(), Payload: body, Raw: raw, Provenance: p, Tweet: b.p,
	}, nil
}

// capturedAt is the time that a program noted, else at.
func capturedAt(noted string, at int64) int64 {
	if ms, ok := instant(noted); ok {
		return ms
	}
	return at
}

// partial: known to lack the author, or the whole of a text that is a retweet's and cut.
func (b *v2builder) partial() bool {
	t := &b.p.Data
	if b.p.User(t.AuthorID) == nil {
		return t.AuthorID != 0 || len(b.inc.Users) == 0 || b.inc.Users[0].ID != 0
	}
	id := t.Ref("retweeted")
	return id != 0 && b.p.Included(id) == nil && strings.HasSuffix(t.Text, "…")
}

// tweet converts one tweet and adds to includes what it refers to.
func (b *v2builder) tweet(s *v2Tweet) (tweet.Tweet, error) {
	t := tweet.Tweet{
		ID: tweet.ID(s.ID), ConversationID: tweet.ID(s.ConversationID), InReplyToUserID: tweet.ID(s.ReplyToUserID), Lang: s.Lang, PossiblySensitive: s.Sensitive,
		Source: appName(s.Source), ReplySettings: s.ReplySettings, DisplayTextRange: s.DisplayTextRange, CommunityID: s.CommunityID, CardURI: s.CardURI, Scopes: s.Scopes,
		ContextAnnotations: s.Context,
	}
	switch {
	case t.ID <= 0:
		return t, errors.New(`"id" gives no id`)
	case s.Text == nil:
		return t, errors.New(`"text" is missing`)
	}
	t.Text = *s.Text
	for _, id := range s.EditHistory {
		if id != 0 {
			t.EditHistoryTweetIDs = append(t.EditHistoryTweetIDs, tweet.ID(id).String())
		}
	}
	if len(t.EditHistoryTweetIDs) == 0 {
		t.EditHistoryTweetIDs = []string{t.ID.String()}
	}
	var err error
	if t.CreatedAt, err = createdAt(s.CreatedAt, 0); err != nil {
		return t, err
	}
	t.AuthorID = b.author(tweet.ID(s.AuthorID), s.Author)
	if t.InReplyToUserID != 0 {
		b.userOf(t.InReplyToUserID, "", s.ReplyToUser)
	}
	t.PublicMetrics, t.EditControls, t.Withheld = s.Metrics.figures(), s.EditControls.controls(), s.Withheld.withheld()
	// The order is that of v1.1's conversion, so that a payload read again is the same.
	repeats := slices.ContainsFunc(s.Referenced, func(r v2Reference) bool { return r.Type == "retweeted" })
	if !repeats {
		b.references(&t, s.Referenced)
	}
	t.Entities = b.entities(s.Entities)
	if n := s.Note; n != nil && n.Text != "" {
		t.NoteTweet = &tweet.NoteTweet{Text: n.Text, Entities: b.entities(n.Entities)}
	}
	b.attachments(&t, s.Attachments)
	b.geo(&t, s.Geo)
	if repeats {
		b.references(&t, s.Referenced)
	}
	return t, nil
}

// author puts the author in. The first user of a payload is its tweet's author, though only the name is known.
func (b *v2builder) author(id tweet.ID, flat *v2User) tweet.ID {
	if id == 0 && flat != nil {
		id = tweet.ID(flat.ID)
	}
	if id == 0 && flat == nil && len(b.inc.Users) == 0 {
		flat = b.from.nameless
	}
	b.userOf(id, "", flat)
	return id
}

// userOf adds a user who is referred to, as far as known: by the tweet itself (flat), by the page, by the name alone.
func (b *v2builder) userOf(id tweet.ID, name string, flat *v2User) {
	if flat != nil && flat.Username != "" && (flat == b.from.nameless || flat.CreatedAt != "" || flat.Metrics != nil || flat.Name != "") {
		b.addUser(b.from.user(flat))
		return
	}
	if u := b.from.users[id]; u != nil {
		b.addUser(b.from.user(u))
		return
	}
	if flat != nil && flat.Username != "" {
		name = flat.Username
	}
	if name != "" {
		b.addUser(tweet.User{ID: id, Username: name})
	}
}

func (b *v2builder) references(t *tweet.Tweet, refs []v2Reference) {
	for i := range refs {
		r := &refs[i]
		id := tweet.ID(r.ID)
		if id <= 0 || r.Type == "" {
			continue
		}
		t.ReferencedTweets = append(t.ReferencedTweets, tweet.Reference{Type: r.Type, ID: id})
		copied := &r.v2Tweet
		if copied.Text == nil {
			copied = b.from.tweets[id]
		}
		if copied != nil {
			b.include(copied, id, t.ID)
		}
	}
}

// include adds a tweet that came with another. One that cannot be read is left out: the reference to it stays.
func (b *v2builder) include(s *v2Tweet, id, inside tweet.ID) {
	if id == inside || id == b.self {
		return
	}
	for i := range b.inc.Tweets {
		if b.inc.Tweets[i].ID == id {
			return
		}
	}
	at := len(b.inc.Tweets)
	b.inc.Tweets = append(b.inc.Tweets, tweet.Tweet{ID: id}) // its place, before what it refers to
	t, err := b.tweet(s)
	if err != nil {
		b.inc.Tweets = append(b.inc.Tweets[:at], b.inc.Tweets[at+1:]...)
		return
	}
	b.inc.Tweets[at] = t
}

func (b *v2builder) entities(e *v2Entities) *tweet.Entities {
	if e == nil {
		return nil
	}
	out := tweet.Entities{Annotations: e.Annotations}
	for i := range e.URLs {
		u := e.URLs[i].URL
		u.Images = e.URLs[i].Images
		out.URLs = append(out.URLs, u)
	}
	out.URLs = spans(out.URLs, func(u *tweet.URL) (*int, *int) { return &u.Start, &u.End })
	out.Hashtags = spans(e.Hashtags, func(t *tweet.Tag) (*int, *int) { return &t.Start, &t.End })
	out.Cashtags = spans(e.Cashtags, func(t *tweet.Tag) (*int, *int) { return &t.Start, &t.End })
	for i := range e.Mentions {
		m := &e.Mentions[i]
		if m.Username == "" {
			continue
		}
		id := tweet.ID(m.ID)
		if u := b.from.names[strings.ToLower(m.Username)]; id == 0 && u != nil {
			id = tweet.ID(u.ID)
		}
		out.Mentions = append(out.Mentions, tweet.Mention{Start: m.Start, End: m.End, Username: m.Username, ID: id})
		if id != 0 {
			b.userOf(id, m.Username, &m.v2User)
		}
	}
	out.Mentions = spans(out.Mentions, func(m *tweet.Mention) (*int, *int) { return &m.Start, &m.End })
	if len(out.URLs)+len(out.Hashtags)+len(out.Cashtags)+len(out.Mentions)+len(out.Annotations) == 0 {
		return nil
	}
	return &out
}

// spans are the marked parts with positions that can be: others are 0 and 0. What comes in is not changed.
func spans[T any](parts []T, of func(*T) (start, end *int)) []T {
	bad := func(start, end *int) bool { return *start < 0 || *end < *start || *end > math.MaxInt32 }
	copied := false
	for i := range parts {
		if !bad(of(&parts[i])) {
			continue
		}
		if !copied {
			parts, copied = slices.Clone(parts), true
		}
		start, end := of(&parts[i])
		*start, *end = 0, 0
	}
	return parts
}

func (b *v2builder) attachments(t *tweet.Tweet, a *v2Attachments) {
	if a == nil {
		return
	}
	out := tweet.Attachments{MediaKeys: a.MediaKeys, PollIDs: a.PollIDs}
	for _, id := range a.SourceTweetID {
		out.SourceTweetID = append(out.SourceTweetID, tweet.ID(id).String())
	}
	if len(out.MediaKeys)+len(out.PollIDs)+len(out.SourceTweetID) > 0 {
		t.Attachments = &out
	}
	for i := range a.Media {
		b.addMedia(&a.Media[i])
	}
	for _, key := range a.MediaKeys {
		b.addMedia(b.from.media[key])
	}
	b.addPoll(a.Poll)
	for _, id := range a.PollIDs {
		b.addPoll(b.from.polls[id])
	}
}

func (b *v2builder) geo(t *tweet.Tweet, g *v2Geo) {
	if g == nil {
		return
	}
	out := tweet.Geo{PlaceID: g.PlaceID}
	if c := g.Coordinates; c != nil && len(c.Coordinates) == 2 {
		out.Coordinates = point(c.Coordinates[0], c.Coordinates[1])
	}
	if out.PlaceID == "" {
		out.PlaceID = g.ID
	}
	if out.PlaceID != "" {
		place := b.from.places[out.PlaceID]
		if g.FullName != "" {
			place = &g.v2Place
		}
		b.addPlace(out.PlaceID, place)
	}
	if out.PlaceID != "" || out.Coordinates != nil {
		t.Geo = &out
	}
}
