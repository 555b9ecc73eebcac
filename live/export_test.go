package live

import (
	"birdwatch/query"
)

// Keys gives the normal forms of the queries that match; for tests.
func (x *Index) Keys(t *query.Target) (keys []string) {
	for _, g := range x.Match(t) {
		keys = append(keys, g.key)
	}
	return keys
}

// Count is how many groups there are, and how many terms are in use.
func (x *Index) Count() (groups, terms int) { return len(x.groups), len(x.dict) + len(x.prefixes) }

// Take registers a query and gives what removes it again.
func (x *Index) Take(e query.Expr) (remove func()) {
	g := x.Add(e)
	return func() { x.Remove(g) }
}
