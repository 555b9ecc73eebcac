package query

import (
	"math"
	"slices"
	"strconv"
	"unsafe"

	"birdwatch/tweet"
)

// Unknown is the figure of a tweet or an author whose payload has none. No query's range over counts holds it.
const Unknown = -1

// Target is what a query is decided on: the terms and figures of one tweet. It is
// made for use again and again; not for concurrent use.
type Target struct {
	Terms   tweet.Terms
	Figures [NumFigures]int64 // counts may be Unknown; CreatedAt is 0 where it is unknown

	// stretches say where the terms of each prefix stand, which rows add one after the other.
	stretches [prefixes]stretch

	// What the rows of the table look at while Set runs.
	view     tweet.View
	urls     []tweet.URL
	hashtags []tweet.Tag
	cashtags []tweet.Tag
	mentions []tweet.Mention
	scratch  []byte
}

// stretch is from one term of a field up to another.
type stretch struct{ from, to int }

// Set fills t from a tweet. It allocates nothing once t has grown to the size of the tweets, as long as they
// come with their entities. p is not kept.
func (t *Target) Set(p *tweet.Payload) { t.SetFor(p, NeedsAll) }

// SetFor is Set of what some queries need: others are not to be decided on t. What t leaves out is as a tweet without it has it, figures are 0.
func (t *Target) SetFor(p *tweet.Payload, needs Needs) {
	t.Terms.Reset()
	t.stretches = [prefixes]stretch{}
	t.view = p.View()
	t.Terms.AddText(t.view.Text, t.view.Entities, t.view.Shift)
	if needs&markedFields != 0 {
		t.setMarked()
	}
	if needs&^NeedsFigures != 0 {
		for _, o := range yielding {
			if needs&needsField(o.Prefix) != 0 {
				t.yield(o)
			}
		}
	}
	if needs&NeedsFigures != 0 {
		t.setFigures()
	} else {
		t.Figures = [NumFigures]int64{}
	}
	t.clear()
}

func (t *Target) setMarked() {
	m := t.view.Marked()
	t.urls, t.hashtags, t.cashtags, t.mentions = m.URLs, m.Hashtags, m.Cashtags, m.Mentions
}

// linksOf are the links of a tweet.
func (t *Target) linksOf(v tweet.View) []tweet.URL {
	t.view = v
	t.setMarked()
	urls := t.urls
	t.clear()
	return urls
}

// setLinks makes t a tweet that has these links and nothing else.
func (t *Target) setLinks(urls []tweet.URL) {
	t.Terms.Reset()
	t.urls = urls
	for i := range operators {
		switch o := &operators[i]; o.Prefix {
		case prefixURL, prefixURLContains, prefixURLTitle, prefixURLDescription:
			t.yield(o)
		}
	}
	t.clear()
}

// clear lets go of what the rows look at.
func (t *Target) clear() {
	t.view, t.urls, t.hashtags, t.cashtags, t.mentions = tweet.View{}, nil, nil, nil, nil
}

// yield adds the terms of one row.
func (t *Target) yield(o *Operator) {
	from := t.Terms.Fields()
	o.yield(t, o)
	t.stretches[o.Prefix-firstPrivate] = stretch{from, t.Terms.Fields()}
}

func (t *Target) setFigures() {
	d := &t.view.Payload.Data
	f := &t.Figures
	for i := range f {
		f[i] = Unknown
	}
	f[CreatedAt], f[TweetID] = d.Time(), int64(d.ID)
	if u := t.view.Author; u != nil && u.PublicMetrics != nil {
		m := u.PublicMetrics
		f[Followers], f[Following], f[Tweets], f[Listed] = m.FollowersCount, m.FollowingCount, m.TweetCount, m.ListedCount
	}
	m := t.view.Subject.PublicMetrics
	if m == nil {
		m = d.PublicMetrics
	}
	if m != nil {
		f[Likes], f[Reposts], f[Replies], f[Quotes] = m.LikeCount, m.RetweetCount, m.ReplyCount, m.QuoteCount
	}
	f[Sample] = SampleOf(d.ID)
	f[Relevancy] = RelevancyOf(f[CreatedAt], f[Likes], f[Reposts], f[Replies], f[Quotes])
	f[Longitude], f[Latitude] = t.point()
}

