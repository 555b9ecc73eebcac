package live

import (
	"sync"

	"birdwatch/query"
)

// tried keeps what queries match of a leaf, so that a query is tried once however many subscriptions with it catch up.
type tried struct {
	index *index

	mu sync.Mutex // guards what follows
	of map[groupKey]*verdict
}

// verdict is what one query matches.
type verdict struct {
	mu   sync.Mutex // guards what follows
	done int        // so many entries were tried
	yes  hits
}

// hits are entries of a leaf, a bit each: tweets that match, and deletions of which some version does.
type hits [leafSize / 64]uint64

func (h *hits) has(i int) bool { return h[i/64]>>(i%64)&1 > 0 }

// by gives what the query of a group that is held matches of es, all that the leaf has.
func (t *tried) by(g groupKey, es []entry) hits {
	t.mu.Lock()
	v := t.of[g]
	if v == nil {
		v = &verdict{}
		t.of[g] = v
	}
	t.mu.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.done >= len(es) {
		return v.yes
	}
	m := query.NewMatcher(t.index.expr(g))
	for ; v.done < len(es); v.done++ {
		if es[v.done].matches(m) {
			v.yes[v.done/64] |= 1 << (v.done % 64)
		}
	}
	return v.yes
}

func (e *entry) matches(m *query.Matcher) bool {
	if e.target != nil {
		return m.Match(e.target)
	}
	if e.gone != nil {
		for _, t := range e.gone.targets {
			if m.Match(t) {
				return true
			}
		}
	}
	return false
}

// matching is what a subscription's queries match of a stretch.
type matching struct {
	x    *stretch
	sets []window
	hits [][]hits // by window, and query; nil: not looked at yet
}

func (m *matching) of(window int) []hits {
	if m.hits == nil {
		m.hits = make([][]hits, len(m.sets))
	}
	if m.hits[window] == nil {
		groups := m.sets[window].set.groups
		m.hits[window] = make([]hits, len(groups))
		for i, g := range groups {
			m.hits[window][i] = m.x.tried.by(g, m.x.es)
		}
	}
	return m.hits[window]
}

// queries gives the indexes of the queries that match an entry, of those in force then.
func (m *matching) queries(i, window int) (matched []int) {
	for q, h := range m.of(window) {
		if h.has(i) {
			matched = append(matched, q)
		}
	}
	return matched
}

// any reports whether any query matches that the subscription ever had.
func (m *matching) any(i int) bool {
	for w := range m.sets {
		for _, h := range m.of(w) {
			if h.has(i) {
				return true
			}
		}
	}
	return false
}
