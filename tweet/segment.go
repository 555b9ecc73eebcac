package tweet

import (
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

// found is a word that segmentation found, as it stands in Terms.buf, and where it came from: bytes of the folded stretch between
// blanks, or of the ASCII stretch. mid is where the second unit of a pair begins.
type found struct {
	span
	kind         wordKind
	at, mid, end uint32
}

// foundAt is a found word without its term.
func foundAt(kind wordKind, at, mid, end int) found {
	return found{kind: kind, at: uint32(at), mid: uint32(mid), end: uint32(end)}
}

// segment finds the words of work.clean and puts them into work.found, the prefix (unless 0) before each. It takes
// what stands between blanks by itself, since no rule reaches over a blank, and ASCII by the short way.
func (t *Terms) segment(prefix rune) {
	t.work.found = t.work.found[:0]
	for src := t.work.clean; len(src) > 0; {
		n := asciiSpan(src)
		if n > 0 {
			t.segmentASCII(prefix, src[:n])
		} else {
			for n < len(src) && !isBlank(src[n]) {
				n++
			}
			t.segmentFull(prefix, src[:n])
		}
		src = src[n:]
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' }

// asciiSpan is how much of src is ASCII, up to the end or behind a blank.
func asciiSpan(src []byte) int {
	n := 0
	for n < len(src) && src[n] < utf8.RuneSelf {
		n++
	}
	if n == len(src) {
		return n
	}
	for n > 0 && !isBlank(src[n-1]) {
		n--
	}
	return n
}

// segmentFull is segmentation for any text: UAX #29 words of the folded text.
func (t *Terms) segmentFull(prefix rune, src []byte) {
	t.work.folded = t.work.fold(t.work.folded[:0], src)
	r := run{t: t, prefix: prefix}
	r.tokens(r.lead(t.work.folded))
}

// tokens takes work.folded from a place on, which begins a token, to the end.
func (r *run) tokens(from int) {
	w := &r.t.work
	if from < len(w.folded) {
		if w.tokens == nil {
			w.tokens = words.FromBytes(nil)
		}
		w.tokens.SetText(w.folded[from:])
		for w.tokens.Next() {
			r.at = from + w.tokens.Start()
			r.token(w.tokens.Value())
		}
	}
	r.end()
}

// run collects the units of scripts without blanks that stand side by side.
type run struct {
	t      *Terms
	prefix rune
	at     int // where the token at hand begins
	units  int
	last   []byte // the newest unit, not yet emitted alone
	lastAt int
}

// token takes one token of UAX #29. Such a token never splits an emoji, but it may hold several, and words beside them.
func (r *run) token(token []byte) {
	from := 0 // where a stretch of ordinary characters begins
	for i := 0; i < len(token); {
		c, n := utf8.DecodeRune(token[i:])
		if c < utf8.RuneSelf && len(token) == 1 {
			break
		}
		var traits trait
		if c >= utf8.RuneSelf {
			traits = charOf(c).traits
		}
		end := i
		switch {
		case traits&traitUnit != 0:
			r.plain(token[from:i], r.at+from)
			end = i + n
			for end < len(token) && hasTraits(token[end:], traitMark) {
				end += runeLen(token[end:])
			}
			r.unit(token[i:end], r.at+i)
		case c == '#' || c == '*' || '0' <= c && c <= '9' || traits&traitEmoji != 0 || isFlagPart(c):
			if end += emojiLen(token[i:]); end > i {
				r.plain(token[from:i], r.at+from)
				r.end()
				r.t.emitChecked(r.prefix, token[i:end], nil, true, foundAt(plainWord, r.at+i, 0, r.at+end))
			}
		}
		if end == i {
			i += n
		} else {
			i, from = end, end
		}
	}
	r.plain(token[from:], r.at+from)
}

// plain takes ordinary characters, which stand at the place. With a letter among them they are a word, without what joined it to its neighbours
// in the token, as ' in "a'ℹ"; if not, they end a run, unless they are invisible.
func (r *run) plain(b []byte, at int) {
	letter, visible := false, false
	from, end, open := len(b), 0, false // the word in b, and whether marks still belong to it
	others := 0                         // bytes in b that are no letters
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		var word, mark bool
		if c < utf8.RuneSelf {
			word, visible = isWordByte(byte(c)), true
			letter = letter || word && c != '_'
		} else {
			traits := charOf(c).traits
			letter, visible = letter || traits&traitLetter != 0, visible || traits&traitFormat == 0
			word, mark = traits&(traitLetter|traitJoin) != 0, traits&(traitMark|traitFormat) != 0
		}
		if open = word || open && mark; open {
			from, end = min(from, i), i+n
		}
		if !word {
			others += n
		}
		i += n
	}
	if visible {
		r.end()
	}
	if !letter {
		return
	}
	f := foundAt(plainWord, at+from, 0, at+end)
	if others == 0 {
		r.t.emit(r.prefix, b, nil, f)
	} else {
		r.t.emitChecked(r.prefix, b[from:end], nil, false, f)
	}
}

func isWordByte(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' }

func (r *run) unit(u []byte, at int) {
	if r.units > 0 {
		r.t.emit(r.prefix, r.last, u, foundAt(runPair, r.lastAt, at, at+len(u)))
	}
	r.last, r.lastAt = u, at
	r.units++
}

func (r *run) end() {
	if r.units > 0 {
		r.t.emit(r.prefix, r.last, nil, foundAt(runEnd, r.lastAt, 0, r.lastAt+len(r.last)))
	}
	r.units = 0
}

// emit writes a term of one part or two, of characters that may all be in terms.
func (t *Terms) emit(prefix rune, a, b []byte, f found) {
	if len(a)+len(b) > maxTerm { // bytes; characters may be fewer
		t.emitChecked(prefix, a, b, false, f)
		return
	}
	from := len(t.buf)
	if prefix != 0 {
		t.buf = utf8.AppendRune(t.buf, prefix)
	}
	t.buf = append(append(t.buf, a...), b...)
	f.span = span{uint32(from), uint32(len(t.buf))}
	t.work.found = append(t.work.found, f)
}

// emitChecked is emit of any characters. What must not be in terms is dropped; of an emoji its joiners stay.
func (t *Terms) emitChecked(prefix rune, a, b []byte, emoji bool, f found) {
	from := len(t.buf)
	if prefix != 0 {
		t.buf = utf8.AppendRune(t.buf, prefix)
	}
	begin, points := len(t.buf), 0
	for _, part := range [2][]byte{a, b} {
		for len(part) > 0 && points < maxTerm {
			r, n := utf8.DecodeRune(part)
			keep := r < utf8.RuneSelf || !(r == utf8.RuneError && n == 1) &&
				(charOf(r).traits&traitOutside == 0 || emoji && (r == zwj || isTagPart(r)))
			if keep {
				t.buf = append(t.buf, part[:n]...)
				points++
			}
			part = part[n:]
		}
	}
	if len(t.buf) == begin {
		t.buf = t.buf[:from]
		return
	}
	f.span = span{uint32(from), uint32(len(t.buf))}
	t.work.found = append(t.work.found, f)
}

func hasTraits(b []byte, any trait) bool {
	r, _ := utf8.DecodeRune(b)
	return r >= utf8.RuneSelf && charOf(r).traits&any != 0
}

func runeLen(b []byte) int {
	_, n := utf8.DecodeRune(b)
	return n
}
