package live

import (
	"birdwatch/query"
)

// Index is the hub's, for tests.
type Index struct{ *index }

// NewIndex makes an empty one.
func NewIndex() *Index { return &Index{newIndex()} }

// Keys gives the normal forms of the queries that match.
func (x *Index) Keys(t *query.Target) (keys []string) {
	for _, g := range x.match(t) {
		keys = append(keys, g.key)
	}
	return keys
}

// Match gives how many groups match.
func (x *Index) Match(t *query.Target) int { return len(x.match(t)) }

// Tune posts groups anew.
func (x *Index) Tune(n int) { x.tune(n) }

// Count is how many groups there are, how many terms are in use, and how many groups are tried always.
func (x *Index) Count() (groups, terms, always int) {
	x.settle()
	return len(x.groups), len(x.dict) + len(x.prefixes), len(x.always)
}

// Take registers a query and gives what removes it again.
func (x *Index) Take(e query.Expr) (remove func()) {
	g := x.add(e)
	return func() { x.remove(g) }
}

// Pivots are the terms under which a query is posted.
func (x *Index) Pivots(e query.Expr) (texts []string) {
	x.settle()
	for _, p := range x.groups[e.String()].pivots {
		texts = append(texts, x.terms[p.term].text)
	}
	return texts
}

// IndexOf gives a hub's, for when it does nothing.
func IndexOf(h *Hub) *Index { return &Index{h.index} }
