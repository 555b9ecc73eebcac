package query

import (
	"unicode/utf8"
)

// Needs says what queries look at of a tweet: a bit for each field, and one for the figures. The words of the text are not asked for, they
// are always there.
type Needs uint64

// The parts. The bit of a field is its prefix's place among the prefixes.
const (
	NeedsFigures Needs = 1 << 63
	NeedsAll     Needs = 1<<64 - 1
)

const _ = uint(62 - prefixes) // the bits are enough

func needsField(prefix rune) Needs {
	if prefix < firstPrivate || prefix >= firstPrivate+prefixes {
		return 0
	}
	return 1 << (prefix - firstPrivate)
}

// NeedsOf is what a query needs.
func NeedsOf(e Expr) Needs { return Build(e, needer{}) }

// NeedsOfTerm is what a query for the term, or for what begins with it, needs.
func NeedsOfTerm(t string) Needs {
	r, _ := utf8.DecodeRuneInString(t)
	return needsField(r)
}

// markedFields are the fields that are made of the marked parts of a text: links, tags and mentions.
var markedFields = func() (n Needs) {
	for _, r := range []rune{prefixHashtag, prefixCashtag, prefixMention, prefixURL, prefixURLTitle, prefixURLDescription, prefixURLContains, prefixHas} {
		n |= needsField(r)
	}
	return n
}()

// needer is the Builder of Needs.
type needer struct{}

func (needer) All() Needs               { return 0 }
func (needer) And(xs []Needs) Needs     { return union(xs) }
func (needer) Or(xs []Needs) Needs      { return union(xs) }
func (needer) Not(x Needs) Needs        { return x }
func (needer) Term(t string) Needs      { return NeedsOfTerm(t) }
func (needer) Prefix(t string) Needs    { return NeedsOfTerm(t) }
func (needer) Circle(Circle) Needs      { return NeedsFigures }
func (needer) Near([]string, int) Needs { return 0 }

func (needer) Range(Figure, int64, int64) Needs { return NeedsFigures }

func (needer) Phrase(words []string, _ bool) Needs { return NeedsOfTerm(words[0]) }

func union(xs []Needs) (n Needs) {
	for _, x := range xs {
		n |= x
	}
	return n
}
