package tweet

import (
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// folder folds case fully (Unicode's C and F foldings). It has no state.
var folder = cases.Fold()

// scratch is memory of the analysis that is used again.
type scratch struct {
	clean, folded []byte
	visible, a, b []byte // of foldFull
	found         []found
	ends          []uint32 // of AddFieldParts: where each character of folded ends
	tokens        *words.Iterator[[]byte]
}

// fold appends src in the form that terms are compared in: NFKC, case folded, accents taken away. It goes
// character by character as far as that gives what the rules give for the whole.
func (w *scratch) fold(dst, src []byte) []byte {
	start := len(dst)
	bare, last := false, uint8(0) // whether marks may follow, and the class of the last
	for i := 0; i < len(src); {
		if c := src[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			bare, last = true, 0
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return w.foldFull(dst[:start], src)
		}
		i += n
		c := charOf(r)
		switch c.fold {
		case foldAway:
			continue
		case foldByRules:
			return w.foldFull(dst[:start], src)
		case foldMark:
			if !bare || c.ccc != 0 && c.ccc < last {
				return w.foldFull(dst[:start], src)
			}
			last = c.ccc
		default:
			bare, last = c.fold == foldBare, 0
		}
		dst = append(dst, c.form[:c.n]...)
	}
	return dst
}

func appendLower(dst, src []byte) []byte {
	from := len(dst)
	dst = append(dst, src...)
	for i, c := range dst[from:] {
		dst[from+i] = lower[c]
	}
	return dst
}

var lower = func() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = byte(c + 'a' - 'A')
	}
	return t
}()

// foldFull is fold by the rules of Unicode, for any text.
func (w *scratch) foldFull(dst, src []byte) []byte {
	w.visible = appendVisible(w.visible[:0], src)
	src = w.visible
	for len(src) > 0 {
		n, kept := 0, 0
		for n < len(src) && kept == 0 {
			r, size := utf8.DecodeRune(src[n:])
			if isKept(r) {
				kept = size
			} else {
				n += size
			}
		}
		w.a = norm.NFKC.Append(w.a[:0], src[:n]...)
		w.b = w.caseFold(w.b[:0], w.a)
		w.a = norm.NFD.Append(w.a[:0], w.b...)
		w.b = appendUnaccented(w.b[:0], w.a)
		w.a = norm.NFKC.Append(w.a[:0], w.b...) // not to dst: it would take the end of dst as part of the text
		dst = append(append(dst, w.a...), src[n:n+kept]...)
		src = src[n+kept:]
	}
	return dst
}

func appendVisible(dst, src []byte) []byte {
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		if !isInvisible(r) {
			dst = append(dst, src[:n]...)
		}
		src = src[n:]
	}
	return dst
}

// isInvisible reports whether r is to be seen as not there: soft hyphens, marks of direction and the like, and what
// chooses between pictures of a character. The joiner of emoji stays, and the blank without width, which divides words.
func isInvisible(r rune) bool {
	return r >= 0xAD && (isVariation(r) || unicode.Is(unicode.Cf, r) && r != zwj && r != zwsp && !isTagPart(r) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r))
}

// isKept reports whether r is an emoji that NFKC would turn into letters or punctuation: it would glue TM to the word
// before ™, and make words of signs. Ⓜ is not among them, it is more often one of the letters Ⓐ to Ⓩ.
func isKept(r rune) bool {
	switch r {
	case '‼', '⁉', '™', 'ℹ', '㊗', '㊙', '🈁', '🈂', '🈚', '🈯', '🉐', '🉑':
		return true
	}
	return '🈲' <= r && r <= '🈺'
}

func (w *scratch) caseFold(dst, src []byte) []byte {
	for {
		if need := len(src)*3 + 16; cap(dst)-len(dst) < need { // a folding is at most three times as long
			dst = append(make([]byte, 0, len(dst)+need), dst...)
		}
		room := dst[len(dst):cap(dst)]
		n, m, err := folder.Transform(room, src, true)
		dst, src = dst[:len(dst)+n], src[m:]
		if err == nil || len(src) == 0 {
			return dst
		}
		if n == 0 && m == 0 { // bytes that are no UTF-8 text
			dst, src = append(dst, src[0]), src[1:]
		}
	}
}

// appendUnaccented takes accents from decomposed text. An accent is a diacritic (isDiacritic) on a Latin or Greek
// letter. On a Cyrillic one it is only a stress mark, or the dots of ё: й, ў, ї, ѓ and ќ are letters of their own.
// Marks of other scripts are part of their letters and stay: vowels and tones of Thai, Devanagari and the like, hamza
// and madda in Arabic, the voicing of kana, Hangul's parts.
// Typographic apostrophes become ', so that don’t is don't.
func appendUnaccented(dst, src []byte) []byte {
	var base rune
	for i := 0; i < len(src); {
		if c := src[i]; c < utf8.RuneSelf {
			base = rune(c)
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		i += n
		switch {
		case isDiacritic(r):
			if isAccent(base, r) {
				continue
			}
		case r == '’' || r == '‘' || r == 'ʼ':
			dst, base = append(dst, '\''), '\''
			continue
		case r >= 0xAB70 && r <= 0xABBF: // Cherokee: the folder only swaps its small letters and capitals
			r -= 0xAB70 - 0x13A0
			base = r
		case r >= 0x13F8 && r <= 0x13FD:
			r -= 8
			base = r
		case !unicode.Is(unicode.Mn, r):
			base = r
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// isDiacritic reports whether r is of Unicode's blocks of combining marks that belong to no script, or one of the
// marks of Cyrillic numbers, which are played with on Latin letters.
func isDiacritic(r rune) bool {
	return r >= 0x300 && r <= 0x36F || r >= 0x483 && r <= 0x489 || r >= 0x1AB0 && r <= 0x1AFF || r >= 0x1DC0 && r <= 0x1DFF ||
		r >= 0x20D0 && r <= 0x20FF || r >= 0xFE20 && r <= 0xFE2F
}

func isAccent(base, mark rune) bool {
	switch {
	case base < utf8.RuneSelf:
		return 'a' <= base && base <= 'z' || 'A' <= base && base <= 'Z'
	case unicode.Is(unicode.Cyrillic, base):
		return mark == 0x300 || mark == 0x301 && base != 'г' && base != 'к' || mark == 0x308 && base == 'е'
	}
	return unicode.In(base, unicode.Latin, unicode.Greek)
}
