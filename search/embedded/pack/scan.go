package pack

import (
	"bytes"
	"slices"
)

// A node is one value of a JSON text, in the order of the text.
type node struct {
	kind     uint8
	from, to int    // of the value in the text; of a string without its quotes
	form     *known // the shape of an object or a spaced array
	n        int    // how many values are directly inside
}

// The kinds of nodes.
const (
	isNull uint8 = iota
	isTrue
	isFalse
	isNumber
	isString
	isList // an array without blanks: its shape is its length
	isForm // an object, or an array with blanks: see known
)

// hole stands in a shape for each value inside. No JSON text has this byte.
const hole = 0

// deepest is how far values may be nested: deeper ones are kept as plain text.
const deepest = 64

// scanner takes JSON texts apart. A shape is all of an object but the values in it; tweets of one source have few.
type scanner struct {
	text  []byte
	at    int
	nodes []node
	paths paths
	ways  [deepest][]*path // of the forms that are being taken, by depth
}

// scan gives the nodes of a text; false when it is not JSON as it is usually written. Whatever it takes, writing the nodes
// gives the text again byte for byte: nothing is checked that does not matter to that.
func (s *scanner) scan(text []byte) bool {
	s.text, s.at, s.nodes = text, 0, s.nodes[:0]
	if bytes.IndexByte(text, hole) >= 0 {
		return false
	}
	return s.value(0, &s.paths.root) && s.at == len(text)
}

// value takes one value. in are the forms that stood in its place before.
func (s *scanner) value(depth int, in *spot) bool {
	if s.at >= len(s.text) || depth >= deepest {
		return false
	}
	switch c := s.text[s.at]; {
	case c == '"':
		end := endOfString(s.text, s.at)
		if end < 0 {
			return false
		}
		s.nodes = append(s.nodes, node{kind: isString, from: s.at + 1, to: end - 1})
		s.at = end
		return true
	case c == '{':
		return s.form(depth, s.begin(), in, s.ways[depth][:0])
	case c == '[':
		return s.list(depth, in)
	case c == '-' || '0' <= c && c <= '9':
		from := s.at
		for s.at < len(s.text) && numeric[s.text[s.at]] {
			s.at++
		}
		s.nodes = append(s.nodes, node{kind: isNumber, from: from, to: s.at})
		return true
	case c == 'n':
		return s.word(isNull, "null")
	case c == 't':
		return s.word(isTrue, "true")
	case c == 'f':
		return s.word(isFalse, "false")
	}
	return false
}

func (s *scanner) word(kind uint8, word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.nodes = append(s.nodes, node{kind: kind, from: s.at, to: s.at + len(word)})
	s.at += len(word)
	return true
}

// numeric are the bytes of numbers, and beginsValue those that a value may begin with.
var numeric, beginsValue = func() (n, v [256]bool) {
	for _, c := range []byte("0123456789+-.eE") {
		n[c] = true
	}
	for _, c := range []byte("0123456789-\"{[tfn") {
		v[c] = true
	}
	return n, v
}()

// begin makes the node of the form or list that begins here, and gives its place.
func (s *scanner) begin() int {
	s.nodes = append(s.nodes, node{kind: isForm, from: s.at})
	return len(s.nodes) - 1
}

// form takes an object, or an array with blanks, up to its end: from here on, where the paths of its way are behind, whose number is that of its
// values so far. Its node is that at a place; in is where it stands.
func (s *scanner) form(depth, at int, in *spot, way []*path) bool {
	next := &in.begin
	if len(way) > 0 {
		next = &way[len(way)-1].more
	}
	for {
		p := next.follow(s.text[s.at:])
		if p == nil {
			if p = s.learn(in, next, len(way) == 0, s.text[s.nodes[at].from]); p == nil {
				return false
			}
		}
		way = append(way, p)
		s.at += len(p.part)
		if p.ends {
			d := &s.nodes[at]
			d.form, d.n, d.to = s.paths.shape(way), len(way)-1, s.at
			s.ways[depth] = way
			return true
		}
		if !s.value(depth+1, &p.inside) {
			return false
		}
		next = &p.more
	}
}

// learn finds the path that comes next in a form with this first byte.
func (s *scanner) learn(in *spot, next *forks, begins bool, first byte) *path {
	at, before, end := s.at, byte(hole), byte('}') // before: the last byte that is no blank
	if first == '[' {
		end = ']'
	}
	if begins {
		before = first
		at++
	}
	for at >= 0 && at < len(s.text) {
		switch c := s.text[at]; {
		case c == end:
			return s.paths.add(in, next, s.text[s.at:at+1], true)
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			at++
		case c == ',' || c == ':':
			before = c
			at++
		case c == '"' && end == '}' && (before == '{' || before == ','): // a key
			before = c
			at = endOfString(s.text, at)
		case beginsValue[c]:
			return s.paths.add(in, next, s.text[s.at:at], false)
		default:
			return nil
		}
	}
	return nil
}

// list takes an array.
func (s *scanner) list(depth int, in *spot) bool {
	at, n := s.begin(), 0
	last := s.at // where the paths of n values end
	for s.at++; s.at < len(s.text) && beginsValue[s.text[s.at]]; s.at++ {
		if !s.value(depth+1, in) {
			return false
		}
		n, last = n+1, s.at
		if s.at >= len(s.text) || s.text[s.at] != ',' {
			break
		}
	}
	if s.at < len(s.text) && s.text[s.at] == ']' && (n == 0 || s.at == last) {
		s.at++
		d := &s.nodes[at]
		d.kind, d.n, d.to = isList, n, s.at
		return true
	}
	// It has blanks: a form.
	s.at = last
	way := s.ways[depth][:0]
	next, part := &in.begin, "["
	for range n {
		i := slices.IndexFunc(*next, func(p *path) bool { return string(p.part) == part })
		if i < 0 {
			way = append(way, s.paths.add(in, next, []byte(part), false))
		} else {
			way = append(way, (*next)[i])
		}
		next, part = &way[len(way)-1].more, ","
	}
	return s.form(depth, at, in, way)
}
