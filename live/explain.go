package live

import (
	"fmt"
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
	// Cost is how many steps the query takes a tweet, on average and at most: one for each time that it is looked at, and then one for each of its terms,
	// unless having the pivot and two terms beside it is all that it asks.
	Cost float64 `json:"cost"`
	// MaxCost is the most that a query may cost, 0 for any.
	MaxCost float64 `json:"max_cost,omitempty"`
}

// CostError says that a query is too dear to stand: looking at it would take too much of every tweet's time.
type CostError struct{ Explanation }

func (e *CostError) Error() string {
	what := fmt.Sprintf("it is looked at for %.0f of 1,000 tweets", e.Candidates)
	if e.Always {
		what = "it has no word or term that all its matches have, so it is looked at with every tweet"
	}
	return fmt.Sprintf("the query would cost %.1f steps a tweet, and %.4g are the most: %s", e.Cost, e.MaxCost, what)
}

// Afford gives a *CostError for a query that may not stand, by the frequencies of terms as they are now.
func (h *Hub) Afford(e query.Expr) error {
	if h.o.MaxCost <= 0 {
		return nil
	}
	if x := h.Explain(e); x.Cost > x.MaxCost {
		return &CostError{x}
	}
	return nil
}

// Explain says how a query would be found, by the frequencies of terms as they are now.
func (h *Hub) Explain(e query.Expr) Explanation {
	terms := newTerms() // of its own: the hub's are of the goroutine that matches
	var t tree
	root := t.read(e, &terms)
	c := coverer{&terms, h.index.frequencies()}
	cover := c.of(&t, root)
	out := Explanation{Always: len(cover.any) == 0, Matcher: t.hard, MaxCost: max(h.o.MaxCost, 0)}
	steps := t.steps()
	for _, p := range cover.any {
		out.Pivots = append(out.Pivots, shown(string(terms.texts.of(p.term))))
		share := c.share(p.term)
		out.Candidates += share
		out.Cost += share
		if !p.decided {
			out.Cost += share * steps
		}
	}
	if out.Candidates = min(out.Candidates, 1) * 1000; out.Always {
		out.Candidates, out.Cost = 1000, steps
	}
	return out
}

// matcherSteps are what the matcher costs, which reads the tweet's words, as against a step of a program.
const matcherSteps = 25

// steps is how many steps it takes to decide a query at most.
func (b *tree) steps() float64 {
	n := len(b.nodes)
	for i := range b.nodes {
		n += len(b.nodes[i].words)
	}
	if b.hard {
		n *= matcherSteps
	}
	return float64(n)
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
	s.counts, s.beginnings = slices.Clone(s.counts), slices.Clone(s.beginnings)
	x.shown.Store(&s)
}

// share is which part of all tweets has a term, at most.
func (b *coverer) share(n uint32) float64 {
	if b.common.learnt == 0 {
		return 0
	}
	return min(b.frequency(n)/float64(b.common.learnt), 1)
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
