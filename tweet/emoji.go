package tweet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	zwj    = '\u200D'
	zwsp   = '\u200B'
	keycap = '\u20E3'
)

// pictographs are the characters with the property Extended_Pictographic, ASCII and Latin-1 apart.
// See https://www.unicode.org/Public/UCD/latest/ucd/emoji/emoji-data.txt
var pictographs = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x203C, 0x203C, 1}, {0x2049, 0x2049, 1}, {0x2122, 0x2122, 1}, {0x2139, 0x2139, 1}, {0x2194, 0x2199, 1}, {0x21A9, 0x21AA, 1},
		{0x231A, 0x231B, 1}, {0x2328, 0x2328, 1}, {0x2388, 0x2388, 1}, {0x23CF, 0x23CF, 1}, {0x23E9, 0x23F3, 1}, {0x23F8, 0x23FA, 1},
		{0x24C2, 0x24C2, 1}, {0x25AA, 0x25AB, 1}, {0x25B6, 0x25B6, 1}, {0x25C0, 0x25C0, 1}, {0x25FB, 0x25FE, 1}, {0x2600, 0x2605, 1},
		{0x2607, 0x2612, 1}, {0x2614, 0x2685, 1}, {0x2690, 0x2705, 1}, {0x2708, 0x2712, 1}, {0x2714, 0x2714, 1}, {0x2716, 0x2716, 1},
		{0x271D, 0x271D, 1}, {0x2721, 0x2721, 1}, {0x2728, 0x2728, 1}, {0x2733, 0x2734, 1}, {0x2744, 0x2744, 1}, {0x2747, 0x2747, 1},
		{0x274C, 0x274C, 1}, {0x274E, 0x274E, 1}, {0x2753, 0x2755, 1}, {0x2757, 0x2757, 1}, {0x2763, 0x2767, 1}, {0x2795, 0x2797, 1},
		{0x27A1, 0x27A1, 1}, {0x27B0, 0x27B0, 1}, {0x27BF, 0x27BF, 1}, {0x2934, 0x2935, 1}, {0x2B05, 0x2B07, 1}, {0x2B1B, 0x2B1C, 1},
		{0x2B50, 0x2B50, 1}, {0x2B55, 0x2B55, 1}, {0x3030, 0x3030, 1}, {0x303D, 0x303D, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1F000, 0x1F0FF, 1}, {0x1F10D, 0x1F10F, 1}, {0x1F12F, 0x1F12F, 1}, {0x1F16C, 0x1F171, 1}, {0x1F17E, 0x1F17F, 1},
		{0x1F18E, 0x1F18E, 1}, {0x1F191, 0x1F19A, 1}, {0x1F1AD, 0x1F1E5, 1}, {0x1F201, 0x1F20F, 1}, {0x1F21A, 0x1F21A, 1},
		{0x1F22F, 0x1F22F, 1}, {0x1F232, 0x1F23A, 1}, {0x1F23C, 0x1F23F, 1}, {0x1F249, 0x1F3FA, 1}, {0x1F400, 0x1F53D, 1},
		{0x1F546, 0x1F64F, 1}, {0x1F680, 0x1F6FF, 1}, {0x1F774, 0x1F77F, 1}, {0x1F7D5, 0x1F7FF, 1}, {0x1F80C, 0x1F80F, 1},
		{0x1F848, 0x1F84F, 1}, {0x1F85A, 0x1F85F, 1}, {0x1F888, 0x1F88F, 1}, {0x1F8AE, 0x1F8FF, 1}, {0x1F90C, 0x1F93A, 1},
		{0x1F93C, 0x1F945, 1}, {0x1F947, 0x1FAFF, 1}, {0x1FC00, 0x1FFFD, 1},
	},
}

// emojiLen is the length of the emoji that b begins with, a pictograph with what joins it, a flag or a keycap; 0 for none.
func emojiLen(b []byte) int {
	first, end := utf8.DecodeRune(b)
	switch next, n := utf8.DecodeRune(b[end:]); {
	case first < utf8.RuneSelf:
		if next != keycap {
			return 0
		}
		end += n
	case isFlagPart(first):
		if !isFlagPart(next) {
			return 0
		}
		end += n
	}
	for end < len(b) {
		next, n := utf8.DecodeRune(b[end:])
		switch {
		case isTone(next), isTagPart(next), hasTraits(b[end:], traitMark):
			end += n
		case next == zwj && end+n < len(b) && hasTraits(b[end+n:], traitEmoji):
			end += n + runeLen(b[end+n:])
		default:
			return end
		}
	}
	return end
}

// isFlagPart reports whether r is a regional indicator: two make a flag.
func isFlagPart(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// isTagPart reports whether r is one of the invisible letters that make the flags of England, Scotland and Wales.
func isTagPart(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

// isTone reports whether r is a skin tone.
func isTone(r rune) bool { return r >= 0x1F3FB && r <= 0x1F3FF }

// isVariation reports whether r only chooses between pictures of the character before it.
func isVariation(r rune) bool {
	return r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF || r >= 0x180B && r <= 0x180D || r == 0x180F
}

// CanBeAlt reports whether a term may be a further form of another: an emoji without skin tones, or a mark that stood behind tones alone. Some
// emoji are letters, such as U+2139; words of other letters from there on are not many. No term of a field can.
func CanBeAlt(term string) bool {
	r, _ := utf8.DecodeRuneInString(term)
	if r < 0x2000 {
		return unicode.Is(unicode.M, r)
	}
	return (r < 0x2C00 || !unicode.IsLetter(r)) && !unicode.Is(unicode.Co, r) && !strings.ContainsFunc(term, isTone)
}

// WithoutTones is a term without skin tones: the further form that it has, if it changes by that.
func WithoutTones(term string) string {
	return strings.Map(func(r rune) rune {
		if isTone(r) {
			return -1
		}
		return r
	}, term)
}

// addAlts gives every emoji with skin tones its form without them, at the same position, from position first on.
func (t *Terms) addAlts(first int) {
	for pos := first; pos < len(t.words); pos++ {
		w := t.words[pos]
		if w.to-w.from < 7 || t.buf[w.from] < 0xE2 { // shorter than a pictograph and a tone
			continue
		}
		term := t.buf[w.from:w.to]
		begin, toned := len(t.buf), false
		for len(term) > 0 {
			r, n := utf8.DecodeRune(term)
			if isTone(r) {
				toned = true
			} else {
				t.buf = append(t.buf, term[:n]...)
			}
			term = term[n:]
		}
		if !toned || len(t.buf) == begin {
			t.buf = t.buf[:begin]
			continue
		}
		t.alts = append(t.alts, alt{pos, span{uint32(begin), uint32(len(t.buf))}})
	}
}
