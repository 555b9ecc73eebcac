package pack

import (
	"bytes"
	"strings"
)

// A value is what a number or a string says, however it is written: "12" and 12 are the same one.
type value struct {
	n      int64 // a number; of a text its begin << 32 | its end among the texts
	isText bool
}

func textAt(from, to int) value { return value{int64(from)<<32 | int64(to), true} }

// texts hold what the values say.
type texts []byte

func (t texts) of(v value) []byte { return t[v.n>>32 : v.n&0xFFFFFFFF : v.n&0xFFFFFFFF] }

func (t texts) equal(v, w value) bool {
	if !v.isText || !w.isText || v.n == w.n {
		return v == w
	}
	return bytes.Equal(t.of(v), t.of(w))
}

// A code is what stands in a column for each value: one of these, or firstScalar + form × sources + source.
const (
	codeNull uint8 = iota
	codeTrue
	codeFalse
	codeList     // its length follows
	codeSameList // as long as the column's last
	codeForm     // its shape follows
	codeSameForm // the column's last shape
	codePair     // a list of two numbers, such as a begin and an end, which have columns of their own
	firstScalar
)

// Forms are how a value is written.
const (
	formNumber    uint8 = iota // digits
	formDigits                 // digits in quotes
	formLongTime               // the value is in seconds
	formShortTime              // likewise
	formMillis                 // a short time in milliseconds
	formOther                  // a text that is no string: other numbers
	formVerbatim               // a string escaped in no known style, as it is
	formPlain                  // a whole record that is no JSON
	formString                 // and one for each style
	forms         = int(formString) + len(styles)
)

// Sources are where a value is had from.
const (
	fromHere     uint8 = iota // it follows
	fromLast                  // the column's last value
	fromSeen                  // a value that the column had before; its number follows
	fromTwin                  // a value of the same tweet in another column; which one follows
	fromSamePos               // likewise, in the column and at the place of the last time
	fromNear                  // the tweet's own number (id, time), and a difference that follows
	fromHead                  // the beginning of a twin, and what follows
	fromTail                  // what follows, and the end of a twin
	fromSameHead              // likewise, of the twin of the last time
	fromSameTail
	sources
)

// twin says where to find another value of the same tweet.
type twin struct {
	column int // its number × 2, + 1 in the front; -1: none yet
	ahead  int // its place among the column's values of this tweet, from where this one is among its own
}

// seenMost bounds what a column remembers.
const seenMost = 250

// column is all values at one place of the JSON, of all tweets of a block.
type column struct {
	codes, ints       []byte
	text              []byte // when written
	textFrom, textEnd int    // when read: where in the texts
	inside            [3]int // the columns of a list's values: see insideOf; 0: none yet
	length            int    // of the last list
	shape             int    // the last form's; -1: none yet
	holes             int    // where its columns are in the book's
	twin              twin
	seen              []value
	last              value
	hasLast           bool
	style             int      // of the last string, when written
	hashes            []uint32 // of the seen ones, when written
	tries             int      // how often twins of small numbers were looked for, when written
	now               []value  // those of the tweet at hand
}

// book is one half of a block: columns and shapes, in the order in which they are met. Writer and reader
// meet them in the same order, so that nothing says which is which.
type book struct {
	columns []column
	made    int // of them, those that were met
	shapes  []shape
	kids    map[uint64]int // see kid
	forms   map[uint64]int // by column and shape: where its columns are in holes
	holes   []int
	touched []int // columns with values of the tweet at hand
	front   bool
}

// shape is all of a form but the values in it.
type shape struct {
	text  []byte
	parts [][]byte // cut at the holes
	names []uint64 // of the holes
}

// roots is how many columns a book begins with.
const roots = 3

