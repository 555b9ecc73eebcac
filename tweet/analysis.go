package tweet

import "unicode/utf8"

// AddText appends the words of a tweet's text. URLs, those of e and whatever begins with http:// or https://, are
// left out; HTML entities are resolved. Positions in e are code points of the text before shift of them were
// taken from its front. e may be nil.
func (t *Terms) AddText(text string, e *Entities, shift int) {
	t.work.clean = appendClean(t.work.clean[:0], text, e, shift, nil)
	t.segment(0)
	t.takeWords()
}

func (t *Terms) takeWords() {
	first := len(t.words)
	for _, f := range t.work.found {
		t.words = append(t.words, f.span)
	}
	t.addAlts(first)
}

// AddFieldText appends the words of a text in a field, each behind the prefix, after a term that is the
// prefix alone: no phrase reaches from one text to the next.
func (t *Terms) AddFieldText(prefix rune, text string) {
	from := len(t.buf)
	t.buf = utf8.AppendRune(t.buf, prefix)
	t.fields = append(t.fields, span{uint32(from), uint32(len(t.buf))})
	t.work.clean = append(t.work.clean[:0], text...)
	t.segment(prefix)
	for _, f := range t.work.found {
		t.fields = append(t.fields, f.span)
	}
}

// AddField appends one term: the prefix and the whole value, folded as words are. Blanks in it become U+F8FE, since
// engines split at blanks. An empty value adds nothing.
func (t *Terms) AddField(prefix rune, value string) {
	from := len(t.buf)
	t.buf = utf8.AppendRune(t.buf, prefix)
	begin := len(t.buf)
	t.buf = t.work.appendValue(t.buf, value)
	if len(t.buf) == begin {
		t.buf = t.buf[:from]
		return
	}
	t.fields = append(t.fields, span{uint32(from), uint32(len(t.buf))})
}

// blank stands for a blank inside a term.
const blank = '\uF8FE'

func (w *scratch) appendValue(dst []byte, value string) []byte {
	w.clean = append(w.clean[:0], value...)
	w.folded = w.fold(w.folded[:0], w.clean)
	points, gap := 0, false
	for i := 0; i < len(w.folded) && points < maxTerm; {
		r, n := utf8.DecodeRune(w.folded[i:])
		char := w.folded[i : i+n]
		i += n
		switch {
		case r == utf8.RuneError && n == 1:
			continue
		case isSeparator(r):
			gap = points > 0
			continue
		case r >= utf8.RuneSelf && charOf(r).traits&traitOutside != 0:
			continue
		}
		if gap {
			dst, gap = utf8.AppendRune(dst, blank), false
			if points++; points == maxTerm {
				break
			}
		}
		dst = append(dst, char...)
		points++
	}
	return dst
}

// isSeparator reports whether r is a blank or a control character.
func isSeparator(r rune) bool {
	if r < utf8.RuneSelf {
		return r <= ' ' || r == 0x7F
	}
	return charOf(r).traits&traitBlank != 0
}
