package format

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// activity is a tweet as Gnip's activity streams have it.
type activity struct {
	ID         string             `json:"id"`
	Verb       string             `json:"verb"`
	Body       *string            `json:"body"`
	PostedTime string             `json:"postedTime"`
	Link       string             `json:"link"`
	Lang       string             `json:"twitter_lang"`
	Retweets   *figure            `json:"retweetCount"`
	Favorites  *figure            `json:"favoritesCount"`
	Quotes     *figure            `json:"twitterQuoteCount"`
	Replies    *figure            `json:"twitterReplyCount"`
	Sensitive  bool               `json:"twitter_possibly_sensitive"`
	Generator  named              `json:"generator"`
	Actor      *actor             `json:"actor"`
	Object     *activity          `json:"object"`
	Quoted     *activity          `json:"twitter_quoted_status"`
	InReplyTo  *named             `json:"inReplyTo"`
	Entities   *entities          `json:"twitter_entities"`
	Extended   *entities          `json:"twitter_extended_entities"`
	Geo        *position          `json:"geo"`
	Location   *activityPlace     `json:"location"`
	Long       *activityLong      `json:"long_object"`
	Gnip       activityEnrichment `json:"gnip"`
}

type named struct {
	DisplayName string `json:"displayName"`
	Link        string `json:"link"`
}

type activityLong struct {
	Body     *string   `json:"body"`
	Entities *entities `json:"twitter_entities"`
	Extended *entities `json:"twitter_extended_entities"`
}

type actor struct {
	ID          string  `json:"id"`
	Username    string  `json:"preferredUsername"`
	DisplayName string  `json:"displayName"`
	Summary     string  `json:"summary"`
	Image       string  `json:"image"`
	PostedTime  string  `json:"postedTime"`
	Location    named   `json:"location"`
	Verified    bool    `json:"verified"`
	Followers   *figure `json:"followersCount"`
	Friends     figure  `json:"friendsCount"`
	Listed      figure  `json:"listedCount"`
	Statuses    figure  `json:"statusesCount"`
	Links       []struct {
		Href string `json:"href"`
	} `json:"links"`
}

type activityPlace struct {
	DisplayName string `json:"displayName"`
	Name        string `json:"name"`
	Country     string `json:"country_code"` // the name, in spite of it
	CountryCode string `json:"twitter_country_code"`
	Type        string `json:"twitter_place_type"`
	Link        string `json:"link"`
	Geo         *area  `json:"geo"`
}

type activityEnrichment struct {
	URLs []struct {
		URL         string `json:"url"`
		Expanded    string `json:"expanded_url"`
		Status      figure `json:"expanded_status"`
		Title       string `json:"expanded_url_title"`
		Description string `json:"expanded_url_description"`
	} `json:"urls"`
}

// parseActivity takes an activity, or what such a stream says about itself.
func parseActivity(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	if info := gjson.GetBytes(raw, "info.message"); info.Exists() {
		return nil, &Control{Name: "info", Detail: short(info.String(), maxDetail)}, nil
	}
	var a activity
	if err := decode(raw, &a); err != nil {
		return nil, nil, err
	}
	if a.Verb == "delete" {
		r := tweet.Record{Kind: tweet.KindDelete, UserID: a.Actor.id(), CapturedAt: at, Raw: raw, Provenance: from}
		if a.Object != nil {
			r.ID = lastNumber(a.Object.ID)
		}
		if r.ID == 0 {
			return nil, nil, errors.New(`the activity deletes no tweet: "object" has no "id" with a number at its end`)
		}
		return []tweet.Record{r}, nil, nil
	}
	s, err := a.status()
	if err != nil {
		return nil, nil, err
	}
	r, err := s.record(raw, from, at)
	if err != nil {
		return nil, nil, err
	}
	return []tweet.Record{r}, nil, nil
}

