package format

import "birdwatch/tweet"

func (m *v2TweetMetrics) figures() *tweet.TweetMetrics {
	if m == nil {
		return nil
	}
	return &tweet.TweetMetrics{RetweetCount: int64(max(m.Retweets, m.Reposts)), ReplyCount: int64(m.Replies), LikeCount: int64(m.Likes), QuoteCount: int64(m.Quotes),
		BookmarkCount: int64(m.Bookmarks), ImpressionCount: int64(m.Impressions)}
}

func (c *v2EditControls) controls() *tweet.EditControls {
	if c == nil {
		return nil
	}
	until := c.Until
	if ms, ok := instant(until); ok {
		until = timeText(ms)
	}
	return &tweet.EditControls{EditableUntil: until, EditsRemaining: int(c.Remaining), IsEditEligible: c.Eligible}
}

func (w *v2Withheld) withheld() *tweet.Withheld {
	if w == nil || !w.Copyright && len(w.Countries) == 0 && w.Scope == "" {
		return nil
	}
	return &tweet.Withheld{Copyright: w.Copyright, CountryCodes: w.Countries, Scope: w.Scope}
}

// user converts a user.
func (in *includes) user(u *v2User) tweet.User {
	v := tweet.User{
		ID: tweet.ID(u.ID), Name: u.Name, Username: u.Username, Description: u.Description, Location: u.Location, URL: u.URL, Verified: u.Verified,
		VerifiedType: u.VerifiedType, Protected: u.Protected, ProfileImageURL: u.ProfileImageURL, PinnedTweetID: tweet.ID(u.Pinned), Withheld: u.Withheld.withheld(),
		ProfileBannerURL: u.ProfileBanner, SubscriptionType: u.Subscription,
	}
	if at, err := createdAt(u.CreatedAt, 0); err == nil {
		v.CreatedAt = at
	}
	if m := u.Metrics; m != nil {
		v.PublicMetrics = &tweet.UserMetrics{FollowersCount: int64(m.Followers), FollowingCount: int64(m.Following), TweetCount: int64(max(m.Tweets, m.Posts)),
			ListedCount: int64(m.Listed), LikeCount: int64(m.Likes), MediaCount: int64(m.Media)}
	}
	if e := u.Entities; e != nil {
		out := tweet.UserEntities{URL: in.marked(e.URL), Description: in.marked(e.Description)}
		if out.URL != nil || out.Description != nil {
			v.Entities = &out
		}
	}
	return v
}

// marked converts the marked parts of a user's own texts, where nobody is referred to.
func (in *includes) marked(e *v2Entities) *tweet.Entities {
	b := v2builder{from: noIncludes}
	b.users = map[tweet.ID]int{}
	return b.entities(e)
}

func (b *v2builder) addMedia(m *tweet.Media) {
	if m == nil || m.MediaKey == "" {
		return
	}
	for i := range b.inc.Media {
		if b.inc.Media[i].MediaKey == m.MediaKey {
			return
		}
	}
	b.inc.Media = append(b.inc.Media, *m)
}

func (b *v2builder) addPoll(p *tweet.Poll) {
	if p == nil || p.ID == "" {
		return
	}
	for i := range b.inc.Polls {
		if b.inc.Polls[i].ID == p.ID {
			return
		}
	}
	b.inc.Polls = append(b.inc.Polls, *p)
}

func (b *v2builder) addPlace(id string, p *v2Place) {
	if p == nil {
		return
	}
	for i := range b.inc.Places {
		if b.inc.Places[i].ID == id {
			return
		}
	}
	v := tweet.Place{ID: id, FullName: p.FullName, Name: p.Name, Country: p.Country, CountryCode: p.CountryCode, PlaceType: p.PlaceType, ContainedWithin: p.ContainedWithin}
	if g := p.Geo; g != nil && len(g.BBox) == 4 && onEarth(g.BBox[0], g.BBox[1]) && onEarth(g.BBox[2], g.BBox[3]) {
		v.Geo = &tweet.PlaceGeo{Type: g.Type, BBox: [4]float64(g.BBox)}
	}
	b.inc.Places = append(b.inc.Places, v)
}
