package live

import (
	"unicode/utf8"

	"birdwatch/query"
)

// terms are all that queries name, words and prefixes in one space of numbers, and which of them a tweet has.
type terms struct {
	words    dictionary
	prefixes dictionary
	texts    texts
	uses     []uint32 // by number: how often groups name it
	isPrefix idSet    // of numbers
	free     []uint32
	fields   [fieldSlots]uint32 // how many terms are held of each field, by its prefix rune
	needs    query.Needs        // of the terms that are held

	// lengths says, by the first two bytes of prefixes, which lengths in bytes there are: bit n for length n, the last bit for all
	// from there on. The bytes are folded to fewer entries, so that they stay in the cache.
	lengths    [lengthSlots]uint64
	anyLengths bool

	round uint32 // tweets so far
	// What the tweet at hand has of them, each once, and where: words by position, terms of fields from firstField on.
	hits   []uint32
	places []place
	seen   []uint8              // by number: which of the hits it is, from 1, all from hitsTold on the same; 0: none
	ats    [hitsTold + 1]uint64 // by hit: a bit for each of its places
	exact  bool                 // the bits are enough for all places
}

// place is where in the tweet a term stands.
type place struct{ at, number uint32 }

const firstField = 1 << 30

const (
	hitsTold    = 255
	fieldSlots  = 64
	lengthSlots = 1024
	lengthMost  = 63
)

func newTerms() terms {
	// What needs no second term names number 0, which is seen in every tweet.
	return terms{words: newDictionary(), prefixes: newDictionary(), texts: newTexts(), uses: make([]uint32, 1), isPrefix: make(idSet, 1), seen: []uint8{hitsTold}}
}

func (t *terms) dictionary(prefix bool) *dictionary {
	if prefix {
		return &t.prefixes
	}
	return &t.words
}

// hold gives the number of a term, which stays its own until it is released as often as it was held.
func (t *terms) hold(k key) uint32 {
	d := t.dictionary(k.prefix)
	n := d.find(&t.texts, []byte(k.text))
	if n == 0 {
		if f, ok := fieldOf(k.text); ok {
			t.fields[f]++
			t.needs |= query.NeedsOfTerm(k.text)
		}
		if last := len(t.free) - 1; last >= 0 {
			n, t.free = t.free[last], t.free[:last]
		} else {
			n = uint32(len(t.uses))
			t.uses, t.seen = extended(t.uses, 0), extended(t.seen, 0)
			if len(t.uses) > 64*len(t.isPrefix) {
				t.isPrefix = extended(t.isPrefix, 0)
			}
		}
		t.texts.set(n, k.text)
		d.put(&t.texts, n)
		if t.isPrefix.unset(n); k.prefix {
			t.isPrefix.set(n)
			t.noteLength(k.text)
		}
	}
	t.uses[n]++
	return n
}

func (t *terms) release(n uint32) {
	if t.uses[n]--; t.uses[n] > 0 {
		return
	}
	if f, ok := fieldOf(t.texts.of(n)); ok {
		if t.fields[f]--; t.fields[f] == 0 {
			t.needs &^= query.NeedsOfTerm(string(t.texts.of(n)))
		}
	}
	t.dictionary(t.isPrefix.has(n)).drop(&t.texts, n)
	t.texts.drop(n)
	t.seen[n] = 0
	t.free = append(t.free, n)
	if t.isPrefix.has(n) && t.prefixes.used == 0 {
		t.lengths, t.anyLengths = [lengthSlots]uint64{}, false // some may say too much until then, which costs a probe
	}
}

func (t *terms) noteLength(prefix string) {
	t.anyLengths = true
	if len(prefix) < 2 { // a field's prefix rune has three bytes, a word's beginning at least two characters
		for i := range t.lengths {
			t.lengths[i] |= 1 << min(len(prefix), lengthMost)
		}
		return
	}
	t.lengths[lengthSlot(prefix[0], prefix[1])] |= 1 << min(len(prefix), lengthMost)
}

func lengthSlot(a, b byte) int { return (int(a)*37 + int(b)) % lengthSlots }

// begin forgets the tweet before.
func (t *terms) begin() {
	for _, n := range t.hits {
		t.seen[n] = 0
	}
	t.hits, t.places = t.hits[:0], t.places[:0]
	t.round++
}

// fieldOf tells a field's terms by the rune that they begin with, U+E000 and on, of three bytes.
func fieldOf[T string | []byte](text T) (field int, ok bool) {
	if len(text) < 3 || text[0] != 0xEE || text[1] != 0x80 {
		return 0, false
	}
	return int(text[2]) % fieldSlots, true
}

// markField is mark for a term of a field: most fields are named by no query.
func (t *terms) markField(text []byte, at uint32) {
	if f, ok := fieldOf(text); !ok || t.fields[f] > 0 {
		t.mark(text, at)
	}
}

// mark notes that the tweet has a term, and the prefixes of it that queries name.
func (t *terms) mark(text []byte, at uint32) {
	if n := t.words.find(&t.texts, text); n != 0 {
		t.hit(n, at)
	}
	if !t.anyLengths || len(text) < 2 {
		return
	}
	lengths := t.lengths[lengthSlot(text[0], text[1])]
	if lengths == 0 {
		return
	}
	for n := 1; n <= len(text); n++ {
		if lengths&(1<<min(n, lengthMost)) == 0 || n < len(text) && !utf8.RuneStart(text[n]) {
			continue
		}
		if p := t.prefixes.find(&t.texts, text[:n]); p != 0 {
			t.hit(p, at)
		}
	}
}

func (t *terms) hit(n, at uint32) {
	t.places = append(t.places, place{at, n})
	hit := t.seen[n]
	if hit == 0 {
		t.hits = append(t.hits, n)
		hit = uint8(min(len(t.hits), hitsTold))
		t.seen[n], t.ats[hit] = hit, 0
	}
	t.ats[hit] |= 1 << (at % 64)
}
