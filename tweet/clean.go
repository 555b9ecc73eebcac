package tweet

import (
	"strings"
	"unicode/utf8"
)

var htmlEntities = [...]struct {
	name string
	char byte
}{{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"#39;", '\''}}

// appendClean appends a text without its URLs (a line end in the place of each) and with HTML entities resolved.
func appendClean(dst []byte, text string, e *Entities, shift int) []byte {
	marked := e != nil && len(e.URLs) > 0
	point := shift // the code point that text[i] is
	for i := 0; i < len(text); {
		c := text[i]
		skip := 0
		if marked {
			skip = urlSpan(text[i:], point, e.URLs)
		}
		if skip == 0 && (c == 'h' || c == 'H') {
			skip = urlPrefix(text[i:])
		}
		if skip > 0 {
			dst = append(dst, '\n')
			point += utf8.RuneCountInString(text[i : i+skip])
			i += skip
			continue
		}
		n := 1
		if c == '&' {
			if char, long := htmlEntity(text[i+1:]); long > 0 {
				dst = append(dst, char)
				i, point = i+1+long, point+1+long
				continue
			}
		} else if c >= utf8.RuneSelf && marked {
			_, n = utf8.DecodeRuneInString(text[i:])
		}
		dst = append(dst, text[i:i+n]...)
		i += n
		point++
	}
	return dst
}

func htmlEntity(s string) (byte, int) {
	for _, h := range htmlEntities {
		if strings.HasPrefix(s, h.name) {
			return h.char, len(h.name)
		}
	}
	return 0, 0
}

// urlSpan is the length in bytes of the URL entity that begins at the code point; 0 for none.
func urlSpan(s string, point int, urls []URL) int {
	for k := range urls {
		if urls[k].Start != point || urls[k].End <= point {
			continue
		}
		n := 0
		for range urls[k].End - point {
			if n >= len(s) {
				break
			}
			_, w := utf8.DecodeRuneInString(s[n:])
			n += w
		}
		return n
	}
	return 0
}

// urlPrefix is the length of the URL that s begins with, as far as its characters are ASCII ones of
// URLs; one of t.co ends with its name of letters and digits. 0 for none.
func urlPrefix(s string) int {
	rest, ok := cutFold(s, "http")
	if !ok {
		return 0
	}
	if r, secure := cutFold(rest, "s"); secure {
		rest = r
	}
	if rest, ok = cutFold(rest, "://"); !ok || rest == "" || !isURLByte(rest[0]) {
		return 0
	}
	n := len(s) - len(rest)
	if name, short := cutFold(rest, "t.co/"); short {
		n = len(s) - len(name)
		for n < len(s) && (classes[s[n]] == letter || classes[s[n]] == digit) {
			n++
		}
		return n
	}
	for n < len(s) && isURLByte(s[n]) {
		n++
	}
	return n
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func isURLByte(c byte) bool {
	return c > ' ' && c < 0x7F && c != '<' && c != '>' && c != '"' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}'
}
