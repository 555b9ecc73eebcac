package live

import (
	"slices"

	"birdwatch/query"
)

// A program decides what posts leave open of a query. It begins with the group's id, with the bit programMany where the group has several posts, of which a
// tweet may have more than one. Behind it stand operations in prefix form: one word with its argument, then its operands.
const (
	opTerm    = iota << opShift // argument: its number
	opAnd                       // argument: how many words the operands take
	opOr                        // likewise
	opNot                       // the operand follows
	opRange                     // argument: the figure; low and high follow, two words each
	opPhrase                    // argument: how many terms follow, which must stand side by side
	opMatcher                   // the group's matcher decides
	opTrue
	opFalse

	programMany = 1 << 31
	idMask      = 1<<30 - 1

	opShift = 28
	argMask = 1<<opShift - 1
)

// node is a part of a query whose terms have numbers.
type node struct {
	op    uint32
	arg   uint32 // of opTerm and opRange
	lo    int64
	hi    int64
	kids  []int32
	words []uint32 // of opPhrase; of others, what must be there: of a place, and of what only the matcher can decide
}

// tree is a query as the index sees it. It is used again for the next one.
type tree struct {
	terms  *terms // holds every term that is met
	nodes  []node
	held   []uint32
	hard   bool // only the matcher can decide some of it
	ranges bool // it asks for figures
}

// read makes the tree of e and gives its root.
func (b *tree) read(e query.Expr, t *terms) int32 {
	b.terms, b.nodes, b.held, b.hard, b.ranges = t, b.nodes[:0], b.held[:0], false, false
	return query.Build(e, b)
}

func (b *tree) add(n node) int32 {
	b.nodes = append(b.nodes, n)
	return int32(len(b.nodes) - 1)
}

func (b *tree) number(text string, prefix bool) uint32 {
	n := b.terms.hold(key{text, prefix})
	b.held = append(b.held, n)
	return n
}

func (b *tree) All() int32            { return b.add(node{op: opTrue}) }
func (b *tree) And(xs []int32) int32  { return b.add(node{op: opAnd, kids: xs}) }
func (b *tree) Or(xs []int32) int32   { return b.add(node{op: opOr, kids: xs}) }
func (b *tree) Not(x int32) int32     { return b.add(node{op: opNot, kids: []int32{x}}) }
func (b *tree) Term(t string) int32   { return b.add(node{op: opTerm, arg: b.number(t, false)}) }
func (b *tree) Prefix(t string) int32 { return b.add(node{op: opTerm, arg: b.number(t, true)}) }

func (b *tree) Range(f query.Figure, lo, hi int64) int32 {
	b.ranges = true
	n := node{op: opRange, arg: uint32(f), lo: lo, hi: hi}
	if lo > query.NoPlace && (f == query.Longitude || f == query.Latitude) {
		n.words = b.numbers([]string{query.GeoTerm}, false)
	}
	return b.add(n)
}

func (b *tree) Phrase(words []string, prefix bool) int32 {
	return b.add(node{op: opPhrase, words: b.numbers(words, prefix)})
}

func (b *tree) Near(words []string, _ int) int32 {
	b.hard = true
	return b.add(node{op: opMatcher, words: b.numbers(words, false)})
}

func (b *tree) Circle(query.Circle) int32 {
	b.hard, b.ranges = true, true
	return b.add(node{op: opMatcher, words: b.numbers([]string{query.GeoTerm}, false)})
}

func (b *tree) numbers(words []string, prefix bool) []uint32 {
	ns := make([]uint32, len(words))
	for i, w := range words {
		ns[i] = b.number(w, prefix && i == len(words)-1)
	}
	return ns
}

// code appends the program of a node.
func (b *tree) code(dst []uint32, at int32) []uint32 {
	n := &b.nodes[at]
	switch n.op {
	case opAnd, opOr:
		from := len(dst)
		dst = append(dst, n.op)
		for _, k := range n.kids {
			dst = b.code(dst, k)
		}
		dst[from] |= uint32(len(dst) - from - 1)
	case opNot:
		dst = b.code(append(dst, opNot), n.kids[0])
	case opRange:
		dst = append(dst, opRange|n.arg, uint32(uint64(n.lo)>>32), uint32(n.lo), uint32(uint64(n.hi)>>32), uint32(n.hi))
	case opTerm:
		dst = append(dst, opTerm|n.arg)
	case opPhrase:
		dst = append(append(dst, opPhrase|uint32(len(n.words))), n.words...)
	default:
		dst = append(dst, opTrue)
	}
	return dst
}

// run decides the program that begins at i, and gives the place behind it.
func (x *terms) run(code []uint32, i int, figures *[query.NumFigures]int64) (bool, int) {
	op, arg := code[i]&^argMask, code[i]&argMask
	i++
	switch op {
	case opTerm:
		return x.seen[arg] != 0, i
	case opNot:
		ok, next := x.run(code, i, figures)
		return !ok, next
	case opPhrase:
		end := i + int(arg)
		return x.phrase(code[i:end]), end
	case opRange:
		lo := int64(uint64(code[i])<<32 | uint64(code[i+1]))
		hi := int64(uint64(code[i+2])<<32 | uint64(code[i+3]))
		return lo <= figures[arg] && figures[arg] <= hi, i + 4
	case opTrue, opFalse:
		return op == opTrue, i
	}
	end := i + int(arg)
	for i < end {
		ok, next := x.run(code, i, figures)
		if ok == (op == opOr) {
			return ok, end
		}
		i = next
	}
	return op == opAnd, end
}

// phrase reports whether the tweet has the terms side by side.
func (x *terms) phrase(ns []uint32) bool {
	if !x.exact {
		return slices.ContainsFunc(x.places, func(p place) bool { return p.number == ns[0] && x.follows(p.at+1, ns[1:]) })
	}
	ats := ^uint64(0)
	for k, n := range ns {
		hit := x.seen[n]
		if hit == 0 {
			return false
		}
		ats &= x.ats[hit] >> k
	}
	return ats != 0
}

func (x *terms) follows(at uint32, ns []uint32) bool {
	for k, n := range ns {
		if !slices.Contains(x.places, place{at + uint32(k), n}) {
			return false
		}
	}
	return true
}
