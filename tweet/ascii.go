package tweet

import "unicode/utf8"

// class is what UAX #29 makes of an ASCII character. See https://www.unicode.org/reports/tr29/#Word_Boundary_Rules
type class uint8

const (
	other     class = iota
	letter          // ALetter
	digit           // Numeric
	extender        // ExtendNumLet: _
	midLetter       // joins letters: :
	midNum          // joins digits: , ;
	midBoth         // joins either: . '
)

var classes = func() (t [256]class) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = letter, letter
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = digit
	}
	t['_'], t[':'], t[','], t[';'], t['.'], t['\''] = extender, midLetter, midNum, midNum, midBoth, midBoth
	return t
}()

// segmentASCII is segmentFull for ASCII text, blanks in it too, and many times as fast.
func (t *Terms) segmentASCII(prefix rune, s []byte) {
	base := len(t.buf)
	if prefix == 0 { // the words lie as they stand in it
		t.buf = appendLower(t.buf, s)
	}
	for i := 0; i < len(s); {
		c := classes[s[i]]
		if c == other || c >= midLetter {
			i++
			continue
		}
		begin, word := i, false
		for {
			word = word || c != extender
			i++
			if i == len(s) {
				break
			}
			next := classes[s[i]]
			if next >= midLetter && i+1 < len(s) && joins(c, next, classes[s[i+1]]) {
				i++
				next = classes[s[i]]
			} else if next == other || next >= midLetter {
				break
			}
			c = next
		}
		if !word {
			continue
		}
		f, end := foundAt(plainWord, begin, 0, i), min(i, begin+maxTerm)
		if prefix == 0 {
			f.span = span{uint32(base + begin), uint32(base + end)}
		} else {
			f.span = t.appendASCII(prefix, s[begin:end])
		}
		t.work.found = append(t.work.found, f)
	}
}

// joins reports whether the middle one of three characters holds its neighbours together.
func joins(before, mid, after class) bool {
	if before != after {
		return false
	}
	return before == letter && mid != midNum || before == digit && mid != midLetter
}

func (t *Terms) appendASCII(prefix rune, word []byte) span {
	from := len(t.buf)
	t.buf = appendLower(utf8.AppendRune(t.buf, prefix), word)
	return span{uint32(from), uint32(len(t.buf))}
}
