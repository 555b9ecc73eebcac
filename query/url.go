package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// appendURL adds an address as a text of words: without its scheme, %XX resolved where they make
// characters, and a blank in place of all that is no letter, digit or mark.
func appendURL(b []byte, address string) []byte {
	if scheme, rest, ok := strings.Cut(address, "://"); ok && isHandle(strings.ReplaceAll(scheme, "+", "")) {
		address = rest
	}
	from := len(b)
	return blankOut(appendUnescaped(b, address), from)
}

// appendUnescaped adds an address with each %XX as the byte that it stands for.
func appendUnescaped(b []byte, address string) []byte {
	for i := 0; i < len(address); i++ {
		c := address[i]
		if c == '%' && i+2 < len(address) && unhex(address[i+1]) >= 0 && unhex(address[i+2]) >= 0 {
			c = byte(unhex(address[i+1])<<4 | unhex(address[i+2]))
			i += 2
		}
		b = append(b, c)
	}
	return b
}

// blankOut makes one-byte blanks of what is no part of a word in b[from:], in place.
func blankOut(b []byte, from int) []byte {
	to := from
	for i := from; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if !alphanumeric(c) {
				c = ' '
			}
			b[to] = c
			i, to = i+1, to+1
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So) {
			b[to] = ' '
			i, to = i+n, to+1
			continue
		}
		to += copy(b[to:], b[i:i+n])
		i += n
	}
	return b[:to]
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
