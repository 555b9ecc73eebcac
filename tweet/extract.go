package tweet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules of what is a hashtag, a cashtag and a mention are twitter-text's:
// https://github.com/twitter/twitter-text/blob/master/js/src/regexp

// Hashtags finds the hashtags of a text that came without entities. Positions are code points.
func Hashtags(text string) []Tag {
	return scan(text, "#＃", func(s *scanner) (Tag, bool) {
		if s.before == '&' || isTagChar(s.before) {
			return Tag{}, false
		}
		n, letters := 0, false
		for _, r := range s.rest {
			if !isTagChar(r) {
				if n == 0 && (r == '\uFE0F' || r == keycap) {
					return Tag{}, false
				}
				break
			}
			letters = letters || unicode.IsLetter(r) || unicode.Is(unicode.M, r)
			n += utf8.RuneLen(r)
		}
		tag, after := s.rest[:n], s.rest[n:]
		if !letters || strings.HasPrefix(after, "#") || strings.HasPrefix(after, "＃") || strings.HasPrefix(after, "://") || strings.HasPrefix(tag, "\uFE0F") {
			return Tag{}, false
		}
		return Tag{Tag: tag}, true
	}, func(t *Tag, start, end int) { t.Start, t.End = start, end }, func(t Tag) string { return t.Tag })
}

// Cashtags finds the cashtags of a text that came without entities. Positions are code points.
func Cashtags(text string) []Tag {
	return scan(text, "$", func(s *scanner) (Tag, bool) {
		if s.before != 0 && !unicode.IsSpace(s.before) && !isDirection(s.before) {
			return Tag{}, false
		}
		n := asciiLetters(s.rest, 6)
		if n == 0 {
			return Tag{}, false
		}
		if n+1 < len(s.rest) && (s.rest[n] == '.' || s.rest[n] == '_') {
			if k := asciiLetters(s.rest[n+1:], 2); k > 0 && endsCashtag(s.rest[n+1+k:]) {
				n += 1 + k
			}
		}
		if !endsCashtag(s.rest[n:]) {
			return Tag{}, false
		}
		return Tag{Tag: s.rest[:n]}, true
	}, func(t *Tag, start, end int) { t.Start, t.End = start, end }, func(t Tag) string { return t.Tag })
}

// Mentions finds the users named in a text that came without entities. Positions are code points.
func Mentions(text string) []Mention {
	return scan(text, "@＠", func(s *scanner) (Mention, bool) {
		if s.before != 0 && (isNameByte(s.before) || strings.ContainsRune("!#$%&*@＠", s.before)) && !s.afterRT() {
			return Mention{}, false
		}
		n := 0
		for n < len(s.rest) && n < 20 && isNameByte(rune(s.rest[n])) {
			n++
		}
		after, _ := utf8.DecodeRuneInString(s.rest[n:])
		if n == 0 || after == '@' || after == '＠' || isLatinAccent(after) || strings.HasPrefix(s.rest[n:], "://") {
			return Mention{}, false
		}
		return Mention{Username: s.rest[:n]}, true
	}, func(m *Mention, start, end int) { m.Start, m.End = start, end }, func(m Mention) string { return m.Username })
}

// scanner stands behind a sign in a text.
type scanner struct {
	text   string
	sign   int    // byte offset of the sign
	before rune   // the character before the sign; 0 at the start
	rest   string // what follows it
}

// afterRT: a retweet's "RT@name" and "RT:@name" are mentions.
func (s *scanner) afterRT() bool {
	head := strings.TrimSuffix(s.text[:s.sign], ":")
	if len(head) < 2 || !strings.EqualFold(head[len(head)-2:], "rt") {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(head[:len(head)-2])
	return len(head) == 2 || !isNameByte(r) && !strings.ContainsRune("+~.-", r)
}

// scan tries match at each sign that is not part of a URL.
func scan[T any](text, signs string, match func(*scanner) (T, bool), place func(t *T, start, end int), value func(T) string) []T {
	if !hasSign(text, signs) {
		return nil
	}
	var found []T
	s := scanner{text: text}
	point := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if skip := linkAt(text, i, s.before); skip > 0 {
			point += utf8.RuneCountInString(text[i : i+skip])
			i += skip
			s.before, _ = utf8.DecodeLastRuneInString(text[:i])
			continue
		}
		i, point = i+n, point+1
		if strings.ContainsRune(signs, r) {
			s.sign, s.rest = i-n, text[i:]
			if t, ok := match(&s); ok {
				v := value(t)
				place(&t, point-1, point+utf8.RuneCountInString(v))
				found = append(found, t)
				i, point = i+len(v), point+utf8.RuneCountInString(v)
				r, _ = utf8.DecodeLastRuneInString(v)
			}
		}
		s.before = r
	}
	return found
}

// hasSign is strings.ContainsAny for few signs, which takes a fraction of its time where some are not ASCII.
func hasSign(text, signs string) bool {
	for _, r := range signs {
		if strings.ContainsRune(text, r) {
			return true
		}
	}
	return false
}

// linkAt is the length of a URL at text[i:], one with a scheme, or a bare domain that a path follows.
func linkAt(text string, i int, before rune) int {
	if n := urlPrefix(text[i:]); n > 0 {
		return n
	}
	if isNameByte(before) || before == '.' || before == '@' || before == '-' || before == '#' || before == '$' {
		return 0
	}
	n, dots, label := i, 0, 0
	for ; n < len(text); n++ {
		c := text[n]
		if c == '.' && label > 0 {
			dots, label = dots+1, 0
		} else if classes[c] == letter || classes[c] == digit || c == '-' {
			label++
		} else {
			break
		}
	}
	if dots == 0 || label < 2 || n == len(text) || text[n] != '/' {
		return 0
	}
	for n < len(text) && isURLByte(text[n]) {
		n++
	}
	return n - i
}

func asciiLetters(s string, most int) int {
	n := 0
	for n < len(s) && n < most && classes[s[n]] == letter {
		n++
	}
	return n
}

func endsCashtag(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s == "" || unicode.IsSpace(r) || r < utf8.RuneSelf && unicode.In(r, unicode.P, unicode.S)
}

func isTagChar(r rune) bool {
	if r < utf8.RuneSelf {
		return r != 0 && (r == '_' || classes[byte(r)] == letter || classes[byte(r)] == digit)
	}
	return unicode.IsLetter(r) || unicode.In(r, unicode.M, unicode.Nd) && !isVariation(r) ||
		strings.ContainsRune("\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7", r)
}

func isNameByte(r rune) bool {
	return r > 0 && r < utf8.RuneSelf && (r == '_' || classes[byte(r)] == letter || classes[byte(r)] == digit)
}

func isLatinAccent(r rune) bool {
	return r >= 0xC0 && r <= 0x24F && r != 0xD7 && r != 0xF7 || r >= 0x300 && r <= 0x36F || r >= 0x1E00 && r <= 0x1EFF ||
		strings.ContainsRune("\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb", r) && r != utf8.RuneError
}

func isDirection(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r == 0x061C || r == 0x200E || r == 0x200F || r >= 0x2066 && r <= 0x2069
}
