package tweet

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// folder folds case fully (Unicode's C and F foldings). It has no state.
var folder = cases.Fold()

// scratch is memory of the analysis that is used again.
type scratch struct{ clean, folded, a, b []byte }

// fold appends src in the form that terms are compared in: NFKC, case folded, accents taken away. What stands between
// blanks is folded by itself, and ASCII by the short way; both give what folding the whole would give, since
// normalisation does not reach over a blank.
func (w *scratch) fold(dst, src []byte) []byte {
	for len(src) > 0 {
		n, ascii := 0, true
		for n < len(src) && src[n] != ' ' && src[n] != '\n' {
			ascii = ascii && src[n] < utf8.RuneSelf
			n++
		}
		if n < len(src) {
			n++
		}
		if ascii {
			dst = appendLower(dst, src[:n])
		} else {
			dst = w.foldFull(dst, src[:n])
		}
		src = src[n:]
	}
	return dst
}

func appendLower(dst, src []byte) []byte {
	for _, c := range src {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// foldFull is fold by the rules of Unicode, for any text.
func (w *scratch) foldFull(dst, src []byte) []byte {
	w.a = norm.NFKC.Append(w.a[:0], src...)
	w.b = w.caseFold(w.b[:0], w.a)
	w.a = norm.NFD.Append(w.a[:0], w.b...)
	w.b = appendUnaccented(w.b[:0], w.a)
	return norm.NFKC.Append(dst, w.b...)
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

// appendUnaccented takes accents from decomposed text. An accent is a mark of the block "Combining Diacritical Marks" on
// a Latin or Greek letter; on a Cyrillic one only the stress marks and the dots of ё, since й, ў and ї are letters of
// their own. Marks of other scripts (Thai, Devanagari, Arabic, Japanese) are letters of them and stay.
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
		case r >= 0x300 && r <= 0x36F:
			if isAccent(base, r) {
				continue
			}
		case r == '’' || r == '‘' || r == 'ʼ':
			dst, base = append(dst, '\''), '\''
			continue
		case !unicode.Is(unicode.Mn, r):
			base = r
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func isAccent(base, mark rune) bool {
	switch {
	case base < utf8.RuneSelf:
		return 'a' <= base && base <= 'z' || 'A' <= base && base <= 'Z'
	case unicode.Is(unicode.Cyrillic, base):
		return mark == 0x300 || mark == 0x301 || mark == 0x308 && base == 'е'
	}
	return unicode.In(base, unicode.Latin, unicode.Greek)
}
