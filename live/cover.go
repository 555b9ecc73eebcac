package live

import (
	"cmp"
	"slices"
)

// key is a term before it has a number.
type key struct {
	text   string
	prefix bool
}

// pivot is where a query is posted: a tweet that has term, and second and third unless they are 0, may match. decided says that
// it does. third may be a term that must not be there, with the bit notThere.
type pivot struct {
	term, second, third uint32
	decided             bool
}

// cover is what a query needs: one of the pivots at least, and all of required, rarest first. Without any, a tweet may match
// without having a term of the query.
type cover struct {
	any      []pivot
	required []uint32
	cost     float64
}

// coverer finds covers of trees. Costs are the terms' frequencies in the stream; of terms that are as rare, longer ones count as
// rarer.
type coverer struct {
	terms  *terms
	common *sketch
}

func (b *coverer) cost(n uint32) float64 {
	return b.frequency(n) + 1/float64(1+len(b.terms.texts.of(n)))
}

// frequency is how many of the tweets that were learnt from have a term, at most.
func (b *coverer) frequency(n uint32) float64 {
	if b.terms.isPrefix.has(n) {
		return float64(b.common.countPrefix(b.terms.texts.of(n)))
	}
	return float64(b.common.count(b.terms.texts.of(n)))
}

func (b *coverer) of(t *tree, at int32) cover {
	n := &t.nodes[at]
	switch {
	case n.op == opTerm:
		return b.all([]uint32{n.arg}, true)
	case len(n.words) > 0:
		return b.all(n.words, false)
	case n.op == opAnd:
		return b.and(t, n.kids)
	case n.op == opOr:
		return b.or(t, n.kids)
	}
	return cover{}
}

// all covers terms that must all be there; plain says that this is the whole query.
func (b *coverer) all(ns []uint32, plain bool) cover {
	required := slices.Clone(ns)
	slices.Sort(required)
	required = slices.Compact(required)
	if len(required) > 1 {
		slices.SortFunc(required, func(x, y uint32) int { return cmp.Or(cmp.Compare(b.cost(x), b.cost(y)), cmp.Compare(x, y)) })
	}
	p := pivot{term: required[0], decided: plain && len(required) <= 3}
	if len(required) > 1 {
		p.second = required[1]
	}
	if len(required) > 2 {
		p.third = required[2]
	}
	return cover{any: []pivot{p}, required: required, cost: b.cost(required[0])}
}

func (b *coverer) and(t *tree, kids []int32) cover {
	var required []uint32
	var rarest cover // of the parts that are no terms
	others := 0
	denied := uint32(0) // a term that must not be there
	for _, k := range kids {
		n := &t.nodes[k]
		if n.op == opTerm {
			required = append(required, n.arg)
			continue
		}
		others++
		if n.op == opNot && t.nodes[n.kids[0]].op == opTerm {
			denied = t.nodes[n.kids[0]].arg | notThere
			continue
		}
		c := b.of(t, k)
		required = append(required, c.required...)
		if len(c.any) > 0 && (len(rarest.any) == 0 || c.cost < rarest.cost) {
			rarest = c
		}
	}
	if len(required) == 0 {
		return rarest.undecided()
	}
	all := b.all(required, others == 0)
	if p := &all.any[0]; denied != 0 && p.third == 0 {
		p.third, p.decided = denied, others == 1
	}
	if len(rarest.any) == 0 || rarest.cost >= all.cost {
		return all
	}
	// One of the alternatives is rarer than any term that must be there: those terms are its seconds.
	whole := others == 1 && len(all.required) == 1
	for i := range rarest.any {
		p := &rarest.any[i]
		if p.second != 0 || p.term == all.required[0] {
			p.decided = false
			continue
		}
		p.second, p.decided = all.required[0], p.decided && whole
	}
	rarest.required = all.required
	return rarest
}

func (c cover) undecided() cover {
	for i := range c.any {
		c.any[i].decided = false
	}
	return c
}

func (b *coverer) or(t *tree, kids []int32) cover {
	var all cover
	for _, k := range kids {
		c := b.of(t, k)
		if len(c.any) == 0 {
			return cover{}
		}
		all.any = append(all.any, c.any...)
		all.cost += c.cost
	}
	return all
}