// status gives the same tweet as the v1.1 API would.
func (a *activity) status() (*status, error) {
	s := &status{
		ID: ident(lastNumber(a.ID)), Text: a.Body, CreatedAt: a.PostedTime, Lang: a.Lang, Source: a.Generator.DisplayName, User: a.Actor.user(), Entities: a.Entities,
		ExtendedEntities: a.Extended, Geo: a.Geo, Place: a.Location.place(), RetweetCount: a.Retweets, FavoriteCount: a.Favorites, QuoteCount: a.Quotes, ReplyCount: a.Replies,
		PossiblySensitive: a.Sensitive,
	}
	switch {
	case s.ID == 0:
		return nil, errors.New(`"id" gives no id, as "tag:search.twitter.com,2005:867468138991964160" would`)
	case s.Text == nil:
		return nil, errors.New(`"body" is missing`)
	}
	a.enrich(s.Entities)
	if l := a.Long; l != nil && l.Body != nil {
		a.enrich(l.Entities)
		s.Truncated, s.Extended = true, &extended{FullText: l.Body, Entities: l.Entities, ExtendedEntities: l.Extended}
	}
	if a.InReplyTo != nil {
		a.reply(s)
	}
	if a.Quoted != nil {
		q, err := a.Quoted.status()
		if err != nil {
			return nil, fmt.Errorf("twitter_quoted_status: %w", err)
		}
		s.Quoted, s.QuotedID = q, q.ID
	}
	if a.Verb == "share" && a.Object != nil {
		r, err := a.Object.status()
		if err != nil {
			return nil, fmt.Errorf("object: %w", err)
		}
		if r.RetweetCount == nil { // the figures at the top are the repeated tweet's
			r.RetweetCount = a.Retweets
		}
		s.Retweeted = r
	}
	return s, nil
}

// reply reads who and what is replied to from the link. The user's id is known when it is the author's or the text names that user.
func (a *activity) reply(s *status) {
	m := statusLink.FindStringSubmatch(a.InReplyTo.Link)
	if m == nil {
		return
	}
	s.ReplyToName = m[1]
	if id, err := tweet.ParseID(m[2]); err == nil {
		s.ReplyToStatus = ident(id)
	}
	if a.Actor != nil && strings.EqualFold(a.Actor.Username, m[1]) {
		s.ReplyToUser = ident(a.Actor.id())
		return
	}
	lists := []*entities{a.Entities}
	if a.Long != nil {
		lists = append(lists, a.Long.Entities)
	}
	for _, e := range lists {
		if e == nil {
			continue
		}
		for i := range e.Mentions {
			if u := &e.Mentions[i]; strings.EqualFold(u.ScreenName, m[1]) {
				s.ReplyToUser = ident(idOf(u.IDStr, u.ID))
			}
		}
	}
}

// enrich puts what Gnip found behind the links beside them.
func (a *activity) enrich(e *entities) {
	if e == nil {
		return
	}
	for i := range e.URLs {
		for _, g := range a.Gnip.URLs {
			if u := &e.URLs[i]; g.URL == u.URL && g.Expanded != "" && u.Unwound == nil {
				u.Unwound = &unwound{URL: g.Expanded, Status: g.Status, Title: g.Title, Description: g.Description}
			}
		}
	}
}

// statusLink is the address of a tweet, with its author and id.
var statusLink = regexp.MustCompile(`(?i)^(?:https?://)?(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:#!/)?(\w{1,30}|i/web)/status(?:es)?/(\d{1,19})`)

// lastNumber is the id at the end of "tag:search.twitter.com,2005:5"; 0 for none.
func lastNumber(s string) tweet.ID {
	id, err := tweet.ParseID(s[strings.LastIndexByte(s, ':')+1:])
	if err != nil {
		return 0
	}
	return id
}

func (a *actor) id() tweet.ID {
	if a == nil {
		return 0
	}
	return lastNumber(a.ID)
}

func (a *actor) user() *user {
	if a == nil {
		return nil
	}
	u := &user{ID: ident(a.id()), Name: a.DisplayName, ScreenName: a.Username, Location: a.Location.DisplayName, Description: a.Summary, CreatedAt: a.PostedTime,
		Verified: a.Verified, ImageHTTPS: a.Image, Followers: a.Followers, Friends: a.Friends, Statuses: a.Statuses, Listed: a.Listed}
	if len(a.Links) > 0 {
		u.URL = a.Links[0].Href
	}
	return u
}

func (p *activityPlace) place() *place {
	if p == nil || p.Link == "" {
		return nil
	}
	id := strings.TrimSuffix(p.Link[strings.LastIndexByte(p.Link, '/')+1:], ".json")
	return &place{ID: id, Name: p.Name, FullName: p.DisplayName, Country: p.Country, CountryCode: p.CountryCode, Type: p.Type, Box: p.Geo}
}
