package tweet

import (
	"strings"
	"unicode/utf8"
)

var htmlEntities = [...]struct {
	name string
	char byte
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}}

// cut is a place where a cleaned text is not the text: what stands before clean in the one, and before text in the other, came
// from the same characters. link says that a URL was left out.
type cut struct {
	clean, text int
	link        bool
}

// appendClean appends a text without its URLs (a line end in the place of each) and with HTML entities resolved. The cuts go to
// cuts, unless that is nil.
func appendClean(dst []byte, text string, e *Entities, shift int, cuts *[]cut) []byte {
	var urls []URL
	if e != nil {
		urls = e.URLs
	}
	if nextURL(urls, shift) == nil && strings.IndexByte(text, '&') < 0 && !strings.Contains(text, "://") {
		return append(dst, text...)
	}
	return appendCut(dst, text, urls, shift, cuts)
}

// appendCut is appendClean of any text.
func appendCut(dst []byte, text string, urls []URL, shift int, cuts *[]cut) []byte {
	point, next := shift, nextURL(urls, shift) // the code point that text[i] is, and the URL that comes at or after it
	from := 0                                  // what is before it has been appended
	for i := 0; i < len(text); {
		skip, char := 0, byte('\n')
		if next != nil && point == next.Start && utf8.RuneStart(text[i]) {
			skip = urlSpan(text[i:], next)
			next = nextURL(urls, point+1)
		}
		switch c := text[i]; {
		case skip > 0:
		case c == 'h' || c == 'H':
			skip = urlPrefix(text[i:])
		case c == '&':
			char, skip = htmlEntity(text[i:])
		}
		if skip == 0 {
			if utf8.RuneStart(text[i]) {
				point++
			}
			i++
			if next == nil {
				for i < len(text) && !beginsSkipped[text[i]] {
					i++
				}
				continue
			}
			for i < len(text) && point < next.Start && text[i] < utf8.RuneSelf && !beginsSkipped[text[i]] {
				i++
				point++
			}
			continue
		}
		dst = append(append(dst, text[from:i]...), char)
		if next != nil {
			point += utf8.RuneCountInString(text[i : i+skip])
			next = nextURL(urls, point)
		}
		i += skip
		from = i
		if cuts != nil {
			*cuts = append(*cuts, cut{len(dst), i, char == '\n'})
		}
	}
	return append(dst, text[from:]...)
}

// beginsSkipped are the bytes with which begins what is not taken as it is.
var beginsSkipped = [256]bool{'h': true, 'H': true, '&': true}

// htmlEntity is the character that s begins with the name of, and the name's length; 0 for none.
func htmlEntity(s string) (byte, int) {
	for _, h := range htmlEntities {
		if strings.HasPrefix(s, h.name) {
			return h.char, len(h.name)
		}
	}
	return 0, 0
}

// nextURL is the first of the URLs that begins at the code point or later; nil for none.
func nextURL(urls []URL, point int) (next *URL) {
	for i := range urls {
		if u := &urls[i]; u.Start >= point && u.End > u.Start && (next == nil || u.Start < next.Start) {
			next = u
		}
	}
	return next
}

// urlSpan is the length in bytes of the URL that s begins with; 0 where what stands there cannot be a URL. Positions
// may be wrong: some programs count UTF-16 units, and the entities of a cut text may come with the whole one.
func urlSpan(s string, u *URL) int {
	n := 0
	for point := u.Start; point < u.End && n < len(s); point++ {
		_, size := utf8.DecodeRuneInString(s[n:])
		n += size
	}
	if strings.ContainsAny(s[:n], " \n") || !strings.Contains(s[:n], ".") {
		return 0
	}
	return n
}

// urlPrefix is the length of the URL that s begins with, as far as its characters are ASCII ones of
// URLs; one of t.co ends with its name of letters and digits. 0 for none.
func urlPrefix(s string) int {
	if len(s) < len("http://x") || s[1] != 't' && s[1] != 'T' {
		return 0
	}
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
