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

// found is a word that segmentation found, as it stands in Terms.buf.
type found struct {
	span
	kind wordKind
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
	t.segmentFolded(prefix)
}

// segmentFolded is segmentFull of work.folded.
func (t *Terms) segmentFolded(prefix rune) {
	w := &t.work
	if w.tokens == nil {
		w.tokens = words.FromBytes(nil)
	}
	w.tokens.SetText(w.folded)
	r := run{t: t, prefix: prefix}
	for w.tokens.Next() {
		r.token(w.tokens.Value())
	}
	r.end()
}

// run collects the units of scripts without blanks that stand side by side.
type run struct {
	t      *Terms
	prefix rune
	units  int
	last   []byte // the newest unit, not yet emitted alone
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
			r.plain(token[from:i])
			end = i + n
			for end < len(token) && hasTraits(token[end:], traitMark) {
				end += runeLen(token[end:])
			}
			r.unit(token[i:end])
		case c == '#' || c == '*' || '0' <= c && c <= '9' || traits&traitEmoji != 0 || isFlagPart(c):
			if end += emojiLen(token[i:]); end > i {
				r.plain(token[from:i])
				r.end()
				r.t.emitWord(r.prefix, token[i:end], nil, true, plainWord)
			}
		}
		if end == i {
			i += n
		} else {
			i, from = end, end
		}
	}
	r.plain(token[from:])
}

// plain takes ordinary characters. With a letter among them they are a word, without what joined it to its neighbours
// in the token, as ' in "a'ℹ"; if not, they end a run, unless they are invisible.
func (r *run) plain(b []byte) {
	letter, visible := false, false
	from, end, open := len(b), 0, false // the word in b, and whether marks still belong to it
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
		i += n
	}
	if visible {
		r.end()
	}
	if letter {
		r.t.emitWord(r.prefix, b[from:end], nil, false, plainWord)
	}
}

func isWordByte(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' }

func (r *run) unit(u []byte) {
	if r.units > 0 {
		r.t.emitWord(r.prefix, r.last, u, false, runPair)
	}
	r.last = u
	r.units++
}

func (r *run) end() {
	if r.units > 0 {
		r.t.emitWord(r.prefix, r.last, nil, false, runEnd)
	}
	r.units = 0
}

// emitWord writes a term of one part or two. What must not be in terms is dropped; of an emoji its joiners stay.
func (t *Terms) emitWord(prefix rune, a, b []byte, emoji bool, kind wordKind) {
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
	t.work.found = append(t.work.found, found{span{uint32(from), uint32(len(t.buf))}, kind})
}

func hasTraits(b []byte, any trait) bool {
	r, _ := utf8.DecodeRune(b)
	return r >= utf8.RuneSelf && charOf(r).traits&any != 0
}

func runeLen(b []byte) int {
	_, n := utf8.DecodeRune(b)
	return n
}
