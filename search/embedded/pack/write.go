package pack

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// sealer writes the tweets of one block.
type sealer struct {
	front, back book
	scan        scanner
	shapes      [2]map[string]int // of the front and the back, by their texts
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

var sealers = sync.Pool{New: func() any { return &sealer{shapes: [2]map[string]int{{}, {}}} }}

func (s *sealer) reset() {
	s.front.reset(true)
	s.back.reset(false)
	clear(s.shapes[0])
	clear(s.shapes[1])
	s.texts = s.texts[:0]
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
	rest := s.scan.nodes
	s.node(b, root, &rest)
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

// node writes the first of the nodes with all that is in it.
func (s *sealer) node(b *book, n int, rest *[]node) {
	d := (*rest)[0]
	*rest = (*rest)[1:]
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
		if d.n == 2 && (*rest)[0].kind == isNumber && (*rest)[1].kind == isNumber {
			c.codes = append(c.codes, codePair)
			s.node(b, b.insideOf(n, 0), rest)
			s.node(b, b.insideOf(n, 1), rest)
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
			s.node(b, b.insideOf(n, inLists), rest)
		}
	case isForm:
		shape := s.shape(b, s.scan.shapes[d.shape])
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
			s.node(b, b.holes[at+i], rest)
		}
	}
}

func (s *sealer) shape(b *book, text []byte) int {
	known := s.shapes[side(b)]
	n, ok := known[string(text)]
	if !ok {
		n = len(b.shapes)
		known[string(text)] = n
		b.addShape(bytes.Clone(text))
	}
	return n
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
