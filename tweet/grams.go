package tweet

import (
	"unicode"
	"unicode/utf8"
)

// gram is how many characters a term of a text has that is searched for parts of it.
const gram = 3

// MaxParts is how many characters of a text AddFieldParts takes. What is beyond is cut.
const MaxParts = 2048

// AddFieldParts appends terms by which every part of a text can be found: after a term that is the prefix alone, for each character
// the three that begin with it, or fewer at the end. Case is folded character by character, so that a part of a text is a part of the folded one.
func (t *Terms) AddFieldParts(prefix rune, text string) {
	w := &t.work
	w.folded, w.ends = w.folded[:0], w.ends[:0]
	for _, r := range text {
		if len(w.ends) == MaxParts {
			break
		}
		w.folded = appendPart(w.folded, r)
		w.ends = append(w.ends, uint32(len(w.folded)))
	}
	sign := utf8.AppendRune(w.clean[:0], prefix)
	t.addField(sign, nil)
	from := uint32(0)
	for i, end := range w.ends {
		t.addField(sign, w.folded[from:w.ends[min(i+gram, len(w.ends))-1]])
		from = end
	}
	w.clean = sign[:0]
}

func (t *Terms) addField(sign, rest []byte) {
	from := len(t.buf)
	t.buf = append(append(t.buf, sign...), rest...)
	t.fields = append(t.fields, span{uint32(from), uint32(len(t.buf))})
}

// Parts are the terms, without their prefix, that stand side by side where AddFieldParts took a text that has this one in it. Where
// it is shorter than a term, short says that terms which begin so are meant.
func Parts(text string) (terms []string, short bool) {
	var folded []byte
	var ends []int
	for _, r := range text {
		folded = appendPart(folded, r)
		ends = append(ends, len(folded))
	}
	if len(ends) < gram {
		return []string{string(folded)}, true
	}
	from := 0
	for i := range len(ends) - gram + 1 {
		terms = append(terms, string(folded[from:ends[i+gram-1]]))
		from = ends[i]
	}
	return terms, false
}

// FoldParts is a text as AddFieldParts takes it, its blanks written as blanks. Folding it again changes nothing.
func FoldParts(text string) string {
	var folded []byte
	for _, r := range text {
		if folded = appendPart(folded, r); r != blank && isBlankTerm(folded) {
			folded = append(folded[:len(folded)-utf8.RuneLen(blank)], ' ')
		}
	}
	return string(folded)
}

func isBlankTerm(b []byte) bool {
	r, _ := utf8.DecodeLastRune(b)
	return r == blank
}

// appendPart appends a character without regard to case. What cannot stand in a term becomes a blank.
func appendPart(dst []byte, r rune) []byte {
	switch {
	case r < utf8.RuneSelf:
		c := byte(r)
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c <= ' ' || c == 0x7F:
			return utf8.AppendRune(dst, blank)
		}
		return append(dst, c)
	case unicode.In(r, unicode.Z, unicode.Cc, unicode.Co, unicode.Cs):
		r = blank
	default:
		r = unicode.ToLower(unicode.ToUpper(r))
	}
	return utf8.AppendRune(dst, r)
}
