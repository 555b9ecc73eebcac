package pack

import (
	"encoding/binary"
	"sync"
)

// sealer writes the tweets of one block.
type sealer struct {
	front, back book
	scan        scanner
	round       uint64 // of reset
	at          int    // the node that comes next
	texts       texts
	values      finder
	heads       finder
	tails       finder
	all         []found // the values of the tweet at hand that can be pointed to
	scratch     []byte
	own         [3]int64
}

type found struct {
	value
	column, place int
}

// The roots of the books: of the front; of the back, where they stand as the parts do.
const (
	rootOwn        = 0 // the tweet's own numbers
	rootPayload    = 1
	rootRaw        = 0
	rootFigures    = 1
	rootProvenance = 2
)

var sealers = sync.Pool{New: func() any { return &sealer{} }}

func (s *sealer) reset() {
	s.front.reset(true)
	s.back.reset(false)
	s.texts = s.texts[:0]
	s.round++
	s.scan.paths.bound()
}

// The parts of a tweet, and the roots of the books where they are.
const (
	partPayload = iota
	partRaw
	partFigures
	partProvenance
	parts
)

func (s *sealer) add(t *Tweet, plain func(part int) bool) {
	s.all = s.all[:0]
	s.values.clear()
	s.heads.clear()
	s.tails.clear()
	s.front.next()
	s.back.next()
	s.own = ownNumbers(t.ID)
	for _, n := range s.own {
		s.enter(&s.front, rootOwn, value{n: n}, fromHere)
	}
	s.document(&s.front, rootPayload, t.Payload, plain(partPayload))
	s.document(&s.back, rootRaw, t.Raw, plain(partRaw))
	s.document(&s.back, rootFigures, t.Figures, plain(partFigures))
	s.document(&s.back, rootProvenance, t.Provenance, plain(partProvenance))
}

// document writes one text.
func (s *sealer) document(b *book, root int, text []byte, plain bool) {
	if plain || !s.scan.scan(text) {
		s.scalar(b, root, formPlain, s.keepText(text))
		return
	}
	s.at = 0
	s.node(b, root)
}

func (s *sealer) keepText(text []byte) value {
	from := len(s.texts)
	s.texts = append(s.texts, text...)
	return textAt(from, len(s.texts))
}

// side is the place of what the sealer keeps of each book.
func side(b *book) int {
	if b.front {
		return 0
	}
	return 1
}

// node writes the next of the nodes with all that is in it.
func (s *sealer) node(b *book, n int) {
	d := &s.scan.nodes[s.at]
	s.at++
	c := &b.columns[n]
	text := s.scan.text[d.from:d.to]
	switch d.kind {
	case isNull, isTrue, isFalse:
		c.codes = append(c.codes, d.kind)
	case isNumber:
		if v, ok := wholeNumber(text); ok {
			s.scalar(b, n, formNumber, value{n: v})
		} else {
			s.scalar(b, n, formOther, s.keepText(text))
		}
	case isString:
		s.text(b, n, text)
	case isList:
		if d.n == 2 && s.scan.nodes[s.at].kind == isNumber && s.scan.nodes[s.at+1].kind == isNumber {
			c.codes = append(c.codes, codePair)
			s.node(b, b.insideOf(n, 0))
			s.node(b, b.insideOf(n, 1))
			return
		}
		if d.n == c.length {
			c.codes = append(c.codes, codeSameList)
		} else {
			c.codes = append(c.codes, codeList)
			c.ints = binary.AppendUvarint(c.ints, uint64(d.n))
			c.length = d.n
		}
		for range d.n {
			s.node(b, b.insideOf(n, inLists))
		}
	case isForm:
		shape := s.shape(b, d.form)
		if shape == c.shape {
			c.codes = append(c.codes, codeSameForm)
		} else {
			c.codes = append(c.codes, codeForm)
			c.ints = binary.AppendUvarint(c.ints, uint64(shape))
			at := b.holesOf(n, shape)
			c = &b.columns[n]
			c.shape, c.holes = shape, at
		}
		at := c.holes
		for i := range b.shapes[shape].names {
			s.node(b, b.holes[at+i])
		}
	}
}

// shape gives the number of a shape.
func (s *sealer) shape(b *book, k *known) int {
	side := side(b)
	if k.round[side] == s.round {
		return k.number[side]
	}
	k.number[side], k.round[side] = len(b.shapes), s.round
	b.shapes = append(b.shapes, k.shape)
	return k.number[side]
}

// text writes a string by what it says.
func (s *sealer) text(b *book, n int, inside []byte) {
	if v, ok := wholeNumber(inside); ok {
		s.scalar(b, n, formDigits, value{n: v})
		return
	}
	switch len(inside) {
	case len(longTime):
		if v, ok := longSeconds(inside); ok {
			s.scalar(b, n, formLongTime, value{n: v})
			return
		}
	case len(shortTime):
		if v, ok := shortMillis(inside); ok && v%1000 == 0 {
			s.scalar(b, n, formShortTime, value{n: v / 1000})
			return
		} else if ok {
			s.scalar(b, n, formMillis, value{n: v})
			return
		}
	}
	form, v := s.plain(&b.columns[n], inside)
	s.scalar(b, n, form, v)
}

// plain gives what a string says and the form that gives back how it is written.
func (s *sealer) plain(c *column, inside []byte) (form uint8, v value) {
	from := len(s.texts)
	texts, fit := appendPlain(s.texts, inside)
	if fit == 0 {
		return formVerbatim, s.keepText(inside)
	}
	s.texts = texts
	for fit>>c.style&1 == 0 {
		c.style = (c.style + 1) % len(styles)
	}
	return formString + uint8(c.style), textAt(from, len(s.texts))
}
