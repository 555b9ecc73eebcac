package pack

import (
	"bytes"
	"strconv"
	"time"
)

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
