package live

import (
	"slices"
	"unicode/utf8"

	"birdwatch/query"
)

// Explanation is what the index makes of a query.
type Explanation struct {
	// Pivots are the terms under one of which the query is looked at when a tweet has it; empty when it is looked at with every tweet.
	Pivots []string `json:"pivots,omitempty"`
	Always bool     `json:"always,omitempty"`
	// Candidates is how many of 1,000 tweets the query is looked at for, by the stream so far.
	Candidates float64 `json:"candidates_per_1000"`
	Matcher    bool    `json:"matcher,omitempty"` // candidates are decided by the matcher, since words must stand in their places
}

// Explain says how a query would be found, by the frequencies of terms as they are now.
func (h *Hub) Explain(e query.Expr) Explanation {
	x := newIndex() // of its own: the hub's is of the goroutine that matches
	root := x.tree.read(e, &x.terms)
	c := coverer{&x.terms, h.index.frequencies()}
	cover := c.of(&x.tree, root)
	out := Explanation{Always: len(cover.any) == 0, Matcher: x.tree.hard}
	for _, p := range cover.any {
		out.Pivots = append(out.Pivots, shown(x.terms.texts[p.term]))
		out.Candidates += c.share(p.term)
	}
	if out.Candidates = min(out.Candidates, 1) * 1000; out.Always {
		out.Candidates = 1000
	}
	return out
}

// frequencies are those of some time ago.
func (x *index) frequencies() *sketch {
	if s := x.shown.Load(); s != nil {
		return s
	}
	return new(sketch)
}

// showEvery is after how many tweets learnt from the frequencies are shown anew.
const showEvery = 1024

// show copies the frequencies for other goroutines, now and then.
func (x *index) show() {
	if was := x.shown.Load(); x.common.learnt == 0 || was != nil && x.common.learnt-was.learnt < showEvery {
		return
	}
	s := x.common
	s.counts = slices.Clone(s.counts)
	x.shown.Store(&s)
}

// share is which part of all tweets has a term, at most.
func (b *coverer) share(n uint32) float64 {
	if b.common.learnt == 0 {
		return 0
	}
	return float64(b.common.count(b.terms.texts[n])) / float64(b.common.learnt)
}

// shown is a term as a reader knows it: a field's by its operator's name.
func shown(term string) string {
	r, n := utf8.DecodeRuneInString(term)
	for _, o := range query.Operators() {
		if o.Prefix == r {
			return o.Name + ":" + term[n:]
		}
	}
	return term
}
