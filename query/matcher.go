package query

import (
	"cmp"
	"math/bits"
	"slices"
	"unicode/utf8"

	"birdwatch/tweet"
)

// Matcher decides one tweet against one query. It is what every engine is held to. Safe for concurrent use.
type Matcher struct{ root node }

// NewMatcher compiles e.
func NewMatcher(e Expr) *Matcher { return &Matcher{Build(e, compiler{})} }

// Match reports whether the tweet matches. It allocates nothing.
func (m *Matcher) Match(t *Target) bool { return m.root.match(t) }

// node is a compiled Expr. The cheapest come first: children are tried in the order of their kinds.
type node struct {
	kind   nodeKind
	field  int  // the terms are of fields with this prefix, counted from firstPrivate; -1: of the text
	prefix bool // the last word is a prefix
	figure Figure
	lo, hi int64
	n      int
	words  []string
	xs     []node
	circle Circle
}

type nodeKind uint8

const (
	nodeAll nodeKind = iota
	nodeRange
	nodeCircle
	nodeTerm
	nodePhrase
	nodeNear
	nodeNot
	nodeAnd
	nodeOr
)

// compiler is the Builder of nodes.
type compiler struct{}

func (compiler) All() node { return node{kind: nodeAll} }

func (compiler) And(xs []node) node { return node{kind: nodeAnd, xs: cheapestFirst(xs)} }

func (compiler) Or(xs []node) node { return node{kind: nodeOr, xs: cheapestFirst(xs)} }

func (compiler) Not(x node) node { return node{kind: nodeNot, xs: []node{x}} }

func (compiler) Term(t string) node { return wordsNode(nodeTerm, []string{t}, false) }

func (compiler) Prefix(t string) node { return wordsNode(nodeTerm, []string{t}, true) }

func (compiler) Phrase(words []string, prefix bool) node { return wordsNode(nodePhrase, words, prefix) }

func (compiler) Near(words []string, n int) node {
	x := wordsNode(nodeNear, words, false)
	x.n = n
	return x
}

func (compiler) Range(f Figure, lo, hi int64) node {
	return node{kind: nodeRange, figure: f, lo: lo, hi: hi}
}

func (compiler) Circle(c Circle) node { return node{kind: nodeCircle, circle: c} }

func wordsNode(kind nodeKind, words []string, prefix bool) node {
	r, _ := utf8.DecodeRuneInString(words[0])
	x := node{kind: kind, words: words, prefix: prefix, field: -1}
	if r >= firstPrivate && r <= lastPrivate {
		x.field = int(r - firstPrivate)
	}
	return x
}

func cheapestFirst(xs []node) []node {
	slices.SortStableFunc(xs, func(a, b node) int { return cmp.Compare(a.kind, b.kind) })
	return xs
}

func (x *node) match(t *Target) bool {
	switch x.kind {
	case nodeRange:
		return x.lo <= t.Figures[x.figure] && t.Figures[x.figure] <= x.hi
	case nodeCircle:
		return x.circle.Holds(t.Figures[Longitude], t.Figures[Latitude])
	case nodeTerm, nodePhrase:
		return x.matchWords(t)
	case nodeNear:
		return x.matchNear(&t.Terms)
	case nodeNot:
		return !x.xs[0].match(t)
	case nodeAnd:
		for i := range x.xs {
			if !x.xs[i].match(t) {
				return false
			}
		}
		return true
	case nodeOr:
		for i := range x.xs {
			if x.xs[i].match(t) {
				return true
			}
		}
		return false
	}
	return true
}

// matchWords looks for the words side by side; a term is a phrase of one.
func (x *node) matchWords(t *Target) bool {
	from, to := 0, t.Terms.Words()
	if x.field >= 0 {
		if x.field >= prefixes {
			return false
		}
		from, to = t.stretches[x.field].from, t.stretches[x.field].to
	}
	for i := from; i+len(x.words) <= to; i++ {
		if x.standsAt(&t.Terms, i) {
			return true
		}
	}
	return false
}

// standsAt reports whether the words stand side by side from position i on.
func (x *node) standsAt(t *tweet.Terms, i int) bool {
	last := len(x.words) - 1
	for k, word := range x.words {
		if !x.at(t, i+k, word, x.prefix && k == last) {
			return false
		}
	}
	return true
}

// at reports whether the word stands at position i, in one of its forms.
func (x *node) at(t *tweet.Terms, i int, word string, prefix bool) bool {
	if x.field >= 0 {
		return is(t.Field(i), word, prefix)
	}
	return is(t.Word(i), word, prefix) || altAt(t, i, word, prefix)
}

func is(have []byte, word string, prefix bool) bool {
	if prefix {
		return len(have) >= len(word) && string(have[:len(word)]) == word
	}
	return string(have) == word
}

func altAt(t *tweet.Terms, i int, word string, prefix bool) bool {
	for a := range t.Alts() {
		pos, have := t.Alt(a)
		if pos > i {
			return false
		}
		if pos == i && is(have, word, prefix) {
			return true
		}
	}
	return false
}

// matchNear looks for a stretch of no more than all the words and n others in which each of the words has a
// position of its own.
func (x *node) matchNear(t *tweet.Terms) bool {
	for i := range t.Words() {
		if _, ok := x.nearAt(t, i); ok {
			return true
		}
	}
	return false
}

// nearAt looks for such a stretch that begins at position i; taken are the bits of the words' positions, from i on.
func (x *node) nearAt(t *tweet.Terms, i int) (taken uint64, ok bool) {
	if i+len(x.words) > t.Words() {
		return 0, false
	}
	for _, w := range x.words {
		if x.at(t, i, w, false) {
			return x.within(t, i, min(len(x.words)+x.n, t.Words()-i))
		}
	}
	return 0, false
}

// within gives each word a position among those from i on. Words take what is written as they are first: a
// further form of a word can stand for only one of them.
func (x *node) within(t *tweet.Terms, i, length int) (taken uint64, ok bool) {
	var done uint64 // bits of words; MaxNear + MaxApart are fewer than 64
	for w, word := range x.words {
		for p := range length {
			if taken&(1<<p) == 0 && string(t.Word(i+p)) == word {
				taken, done = taken|1<<p, done|1<<w
				break
			}
		}
	}
	if bits.OnesCount64(done) == len(x.words) {
		return taken, true
	}
	if t.Alts() == 0 {
		return 0, false
	}
	for w, word := range x.words {
		if done&(1<<w) != 0 {
			continue
		}
		p := 0
		for p < length && (taken&(1<<p) != 0 || !altAt(t, i+p, word, false)) {
			p++
		}
		if p == length {
			return 0, false
		}
		taken |= 1 << p
	}
	return taken, true
}
