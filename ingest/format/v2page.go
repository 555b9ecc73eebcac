package format

import (
	"strings"
	"sync"

	fast "github.com/goccy/go-json"
	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// includes are what came with the tweets of a page, by what they are referred to.
type includes struct {
	users  map[tweet.ID]*v2User
	names  map[string]*v2User // in lower case
	tweets map[tweet.ID]*v2Tweet
	media  map[string]*tweet.Media
	polls  map[string]*tweet.Poll
	places map[string]*v2Place
	// nameless is the first user when its id is not known: the author of a tweet whose author's id is not.
	nameless *v2User
}

var noIncludes = new(includes)

// newIncludes reads "includes". What of it cannot be read is left out: the tweets that it came with are whole without it.
func newIncludes(raw []byte) *includes {
	var in struct {
		Users  list[v2User]      `json:"users"`
		Tweets list[v2Tweet]     `json:"tweets"`
		Media  list[tweet.Media] `json:"media"`
		Polls  list[tweet.Poll]  `json:"polls"`
		Places list[v2Place]     `json:"places"`
	}
	if fast.Unmarshal(raw, &in) != nil {
		page := gjson.ParseBytes(raw)
		in.Users, in.Tweets = each[v2User](page, "users"), each[v2Tweet](page, "tweets")
		in.Media, in.Polls, in.Places = each[tweet.Media](page, "media"), each[tweet.Poll](page, "polls"), each[v2Place](page, "places")
	}
	if dirty(raw) {
		cleanStrings(&in)
	}
	out := &includes{
		users: make(map[tweet.ID]*v2User, len(in.Users)), names: make(map[string]*v2User, len(in.Users)), tweets: make(map[tweet.ID]*v2Tweet, len(in.Tweets)),
		media: make(map[string]*tweet.Media, len(in.Media)), polls: make(map[string]*tweet.Poll, len(in.Polls)), places: make(map[string]*v2Place, len(in.Places)),
	}
	for i := range in.Users {
		u := &in.Users[i]
		out.users[tweet.ID(u.ID)], out.names[strings.ToLower(u.Username)] = u, u
	}
	delete(out.users, 0)
	if len(in.Users) > 0 && in.Users[0].ID == 0 && in.Users[0].Username != "" {
		out.nameless = &in.Users[0]
	}
	for i := range in.Tweets {
		out.tweets[tweet.ID(in.Tweets[i].ID)] = &in.Tweets[i]
	}
	for i := range in.Media {
		out.media[in.Media[i].MediaKey] = &in.Media[i]
	}
	for i := range in.Polls {
		out.polls[in.Polls[i].ID] = &in.Polls[i]
	}
	for i := range in.Places {
		out.places[in.Places[i].ID] = &in.Places[i]
	}
	return out
}

// each reads those elements of a list that can be read.
func each[T any](page gjson.Result, key string) (out []T) {
	page.Get(key).ForEach(func(_, v gjson.Result) bool {
		var one T
		if fast.Unmarshal([]byte(v.Raw), &one) == nil {
			out = append(out, one)
		}
		return true
	})
	return out
}

// page is what the tweets of one answer share. Its includes are read by whichever parser needs them first.
type page struct {
	includes []byte // JSON
	at       int64
	once     sync.Once
	read     *includes
}

func newPage(answer []byte) *page {
	p := new(page)
	if in := gjson.GetBytes(answer, "includes"); in.IsObject() {
		p.includes = []byte(in.Raw)
	}
	p.at = capturedAt(gjson.GetBytes(answer, "__twarc.retrieved_at").String(), 0)
	return p
}

func (p *page) index() *includes {
	p.once.Do(func() {
		if p.read = noIncludes; len(p.includes) > 0 {
			p.read, p.includes = newIncludes(p.includes), nil
		}
	})
	return p.read
}

// parse makes the record of one element of a page's "data".
func (p *page) parse(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	k, err := sound(raw)
	if err != nil {
		return nil, nil, err
	}
	if k&keyText == 0 {
		return nil, &Control{Name: "data"}, nil // a user, a count, a list
	}
	if p.at != 0 {
		at = p.at
	}
	return parseV2(raw, p.index(), from, at)
}

// parseV2 makes the record of a tweet that stands on its own, or that includes came with.
func parseV2(raw []byte, in *includes, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	t, err := decodeV2(raw)
	if err != nil {
		return nil, nil, err
	}
	r, err := v2Record(t, in, raw, from, at)
	if err != nil {
		return nil, nil, err
	}
	return []tweet.Record{r}, nil, nil
}

func decodeV2(raw []byte) (*v2Tweet, error) {
	var t v2Tweet
	if err := decode(raw, &t); err != nil {
		return nil, err
	}
	if dirty(raw) {
		cleanStrings(&t)
	}
	return &t, nil
}

// parseAnswer takes an answer of the v2 API, or a line of one of its streams. One about a single tweet is the record; of a page
// each tweet's own object is.
func parseAnswer(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	data := gjson.GetBytes(raw, "data")
	pg := newPage(raw)
	if pg.at != 0 {
		at = pg.at
	}
	switch {
	case data.IsArray():
		var recs []tweet.Record
		var err error
		data.ForEach(func(_, v gjson.Result) bool {
			var more []tweet.Record
			more, _, err = pg.parse([]byte(v.Raw), from, at)
			recs = append(recs, more...)
			return err == nil
		})
		switch {
		case err != nil:
			return nil, nil, err
		case len(recs) == 0:
			return nil, &Control{Name: "data"}, nil
		}
		return recs, nil, nil
	case data.IsObject():
		return parseAbout(raw, []byte(data.Raw), pg, from, at)
	}
	if e := gjson.GetBytes(raw, "errors.0"); e.Exists() {
		return nil, answerError(e), nil
	}
	return nil, &Control{Name: "meta"}, nil
}

// parseAbout takes an answer about one thing.
func parseAbout(raw, data []byte, pg *page, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	k, err := sound(data)
	switch {
	case err != nil:
		return nil, nil, err
	case k&keyText == 0:
		r, ctl, err := complianceEvent(data, at)
		if err != nil || ctl != nil {
			return nil, ctl, err
		}
		r.Raw, r.Provenance = raw, from
		return []tweet.Record{r}, nil, nil
	}
	recs, _, err := parseV2(data, pg.index(), from, at)
	if err != nil {
		return nil, nil, err
	}
	recs[0].Raw = raw
	return recs, nil, nil
}

// answerError is what a stream of v2 says when it ends, or an answer without a tweet.
func answerError(e gjson.Result) *Control {
	c := &Control{Name: "errors", Detail: short(e.Get("detail").String(), maxDetail)}
	if kind := e.Get("disconnect_type").String(); kind != "" || strings.HasSuffix(e.Get("type").String(), "operational-disconnect") {
		c.Name = "disconnect"
	}
	if c.Detail == "" {
		c.Detail = short(e.Get("title").String()+e.Get("message").String(), maxDetail)
	}
	return c
}
