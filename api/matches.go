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

// marking is the query whose words are marked in a tweet of a stream, and a key that is equal for equal queries. Without
// either, nothing is marked.
type marking struct {
	of  query.Expr
	key string
}

// markings has one of each query of a stream; nil where no marks are asked for.
func markings(sel *selection, exprs []query.Expr) []marking {
	if !sel.fields[tweets][matchesField] {
		return nil
	}
	ms := make([]marking, len(exprs))
	for i, e := range exprs {
		sum := sha256.Sum256([]byte(e.String()))
		ms[i] = marking{e, string(sum[:16])}
	}
	return ms
}

// marking is of the queries that an event matched.
func (st *streaming) marking(e *live.Event) (m marking) {
	if st.marks == nil {
		return m
	}
	if len(e.Matched) == 1 {
		return st.marks[e.Matched[0]]
	}
	all := make([]query.Expr, len(e.Matched))
	for i, n := range e.Matched {
		all[i] = st.marks[n].of
		m.key += st.marks[n].key
	}
	m.of = query.Or(all...)
	return m
}
