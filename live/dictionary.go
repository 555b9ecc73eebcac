package live

import (
	"slices"
	"unicode/utf8"
)

// term is one of the dictionary.
type term struct {
	text   string
	prefix bool
	uses   int // how often groups name it
	posts  []post
}

// table is the dictionary that the key is in.
func (x *index) table(prefix bool) map[string]int32 {
	if prefix {
		return x.prefixes
	}
	return x.dict
}

func (x *index) hold(k key) int32 {
	id, ok := x.table(k.prefix)[k.text]
	if !ok {
		if n := len(x.free); n > 0 {
			id, x.free = x.free[n-1], x.free[:n-1]
		} else {
			id = int32(len(x.terms))
			x.terms, x.seen = append(x.terms, term{}), append(x.seen, 0)
		}
		x.terms[id].text, x.terms[id].prefix = k.text, k.prefix
		x.table(k.prefix)[k.text] = id
		x.setLengths(k.prefix)
	}
	x.terms[id].uses++
	return id
}

func (x *index) release(id int32) {
	t := &x.terms[id]
	if t.uses--; t.uses > 0 {
		return
	}
	delete(x.table(t.prefix), t.text)
	x.setLengths(t.prefix)
	*t, x.seen[id] = term{}, 0
	x.free = append(x.free, id)
}

func (x *index) setLengths(changed bool) {
	if !changed {
		return
	}
	x.lengths = x.lengths[:0]
	for p := range x.prefixes {
		if !slices.Contains(x.lengths, len(p)) {
			x.lengths = append(x.lengths, len(p))
		}
	}
	slices.Sort(x.lengths)
}

// mark notes that the tweet has a term, and the prefixes of it that queries name.
func (x *index) mark(text []byte) {
	if id, ok := x.dict[string(text)]; ok {
		x.hit(id)
	}
	for _, n := range x.lengths {
		if n > len(text) {
			break
		}
		if n < len(text) && !utf8.RuneStart(text[n]) {
			continue
		}
		if id, ok := x.prefixes[string(text[:n])]; ok {
			x.hit(id)
		}
	}
}

func (x *index) hit(id int32) {
	if x.seen[id] == x.round {
		return
	}
	x.seen[id] = x.round
	if len(x.terms[id].posts) > 0 {
		x.hits = append(x.hits, id)
	}
}
