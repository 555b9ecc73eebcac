package query

import (
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError says where and why a text is no query. Pos and End are byte offsets of Text, Pos ≤ End.
type SyntaxError struct {
	Text     string
	Pos, End int
	Message  string // what is wrong
	Hint     string // what would be right; may be empty
}

// Error gives one line; its position counts bytes from 1, as X's errors do.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("%s (at position %d)", e.Message, e.Pos+1)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// shown bounds how much of a query an error repeats, in bytes.
const shown = 40

// excerpt shortens s to what an error repeats, on one line.
func excerpt(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) <= shown {
		return s
	}
	n := shown
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// nearest finds the name that s was most likely meant to be; "" when none is near.
func nearest(s string, names iter.Seq[string]) string {
	if len(s) > shown {
		return ""
	}
	best, found := 1+max(1, min(2, len(s)/3)), ""
	for name := range names {
		if d := distance(s, name); d < best {
			best, found = d, name
		}
	}
	return found
}

// distance is how many letters must be put in, taken out, changed or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
