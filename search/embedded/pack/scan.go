package pack

import "bytes"

// A node is one value of a JSON text, in the order of the text.
type node struct {
	kind     uint8
	from, to int // of the value in the text; of a string without its quotes
	shape    int // of an object or a spaced array: its place in scanner.shapes
	n        int // how many values are directly inside
}

// The kinds of nodes.
const (
	isNull uint8 = iota
	isTrue
	isFalse
	isNumber
	isString
	isList // an array without blanks: its shape is its length
	isForm // an object, or an array with blanks: see shapes
)

// hole stands in a shape for each value inside. No JSON text has this byte.
const hole = 0

// deepest is how far values may be nested: deeper ones are kept as plain text.
const deepest = 64

// scanner takes JSON texts apart. A shape is all of an object but the values in it; tweets of one source have few.
type scanner struct {
	text   []byte
	at     int
	nodes  []node
	shapes [][]byte
	arena  []byte // of the shapes
	bufs   [deepest][]byte
}

// scan gives the nodes of a text; false when it is not JSON as it is usually written. Whatever it takes, writing the nodes
// gives the text again byte for byte: nothing is checked that does not matter to that.
func (s *scanner) scan(text []byte) bool {
	s.text, s.at, s.nodes, s.shapes, s.arena = text, 0, s.nodes[:0], s.shapes[:0], s.arena[:0]
	if bytes.IndexByte(text, hole) >= 0 {
		return false
	}
	return s.value(0) && s.at == len(text)
}

func (s *scanner) value(depth int) bool {
	if s.at >= len(s.text) || depth >= deepest {
		return false
	}
	switch c := s.text[s.at]; {
	case c == '"':
		from := s.at + 1
		if !s.skipString() {
			return false
		}
		s.nodes = append(s.nodes, node{kind: isString, from: from, to: s.at - 1})
		return true
	case c == '{':
		return s.form(depth, '}')
	case c == '[':
		return s.form(depth, ']')
	case c == '-' || '0' <= c && c <= '9':
		from := s.at
		for s.at < len(s.text) && isNumeric(s.text[s.at]) {
			s.at++
		}
		s.nodes = append(s.nodes, node{kind: isNumber, from: from, to: s.at})
		return true
	}
	for kind, word := range [...]string{isNull: "null", isTrue: "true", isFalse: "false"} {
		if len(s.text)-s.at >= len(word) && string(s.text[s.at:s.at+len(word)]) == word {
			s.nodes = append(s.nodes, node{kind: uint8(kind), from: s.at, to: s.at + len(word)})
			s.at += len(word)
			return true
		}
	}
	return false
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'
}

// skipString goes behind the string that begins here.
func (s *scanner) skipString() bool {
	for i := s.at + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return true
		case c == '\\':
			i++
		}
	}
	return false
}

// form takes an object or an array up to its end.
func (s *scanner) form(depth int, end byte) bool {
	at := len(s.nodes)
	s.nodes = append(s.nodes, node{kind: isForm, from: s.at})
	shape := s.bufs[depth][:0]
	from, before := s.at, s.text[s.at] // before: the last byte that is no blank
	s.at++
	n := 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == end:
			s.at++
			shape = append(shape, s.text[from:s.at]...)
			s.bufs[depth] = shape
			s.endForm(&s.nodes[at], n, shape)
			return true
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			s.at++
		case c == ',' || c == ':':
			before = c
			s.at++
		case c == '"' && end == '}' && (before == '{' || before == ','): // a key
			before = c
			if !s.skipString() {
				return false
			}
		default:
			shape = append(append(shape, s.text[from:s.at]...), hole)
			if !s.value(depth + 1) {
				return false
			}
			from, before = s.at, hole
			n++
		}
	}
	return false
}

func (s *scanner) endForm(d *node, n int, shape []byte) {
	d.shape, d.n, d.to = len(s.shapes), n, s.at
	if shape[0] == '[' && isDense(shape) {
		d.kind = isList
		return
	}
	from := len(s.arena)
	s.arena = append(s.arena, shape...)
	s.shapes = append(s.shapes, s.arena[from:])
}

// isDense reports whether the shape is one of an array without blanks.
func isDense(shape []byte) bool {
	inside := shape[1 : len(shape)-1]
	for i, c := range inside {
		if (c == hole) != (i%2 == 0) || c != hole && c != ',' {
			return false
		}
	}
	return len(inside) == 0 || len(inside)%2 == 1
}
