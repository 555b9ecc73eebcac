package tweet

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// trait is what segmentation must know of a folded character.
type trait uint8

const (
	traitLetter  trait = 1 << iota // a letter or a number: what a word must have
	traitUnit                      // of a script without blanks between words
	traitEmoji                     // begins an emoji
	traitJoin                      // joins words as _ does
	traitMark                      // belongs to the character before it
	traitFormat                    // invisible: neither in terms nor between them
	traitBlank                     // a blank or a control character
	traitOutside                   // never in a term: blanks, control and private-use characters, format, variations
)

// folding says how a character's folded form may be put into a text's.
type folding uint8

const (
	foldByRules folding = iota // only all of Unicode's rules tell
	foldAlone                  // the form does not depend on what stands around it
	foldBare                   // the same, and a foldMark may follow
	foldAway                   // it is left out
	foldMark                   // a mark that changes nothing, if it comes in canonical order behind a foldBare
)

// char is what the analysis knows of one character.
type char struct {
	form   [8]byte // the folded form, n bytes, unless foldByRules
	n      uint8
	fold   folding
	ccc    uint8 // canonical combining class
	traits trait
}

// page is 256 characters, made when the first of them is met.
type page [256]char

var pages [(unicode.MaxRune + 1) >> 8]atomic.Pointer[page]

// charOf is safe for concurrent use. Two that make the same page make it the same.
func charOf(r rune) *char {
	p := pages[r>>8].Load()
	if p == nil {
		p = newPage(r &^ 0xFF)
		pages[r>>8].Store(p)
	}
	return &p[r&0xFF]
}

func newPage(first rune) *page {
	p := new(page)
	var w scratch
	for i := range p {
		p[i] = w.newChar(first + rune(i))
	}
	return p
}

func (w *scratch) newChar(r rune) char {
	src := utf8.AppendRune(nil, r)
	c := char{traits: traitsOf(r), ccc: norm.NFD.Properties(src).CCC()}
	folded := w.foldFull(nil, src)
	if isInvisible(r) {
		c.fold = foldAway
		return c
	}
	if len(folded) > len(c.form) {
		return c
	}
	c.n = uint8(copy(c.form[:], folded))
	if isKept(r) {
		c.fold = foldBare
		return c
	}
	inner := norm.NFD.Bytes(w.caseFold(nil, norm.NFKC.Bytes(src)))
	lead, _ := utf8.DecodeRune(inner)
	switch {
	case isDiacritic(lead): // what it becomes depends on its letter
	case unicode.Is(unicode.Mn, lead):
		// QuickSpan stops at what may combine with the character before it.
		if string(inner) == string(src) && string(folded) == string(src) &&
			norm.NFKC.QuickSpan(append([]byte("a"), src...)) == 1+len(src) {
			c.fold = foldMark
		}
	case norm.NFKC.Properties(src).BoundaryBefore() && norm.NFD.Properties(inner).BoundaryBefore() &&
		len(folded) > 0 && norm.NFKC.Properties(folded).BoundaryBefore():
		c.fold = foldAlone
		if utf8.RuneCount(inner) == 1 {
			c.fold = foldBare
		}
	}
	return c
}

func traitsOf(r rune) (t trait) {
	letter := unicode.IsLetter(r) || unicode.IsNumber(r)
	if letter {
		t |= traitLetter
	}
	if letter && (r == 'ー' || r >= 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)) {
		t |= traitUnit
	}
	if unicode.Is(pictographs, r) || isTone(r) || r == '©' || r == '®' {
		t |= traitEmoji
	}
	if unicode.Is(unicode.M, r) {
		t |= traitMark
	}
	if unicode.Is(unicode.Pc, r) {
		t |= traitJoin
	}
	if unicode.Is(unicode.Cf, r) {
		t |= traitFormat | traitOutside
	}
	if unicode.In(r, unicode.Z, unicode.Cc) {
		t |= traitBlank | traitOutside
	}
	if unicode.Is(unicode.C, r) || isVariation(r) {
		t |= traitOutside
	}
	return t
}
