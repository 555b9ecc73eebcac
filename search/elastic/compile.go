package elastic

import (
	"math"
	"slices"

	"birdwatch/query"
)

// clause is a query in negation normal form: a Not stands only before a leaf. So a bool stands for every And and Or and no more:
// Elasticsearch 7.17 takes no more than 20 of them nested.
type clause struct {
	kind   clauseKind
	not    bool     // of a leaf: it must not match
	xs     []clause // of And and Or, flat; of an inexact one what surely finds all matches, and what finds only matches
	json   string   // of a leaf
	dead   bool     // of a leaf: tombstones match, too
	figure query.Figure
	in     interval // of a range
}

type clauseKind uint8

const (
	clauseAll   clauseKind = iota // every live tweet
	clauseNone                    // no tweet
	clauseLeaf                    // what the server finds exactly
	clauseRange                   // likewise
	clauseAnd
	clauseOr
	clauseInexact // what the server cannot say: the Matcher decides between most and sure
)

// interval is lo ≤ x ≤ hi.
type interval struct{ lo, hi int64 }

var whole = interval{math.MinInt64, math.MaxInt64}

func (i interval) empty() bool { return i.lo > i.hi }

func (i interval) and(j interval) interval { return interval{max(i.lo, j.lo), min(i.hi, j.hi)} }

// mostLeaves is from where on it is not worth more of them to spare tweets a look. Servers with little memory refuse queries far larger.
const mostLeaves = 1024

// compile makes the clause of an expression.
func compile(e query.Expr) clause {
	c := query.Build(e, builder{})
	if c.leaves() > mostLeaves {
		c = query.Build(e, builder{coarse: true})
	}
	return c
}

func (c *clause) leaves() int {
	n := 0
	for i := range c.xs {
		n += c.xs[i].leaves()
	}
	return max(n, 1)
}

// builder is the Builder of clauses.
type builder struct {
	coarse bool // what is inexact has no part that is sure
}

func (builder) All() clause { return clause{kind: clauseAll} }

var none = clause{kind: clauseNone}

func leaf(json string) clause { return clause{kind: clauseLeaf, json: json} }

// inexact is a clause of which all matches are among most, and all of sure are matches.
func inexact(most, sure clause) clause {
	return clause{kind: clauseInexact, xs: []clause{most, sure}}
}

func (builder) Range(f query.Figure, lo, hi int64) clause { return ranged(f, interval{lo, hi}) }

func ranged(f query.Figure, in interval) clause {
	switch {
	case in.empty():
		return none
	case in == whole:
		return clause{kind: clauseAll}
	}
	return clause{kind: clauseRange, figure: f, in: in}
}

// Not goes down to the leaves.
func (b builder) Not(x clause) clause {
	switch x.kind {
	case clauseAll:
		return none
	case clauseNone:
		return clause{kind: clauseAll}
	case clauseAnd:
		return b.Or(b.nots(x.xs))
	case clauseOr:
		return b.And(b.nots(x.xs))
	case clauseInexact:
		return inexact(b.Not(x.xs[1]), b.Not(x.xs[0]))
	case clauseRange:
		// Every live tweet has every figure.
		switch {
		case x.not:
		case x.in.lo == math.MinInt64:
			return ranged(x.figure, interval{x.in.hi + 1, math.MaxInt64})
		case x.in.hi == math.MaxInt64:
			return ranged(x.figure, interval{math.MinInt64, x.in.lo - 1})
		}
	}
	x.not = !x.not
	return x
}

func (b builder) nots(xs []clause) []clause {
	nots := make([]clause, len(xs))
	for i, x := range xs {
		nots[i] = b.Not(x)
	}
	return nots
}

// And makes one range of those of a figure.
func (builder) And(xs []clause) clause {
	var flat []clause
	var add func(x clause) bool
	add = func(x clause) bool {
		switch {
		case x.kind == clauseNone:
			return false
		case x.kind == clauseAll:
			return true
		case x.kind == clauseAnd:
			return !slices.ContainsFunc(x.xs, func(y clause) bool { return !add(y) })
		case x.kind == clauseRange && !x.not:
			i := slices.IndexFunc(flat, func(y clause) bool { return y.kind == clauseRange && !y.not && y.figure == x.figure })
			if i >= 0 {
				flat[i].in = flat[i].in.and(x.in)
				return !flat[i].in.empty()
			}
		}
		flat = append(flat, x)
		return true
	}
	for _, x := range xs {
		if !add(x) {
			return none
		}
	}
	switch len(flat) {
	case 0:
		return clause{kind: clauseAll}
	case 1:
		return flat[0]
	}
	return clause{kind: clauseAnd, xs: flat}
}

func (builder) Or(xs []clause) clause {
	var flat []clause
	for _, x := range xs {
		switch x.kind {
		case clauseAll:
			return x
		case clauseNone:
		case clauseOr:
			flat = append(flat, x.xs...)
		default:
			flat = append(flat, x)
		}
	}
	switch len(flat) {
	case 0:
		return none
	case 1:
		return flat[0]
	}
	return clause{kind: clauseOr, xs: flat}
}

// exact reports whether the server can decide the clause alone.
func (c *clause) exact() bool {
	if c.kind == clauseInexact {
		return false
	}
	for i := range c.xs {
		if !c.xs[i].exact() {
			return false
		}
	}
	return true
}

// most gives an exact clause that finds all matches of c, sure one that finds nothing else.
func (c clause) most() clause { return c.side(0) }
func (c clause) sure() clause { return c.side(1) }

func (c clause) side(n int) clause {
	switch c.kind {
	case clauseInexact:
		return c.xs[n].side(n)
	case clauseAnd, clauseOr:
		xs := make([]clause, len(c.xs))
		for i, x := range c.xs {
			xs[i] = x.side(n)
		}
		if c.kind == clauseAnd {
			return builder{}.And(xs)
		}
		return builder{}.Or(xs)
	}
	return c
}

// required is the interval that a figure is in, of every match of c.
func (c *clause) required(f query.Figure) interval {
	switch c.kind {
	case clauseRange:
		if c.figure == f && !c.not {
			return c.in
		}
	case clauseAnd:
		for i := range c.xs {
			if x := &c.xs[i]; x.kind == clauseRange && x.figure == f && !x.not {
				return x.in
			}
		}
	}
	return whole
}

// live reports whether c can be true of live tweets only: tombstones have an id, a first_seq and nothing else.
func (c *clause) live() bool {
	yes := func(x clause) bool { return x.live() }
	switch c.kind {
	case clauseAll, clauseNone:
		return true
	case clauseRange:
		return !c.not && c.figure != query.TweetID
	case clauseAnd:
		return slices.ContainsFunc(c.xs, yes)
	case clauseOr:
		return !slices.ContainsFunc(c.xs, func(x clause) bool { return !x.live() })
	}
	return !c.not && !c.dead
}
