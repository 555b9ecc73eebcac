package tweet

import "unicode/utf8"

// lead takes from the front of a folded text the units of scripts without blanks and the signs between them, and gives how many bytes that was. It
// needs no rules: a token of UAX #29 that holds a unit or a sign and something else is taken apart behind it all the same.
func (r *run) lead(s []byte) int {
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRune(s[i:])
		unit := false
		if c < utf8.RuneSelf {
			if isWordByte(byte(c)) || c == '#' || c == '*' {
				return i
			}
		} else if traits := charOf(c).traits; traits&traitUnit != 0 {
			unit = true
		} else if traits != 0 || isFlagPart(c) || c == utf8.RuneError {
			return i
		}
		end := i + n
		for unit && end < len(s) && hasTraits(s[end:], traitMark) {
			end += runeLen(s[end:])
		}
		if unit {
			r.unit(s[i:end], i)
		} else {
			r.end()
		}
		i = end
	}
	return len(s)
}
