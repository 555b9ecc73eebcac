package pack

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A style is how a writer of JSON escapes what it may escape or not.
type style struct {
	wide       bool // characters beyond ASCII
	slash      bool
	angles     bool // < and >
	amp        bool
	upper      bool // hexadecimal digits of characters beyond ASCII
	upperASCII bool // of all others
}

// styles are those met: Go's and JavaScript's plain one, Twitter's (2012 on, then 2011), Python's, Go's default, PHP's.
var styles = [...]style{
	{},
	{wide: true, slash: true, angles: true},
	{wide: true, slash: true, angles: true, upperASCII: true},
	{wide: true},
	{angles: true, amp: true},
	{wide: true, slash: true},
	{slash: true},
	{wide: true, slash: true, angles: true, upper: true, upperASCII: true},
}

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

// escaped has the bytes that each style does not write as they are.
var escaped = func() (is [len(styles)][256]bool) {
	for i, s := range styles {
		for c := range is[i] {
			b := byte(c)
			is[i][c] = b < ' ' || b == '"' || b == '\\' || b == '/' && s.slash || (b == '<' || b == '>') && s.angles || b == '&' && s.amp || b >= utf8.RuneSelf && s.wide
		}
	}
	return is
}()

// appendEscaped writes a text as the inside of a JSON string, in the style of a number.
func appendEscaped(dst, text []byte, number int) []byte {
	s, escaped := &styles[number], &escaped[number]
	from := 0
	for i := 0; i < len(text); {
		i = plainWords(text, i)
		for end := min(i+8, len(text)); i < end; {
			c := text[i]
			if !escaped[c] {
				i++
				continue
			}
			dst = append(dst, text[from:i]...)
			n := 1
			switch {
			case c >= utf8.RuneSelf:
				dst, n = s.appendWide(dst, text[i:])
			case shortEscapes[c] != 0:
				dst = append(dst, '\\', shortEscapes[c])
			default:
				dst = appendHex(dst, rune(c), s.upperASCII)
			}
			i += n
			from = i
		}
	}
	return append(dst, text[from:]...)
}

// appendWide escapes the character that text begins with, of n bytes.
func (s *style) appendWide(dst, text []byte) (_ []byte, n int) {
	r, n := utf8.DecodeRune(text)
	if r == utf8.RuneError && n <= 1 {
		return append(dst, text[0]), 1 // this was not written so: see traits
	}
	if r < 1<<16 {
		return appendHex(dst, r, s.upper), n
	}
	hi, lo := utf16.EncodeRune(r)
	return appendHex(appendHex(dst, hi, s.upper), lo, s.upper), n
}

func appendHex(dst []byte, r rune, upper bool) []byte {
	digits := lowerHex
	if upper {
		digits = upperHex
	}
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// shortEscapes are the letters behind the backslash.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

var shortMeanings = func() (m [256]byte) {
	for c, short := range shortEscapes {
		if short != 0 {
			m[short] = byte(c)
		}
	}
	return m
}()

// fitting is a set of styles, by their numbers.
type fitting uint8

const allStyles = 1<<len(styles) - 1

// thatHave are the styles that have a trait.
func thatHave(trait func(style) bool) (f fitting) {
	for i, s := range styles {
		if trait(s) {
			f |= 1 << i
		}
	}
	return f
}

var (
	withWide       = thatHave(func(s style) bool { return s.wide })
	withSlash      = thatHave(func(s style) bool { return s.slash })
	withAngles     = thatHave(func(s style) bool { return s.angles })
	withAmp        = thatHave(func(s style) bool { return s.amp })
	withUpper      = thatHave(func(s style) bool { return s.upper })
	withUpperASCII = thatHave(func(s style) bool { return s.upperASCII })
)

// unescaped are the styles that write a byte as it is.
var unescaped = func() (f [256]fitting) {
	for c := range f {
		for i := range styles {
			if !escaped[i][c] {
				f[c] |= 1 << i
			}
		}
	}
	return f
}()

// appendPlain writes the text that the inside of a JSON string means, and gives the styles that write it so: none where it means nothing.
func appendPlain(dst, inside []byte) (_ []byte, fit fitting) {
	fit = allStyles
	from := 0
	for i := 0; i < len(inside); {
		i = plainWords(inside, i)
		for end := min(i+8, len(inside)); i < end; i++ {
			c := inside[i]
			if c != '\\' {
				fit &= unescaped[c]
				continue
			}
			dst = append(dst, inside[from:i]...)
			if i++; i >= len(inside) {
				return dst, 0
			}
			m := shortMeanings[inside[i]]
			switch {
			case m == '/':
				fit &= withSlash
				fallthrough
			case m != 0:
				dst = append(dst, m)
			default:
				r, n, as := hexRune(inside[i:])
				fit &= as
				if i += n - 1; fit == 0 {
					return dst, 0
				}
				dst = utf8.AppendRune(dst, r)
			}
			from = i + 1
		}
	}
	return append(dst, inside[from:]...), fit
}

// hexRune reads the character that is written uXXXX, or as two of them, in n bytes, and gives the styles that write it so.
func hexRune(b []byte) (r rune, n int, fit fitting) {
	r, fit, ok := hexAt(b)
	if !ok {
		return 0, 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 5, fit
	}
	if len(b) < 7 || b[5] != '\\' {
		return 0, 0, 0
	}
	low, fit2, ok := hexAt(b[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0, 0
	}
	return r, 11, fit & fit2
}

// hexAt reads uXXXX, and gives the styles that write this character so.
func hexAt(b []byte) (r rune, fit fitting, ok bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, 0, false
	}
	var lower, upper bool
	for _, c := range b[1:5] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r, lower = r<<4|rune(c-'a'+10), true
		case 'A' <= c && c <= 'F':
			r, upper = r<<4|rune(c-'A'+10), true
		default:
			return 0, 0, false
		}
	}
	letters := withUpperASCII
	switch {
	case r >= utf8.RuneSelf:
		fit, letters = withWide, withUpper
	case r < ' ' && shortEscapes[r] == 0:
		fit = allStyles
	case r == '<' || r == '>':
		fit = withAngles
	case r == '&':
		fit = withAmp
	}
	if upper {
		fit &= letters
	}
	if lower {
		fit &^= letters
	}
	return r, fit, true
}