func (b *book) reset(front bool) {
	for i := range b.columns {
		c := &b.columns[i]
		*c = column{codes: c.codes[:0], ints: c.ints[:0], text: c.text[:0], shape: -1, twin: twin{column: -1}, seen: c.seen[:0], hashes: c.hashes[:0], now: c.now[:0]}
	}
	if b.kids == nil {
		b.kids, b.forms = map[uint64]int{}, map[uint64]int{}
	}
	clear(b.kids)
	clear(b.forms)
	b.made, b.shapes, b.holes, b.touched, b.front = 0, b.shapes[:0], b.holes[:0], b.touched[:0], front
	for range roots {
		b.add()
	}
}

// add gives the number of a column that was not met before.
func (b *book) add() int {
	if b.made++; b.made > len(b.columns) {
		b.grow(b.made)
	}
	return b.made - 1
}

func (b *book) grow(n int) {
	for len(b.columns) < n {
		b.columns = append(b.columns, column{shape: -1, twin: twin{column: -1}})
	}
}

// addShape takes a shape, whose text is not changed afterwards.
func (b *book) addShape(text []byte) {
	if len(b.shapes) < cap(b.shapes) {
		b.shapes = b.shapes[:len(b.shapes)+1]
	} else {
		b.shapes = append(b.shapes, shape{})
	}
	b.shapes[len(b.shapes)-1].cut(text)
}

// cut takes the shape apart.
func (s *shape) cut(text []byte) {
	s.text, s.parts, s.names = text, s.parts[:0], s.names[:0]
	for {
		part, rest, more := bytes.Cut(text, holes)
		s.parts = append(s.parts, part)
		if !more {
			return
		}
		s.names = append(s.names, nameOf(part))
		text = rest
	}
}

var holes = []byte{hole}

// nameOf tells the places in forms apart by what stands before them: the key, wherever in the form it is. It is part of the
// format; two that are equal by chance share a column, which does no harm.
func nameOf(before []byte) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for len(before) > 0 && strings.IndexByte("{[, \n\t\r", before[0]) >= 0 {
		before = before[1:]
	}
	for _, c := range before {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// kid is the column of the values of a name in a column.
func (b *book) kid(parent int, name uint64) int {
	key := (name ^ uint64(parent)*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93
	n, ok := b.kids[key]
	if !ok {
		n = b.add()
		b.kids[key] = n
	}
	return n
}

// holesOf gives where the columns of the values in a form are.
func (b *book) holesOf(n, shape int) int {
	key := uint64(n)<<32 | uint64(shape)
	at, ok := b.forms[key]
	if !ok {
		at = len(b.holes)
		for _, name := range b.shapes[shape].names {
			b.holes = append(b.holes, b.kid(n, name))
		}
		b.forms[key] = at
	}
	return at
}

// insideOf gives one of the columns of the values in a list at column n: of a pair's first, of its second, of all others.
func (b *book) insideOf(n, which int) int {
	if b.columns[n].inside[which] == 0 {
		in := b.kid(n, uint64(which))
		b.columns[n].inside[which] = in
	}
	return b.columns[n].inside[which]
}

const inLists = 2

// next forgets the values of the tweet at hand.
func (b *book) next() {
	for _, c := range b.touched {
		b.columns[c].now = b.columns[c].now[:0]
	}
	b.touched = b.touched[:0]
}

// keep notes the value as the newest of the column.
func (b *book) keep(n int, v value, source uint8) {
	c := &b.columns[n]
	if len(c.now) == 0 {
		b.touched = append(b.touched, n)
	}
	c.now = append(c.now, v)
	c.last, c.hasLast = v, true
	if (source == fromHere || source >= fromNear) && len(c.seen) < seenMost {
		c.seen = append(c.seen, v)
	}
}

// lookup finds a twin of the value that is the place-th of its column in this tweet.
func lookup(front, back *book, t twin, place int) (value, bool) {
	b := back
	if t.column&1 == 1 {
		b = front
	}
	if b == nil || t.column < 0 || t.column>>1 >= b.made {
		return value{}, false
	}
	now := b.columns[t.column>>1].now
	if i := place + t.ahead; i >= 0 && i < len(now) {
		return now[i], true
	}
	return value{}, false
}
