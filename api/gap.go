package api

import (
	"net/url"
	"strconv"
	"time"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// gapData is the data of a gap event.
type gapData struct {
	SinceSeq tweet.Seq `json:"since_seq"` // exclusive
	UntilSeq tweet.Seq `json:"until_seq"` // inclusive
	// Link fetches exactly what was missed. Where the queries together are too long for one, it is the first
	// of Links, which have one a query.
	Link    string   `json:"link"`
	Links   []string `json:"links,omitempty"`
	Deletes string   `json:"deletes"`
}

// gap tells what was missed.
func (st *streaming) gap(e *live.Event) []byte {
	d := gapData{SinceSeq: e.Since, UntilSeq: e.Until, Deletes: "unknown"}
	exprs := make([]query.Expr, len(e.Queries))
	for i, q := range e.Queries {
		exprs[i] = q.Expr
	}
	if len(exprs) == 0 {
		exprs = append(exprs, query.Not(query.All()))
	}
	whole := query.Or(exprs...).String()
	if _, err := query.Parse(whole, time.Time{}); err == nil {
		d.Link = st.missed(e, whole)
	} else {
		for _, x := range exprs {
			d.Links = append(d.Links, st.missed(e, x.String()))
		}
		d.Link = d.Links[0]
	}
	b, err := encodeJSON(d)
	if err != nil {
		panic(err) // numbers and strings can always be written
	}
	return b
}

// missed is a search for what one gap kept back: the query as it was resolved, with the stream's bounds and fields.
func (st *streaming) missed(e *live.Event, text string) string {
	v := url.Values{"query": {text}, "since_seq": {strconv.FormatInt(int64(e.Since), 10)}, "until_seq": {strconv.FormatInt(int64(e.Until), 10)}}
	for name, value := range st.fields {
		v.Set(name, value)
	}
	return "/2/tweets/search/all?" + v.Encode()
}
