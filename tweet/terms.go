package tweet

// Terms are the terms of one tweet, made by the one analysis that every engine is fed
// from. Words come in the order of the text, one a position. The zero value is
// ready; a Terms is used again after Reset without allocating. Not for concurrent use.
type Terms struct {
	buf    []byte
	words  []span
	alts   []alt
	fields []span
	work   scratch
}

type span struct{ from, to uint32 }

// alt is a further form of the word at a position.
type alt struct {
	pos int
	span
}

// Reset empties t and keeps its memory.
func (t *Terms) Reset() {
	t.buf, t.words, t.alts, t.fields = t.buf[:0], t.words[:0], t.alts[:0], t.fields[:0]
}

// Words is how many positions the text has.
func (t *Terms) Words() int { return len(t.words) }

// Word is the term at position i; valid until the next change of t.
func (t *Terms) Word(i int) []byte { return t.buf[t.words[i].from:t.words[i].to] }

// Alts is how many further forms there are (an emoji's form without skin tone).
func (t *Terms) Alts() int { return len(t.alts) }

// Alt is the i-th further form and the position of the word that it is a form of. Positions ascend.
func (t *Terms) Alt(i int) (pos int, term []byte) {
	a := t.alts[i]
	return a.pos, t.buf[a.from:a.to]
}

// Fields is how many terms of fields there are.
func (t *Terms) Fields() int { return len(t.fields) }

// Field is the i-th term of a field, its private-use prefix included. Terms of a text in a field (AddFieldText)
// stand side by side in order; between two texts stands a term that is the prefix alone.
func (t *Terms) Field(i int) []byte { return t.buf[t.fields[i].from:t.fields[i].to] }
