package tweet

import (
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// wordKind tells the units of runs from words.
type wordKind uint8

const (
	plainWord wordKind = iota
	runPair            // two units side by side in a run
	runEnd             // the last unit of a run, alone
)

// AddText appends the words of a tweet's text. URLs, those of e and whatever begins with http:// or https://, are
// left out; HTML entities are resolved. Positions in e are code points of the text before shift of them were
// taken from its front. e may be nil.
func (t *Terms) AddText(text string, e *Entities, shift int) {
	t.work.clean = appendClean(t.work.clean[:0], text, e, shift)
	t.segment(0, func(s span, _ wordKind) { t.words = append(t.words, s) })
	t.addAlts()
}

// AddFieldText appends the words of a text in a field, each behind the prefix, after a term that is the
// prefix alone: no phrase reaches from one text to the next.
func (t *Terms) AddFieldText(prefix rune, text string) {
	from := len(t.buf)
	t.buf = utf8.AppendRune(t.buf, prefix)
	t.fields = append(t.fields, span{uint32(from), uint32(len(t.buf))})
	t.work.clean = append(t.work.clean[:0], text...)
	t.segment(prefix, func(s span, _ wordKind) { t.fields = append(t.fields, s) })
}

// AddField appends one term: the prefix and the whole value, folded as words are. Blanks in it become U+F8FE, since
// engines split at blanks. An empty value adds nothing.
func (t *Terms) AddField(prefix rune, value string) {
	from := len(t.buf)
	t.buf = utf8.AppendRune(t.buf, prefix)
	begin := len(t.buf)
	t.buf = appendValue(t.buf, &t.work, value)
	if len(t.buf) == begin {
		t.buf = t.buf[:from]
		return
	}
	t.fields = append(t.fields, span{uint32(from), uint32(len(t.buf))})
}

// blank stands for a blank inside a term.
const blank = '\uF8FE'

func appendValue(dst []byte, w *scratch, value string) []byte {
	w.clean = append(w.clean[:0], value...)
	w.folded = w.fold(w.folded[:0], w.clean)
	points, gap := 0, false
	for i := 0; i < len(w.folded) && points < maxTerm; {
		r, n := utf8.DecodeRune(w.folded[i:])
		i += n
		switch {
		case r == utf8.RuneError && n == 1, unicode.Is(unicode.Co, r), unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsSpace(r) || unicode.IsControl(r):
			gap = points > 0
			continue
		}
		if gap {
			dst, gap = utf8.AppendRune(dst, blank), false
			if points++; points == maxTerm {
				break
			}
		}
		dst = utf8.AppendRune(dst, r)
		points++
	}
	return dst
}

// segment finds the words of work.clean and emits a span of buf for each, the prefix (unless 0) before it.
func (t *Terms) segment(prefix rune, emit func(span, wordKind)) {
	for _, c := range t.work.clean {
		if c >= utf8.RuneSelf {
			t.segmentFull(prefix, emit)
			return
		}
	}
	t.segmentASCII(prefix, emit)
}

// segmentFull is segmentation for any text: UAX #29 words of the folded text.
func (t *Terms) segmentFull(prefix rune, emit func(span, wordKind)) {
	t.work.folded = t.work.fold(t.work.folded[:0], t.work.clean)
	r := run{t: t, prefix: prefix, emit: emit}
	tokens := words.FromBytes(t.work.folded)
	for tokens.Next() {
		token := tokens.Value()
		switch first := token[0]; {
		case first < utf8.RuneSelf && !isWordByte(first):
			r.end() // blank or punctuation
		default:
			r.token(token)
		}
	}
	r.end()
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '#' || c == '*'
}

// run collects the units of scripts without blanks that stand side by side.
type run struct {
	t      *Terms
	prefix rune
	emit   func(span, wordKind)
	units  int
	last   []byte // the newest unit, not yet emitted alone
}

// token takes one token of UAX #29.
func (r *run) token(token []byte) {
	if isEmoji(token) {
		r.end()
		r.t.emitWord(r.prefix, token, nil, true, r.emit, plainWord)
		return
	}
	from := 0 // where a stretch of ordinary characters begins
	for i := 0; i < len(token); {
		c, n := utf8.DecodeRune(token[i:])
		if !isUnit(c) {
			i += n
			continue
		}
		r.plain(token[from:i])
		end := i + n
		for end < len(token) {
			m, k := utf8.DecodeRune(token[end:])
			if !unicode.Is(unicode.M, m) {
				break
			}
			end += k
		}
		r.unit(token[i:end])
		i, from = end, end
	}
	r.plain(token[from:])
}

func (r *run) plain(word []byte) {
	if len(word) == 0 {
		return
	}
	if hasLetter(word) {
		r.end()
		r.t.emitWord(r.prefix, word, nil, false, r.emit, plainWord)
		return
	}
	r.end()
}

func (r *run) unit(u []byte) {
	if r.units > 0 {
		r.t.emitWord(r.prefix, r.last, u, false, r.emit, runPair)
	}
	r.last = u
	r.units++
}

func (r *run) end() {
	if r.units > 0 {
		r.t.emitWord(r.prefix, r.last, nil, false, r.emit, runEnd)
	}
	r.units = 0
}

// emitWord writes a term of one part or two. Format characters and variation selectors are dropped; of an emoji the joiners stay.
func (t *Terms) emitWord(prefix rune, a, b []byte, emoji bool, emit func(span, wordKind), kind wordKind) {
	from := len(t.buf)
	if prefix != 0 {
		t.buf = utf8.AppendRune(t.buf, prefix)
	}
	begin, points := len(t.buf), 0
	for _, part := range [2][]byte{a, b} {
		for len(part) > 0 && points < maxTerm {
			r, n := utf8.DecodeRune(part)
			part = part[n:]
			if r == utf8.RuneError && n == 1 || isVariation(r) || r >= utf8.RuneSelf && !(emoji && (r == zwj || r >= 0xE0020)) && unicode.Is(unicode.Cf, r) {
				continue
			}
			t.buf = utf8.AppendRune(t.buf, r)
			points++
		}
	}
	if len(t.buf) == begin {
		t.buf = t.buf[:from]
		return
	}
	emit(span{uint32(from), uint32(len(t.buf))}, kind)
}

func hasLetter(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r < utf8.RuneSelf {
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
				return true
			}
		} else if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return true
		}
		b = b[n:]
	}
	return false
}

// isUnit reports whether r is of a script without blanks between words.
func isUnit(r rune) bool {
	if r < 0xE00 {
		return false
	}
	return r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) &&
		!unicode.Is(unicode.M, r) && (unicode.IsLetter(r) || unicode.IsNumber(r))
}
