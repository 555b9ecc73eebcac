package api

import (
	"crypto/sha256"
	"fmt"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// matchesField is the field of ours that says which parts of the text a query's words found. It is made for each answer and
// in no payload.
const matchesField = "matches"

// appendMatches puts the marks of a query into a tweet's object, which has at least its id; nothing where there are none.
func appendMatches(dst, payload []byte, of query.Expr) []byte {
	p, err := tweet.Decode(payload)
	if err != nil { // a stored payload can always be read; without its marks it is still a tweet
		return dst
	}
	marks := query.Marks(of, p)
	if len(marks) == 0 {
		return dst
	}
	dst = append(dst[:len(dst)-1], `,"matches":[`...)
	for i, m := range marks {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"start":%d,"end":%d}`, m.Start, m.End)
	}
	return append(dst, "]}"...)
}

// marking is the query whose words are marked in a tweet of a stream, and what is equal for equal queries. Without either, nothing is
// marked.
type marking struct {
	of   query.Expr
	like any
}

// marking is of the queries that an event matched.
func (sel *selection) marking(e *live.Event) (m marking) {
	if !sel.fields[tweets][matchesField] {
		return m
	}
	if len(e.Matched) == 1 {
		q := &e.Queries[e.Matched[0]]
		return marking{q.Expr, q.Like}
	}
	all := make([]query.Expr, len(e.Matched))
	for i, n := range e.Matched {
		all[i] = e.Queries[n].Expr
	}
	m.of = query.Or(all...)
	m.like = sha256.Sum256([]byte(m.of.String()))
	return m
}
