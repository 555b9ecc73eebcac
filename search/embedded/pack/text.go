package pack

import (
	"bytes"
	"strconv"
	"time"
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

// appendEscaped writes a text as the inside of a JSON string.
func (s style) appendEscaped(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf && s.wide {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n <= 1 {
				dst = append(dst, c) // it will not be found equal
				i++
				continue
			}
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				dst = appendHex(appendHex(dst, hi, s.upper), lo, s.upper)
			} else {
				dst = appendHex(dst, r, s.upper)
			}
			i += n
			continue
		}
		i++
		switch short := shortEscapes[c]; {
		case short != 0 && (c != '/' || s.slash):
			dst = append(dst, '\\', short)
		case c < ' ', s.angles && (c == '<' || c == '>'), s.amp && c == '&':
			dst = appendHex(dst, rune(c), s.upperASCII)
		default:
			dst = append(dst, c)
		}
	}
	return dst
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

// appendPlain writes the text that the inside of a JSON string means; false when it means none.
func appendPlain(dst, inside []byte) ([]byte, bool) {
	for i := 0; i < len(inside); i++ {
		if c := inside[i]; c != '\\' {
			dst = append(dst, c)
			continue
		}
		if i++; i >= len(inside) {
			return dst, false
		}
		if m := shortMeanings[inside[i]]; m != 0 {
			dst = append(dst, m)
			continue
		}
		r, ok := hexAt(inside, i)
		if !ok {
			return dst, false
		}
		i += 4
		if utf16.IsSurrogate(r) {
			if i+2 >= len(inside) || inside[i+1] != '\\' {
				return dst, false
			}
			low, ok := hexAt(inside, i+2)
			if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
				return dst, false
			}
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, true
}

// hexAt reads uXXXX at i.
func hexAt(b []byte, i int) (r rune, ok bool) {
	if i+5 > len(b) || b[i] != 'u' {
		return 0, false
	}
	for _, c := range b[i+1 : i+5] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// wholeNumber reads digits that are written as strconv would.
func wholeNumber(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 || len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return int64(n), n < 1<<63
}

// The two ways in which Twitter writes times.
const (
	longTime  = "Mon Jan 02 15:04:05 -0700 2006"
	shortTime = "2006-01-02T15:04:05.000Z"
)

// longSeconds reads a time of v1.1 in UTC.
func longSeconds(b []byte) (int64, bool) {
	if len(b) != len(longTime) || string(b[20:25]) != "+0000" {
		return 0, false
	}
	month := bytes.Index([]byte("JanFebMarAprMayJunJulAugSepOctNovDec"), b[4:7])
	year, ok := digits(b[26:30])
	if !ok || month < 0 || month%3 != 0 {
		return 0, false
	}
	return clock(year, month/3+1, b[8:10], b[11:19], b, appendLong)
}

// shortMillis reads a time of v2.
func shortMillis(b []byte) (int64, bool) {
	if len(b) != len(shortTime) || b[19] != '.' {
		return 0, false
	}
	year, ok := digits(b[:4])
	month, ok2 := digits(b[5:7])
	ms, ok3 := digits(b[20:23])
	if !ok || !ok2 || !ok3 {
		return 0, false
	}
	n, ok := clock(year, month, b[8:10], b[11:19], b, func(dst []byte, n int64) []byte { return appendShort(dst, n*1000+int64(ms)) })
	return n*1000 + int64(ms), ok
}

// clock makes seconds of the parts and sees that written again they are b.
func clock(year, month int, day, time8, b []byte, again func([]byte, int64) []byte) (int64, bool) {
	d, ok := digits(day)
	h, ok2 := digits(time8[:2])
	m, ok3 := digits(time8[3:5])
	s, ok4 := digits(time8[6:8])
	if !ok || !ok2 || !ok3 || !ok4 || year < 1 {
		return 0, false
	}
	n := time.Date(year, time.Month(month), d, h, m, s, 0, time.UTC).Unix()
	var buf [40]byte
	return n, bytes.Equal(again(buf[:0], n), b)
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func appendLong(dst []byte, seconds int64) []byte {
	t := time.Unix(seconds, 0).UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return dst
	}
	h, m, s := t.Clock()
	dst = append(append(append(dst, t.Weekday().String()[:3]...), ' '), month.String()[:3]...)
	dst = append2(append(dst, ' '), day)
	dst = append2(append(dst, ' '), h)
	dst = append2(append(dst, ':'), m)
	dst = append2(append(dst, ':'), s)
	return strconv.AppendInt(append(dst, " +0000 "...), int64(year), 10)
}

func appendShort(dst []byte, millis int64) []byte {
	t := time.UnixMilli(millis).UTC()
	year, month, day := t.Date()
	if year < 1000 || year > 9999 {
		return dst
	}
	h, m, s := t.Clock()
	dst = strconv.AppendInt(dst, int64(year), 10)
	dst = append2(append(dst, '-'), int(month))
	dst = append2(append(dst, '-'), day)
	dst = append2(append(dst, 'T'), h)
	dst = append2(append(dst, ':'), m)
	dst = append2(append(dst, ':'), s)
	ms := int(millis % 1000)
	return append(append2(append(dst, '.', byte('0'+ms/100)), ms%100), 'Z')
}

func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