// point is where the tweet was sent from: its point, else the middle of its place's box.
func (t *Target) point() (lon, lat int64) {
	if g := t.geo(); g != nil && g.Coordinates != nil {
		if c := g.Coordinates.Coordinates; onGlobe(c[0], c[1]) {
			return millionths(c[0]), millionths(c[1])
		}
	}
	if p := t.place(); p != nil && p.Geo != nil {
		if b := p.Geo.BBox; onGlobe(b[0], b[1]) && onGlobe(b[2], b[3]) && b[1] <= b[3] {
			west, east := b[0], b[2]
			if east < west { // over the date line
				east += 360
			}
			lon := (west + east) / 2
			if lon > 180 {
				lon -= 360
			}
			return millionths(lon), millionths((b[1] + b[3]) / 2)
		}
	}
	return NoPlace, NoPlace
}

func onGlobe(lon, lat float64) bool { return lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90 }

func millionths(degrees float64) int64 { return int64(math.Round(degrees * micro)) }

// text shows the scratch bytes as a string for the length of one call, so that nothing is allocated.
func (t *Target) text() string { return unsafe.String(unsafe.SliceData(t.scratch), len(t.scratch)) }

func (t *Target) addID(prefix rune, id tweet.ID) {
	if id == 0 {
		return
	}
	t.scratch = strconv.AppendInt(t.scratch[:0], int64(id), 10)
	t.Terms.AddField(prefix, t.text())
}

// addReference adds the id that the tweet refers to; a retweet is no quote and no reply.
func (t *Target) addReference(prefix rune, typ string) {
	if t.view.Repeated == 0 {
		t.addID(prefix, t.view.Payload.Data.Ref(typ))
	}
}

func (t *Target) addUser(prefix rune, id tweet.ID, name string) {
	t.addID(prefix, id)
	if name != "" {
		t.Terms.AddField(prefix, name)
	}
}

func (t *Target) addText(prefix rune, text string) {
	if text != "" {
		t.Terms.AddFieldText(prefix, text)
	}
}

func (t *Target) addURL(prefix rune, address string) {
	if t.scratch = appendURL(t.scratch[:0], address); len(t.scratch) > 0 {
		t.Terms.AddFieldText(prefix, t.text())
	}
}

// userName finds a user's handle in the payload: among the users that came with it, or those it names.
func (t *Target) userName(id tweet.ID) string {
	if id == 0 {
		return ""
	}
	if u := t.view.Payload.User(id); u != nil {
		return u.Username
	}
	if e := t.view.Payload.Data.Entities; e != nil {
		for i := range e.Mentions {
			if e.Mentions[i].ID == id {
				return e.Mentions[i].Username
			}
		}
	}
	return ""
}

// geo is where the tweet was sent from; a retweet was not.
func (t *Target) geo() *tweet.Geo {
	if t.view.Repeated != 0 {
		return nil
	}
	return t.view.Payload.Data.Geo
}

func (t *Target) place() *tweet.Place {
	g, in := t.geo(), t.view.Payload.Includes
	if g == nil || in == nil || g.PlaceID == "" {
		return nil
	}
	i := slices.IndexFunc(in.Places, func(p tweet.Place) bool { return p.ID == g.PlaceID })
	if i < 0 {
		return nil
	}
	return &in.Places[i]
}

// hasMedia reports whether one of the tweet's media is of the type.
func (t *Target) hasMedia(typ string) bool {
	a, in := t.view.Subject.Attachments, t.view.Payload.Includes
	if a == nil || in == nil {
		return false
	}
	for i := range in.Media {
		if in.Media[i].Type == typ && slices.Contains(a.MediaKeys, in.Media[i].MediaKey) {
			return true
		}
	}
	return false
}
