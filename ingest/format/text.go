package format

import (
	"bytes"
	"fmt"
	"html"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

var timeLayouts = [...]string{time.RubyDate, time.RFC3339, time.RFC1123Z, time.RFC1123, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05"}

// The years 1 to 9999, which tweet.TimeLayout can say, in Unix milliseconds.
const (
	timeLeast = -62135596800000
	timeMost  = 253402300799999
)

// createdAt reads a date in any style that v1.1 data has; millis of the same second are more exact. "" stays "".
func createdAt(s string, millis figure) (string, error) {
	if s == "" {
		if millis.isTime() {
			return timeText(int64(millis)), nil
		}
		return "", nil
	}
	ms, ok := dateOf(s)
	if d := int64(millis) - ms; 0 <= d && d < 1000 {
		ms = int64(millis)
	}
	if ok && timeLeast <= ms && ms <= timeMost { // when the zone is taken off
		return timeText(ms), nil
	}
	return "", fmt.Errorf(`"created_at" is %q, no date as "Wed Oct 10 20:19:24 +0000 2018"`, short(s, 40))
}

// dateOf reads a date in the first layout that it has.
func dateOf(s string) (ms int64, ok bool) {
	if ms, ok = rubyDate(s); ok {
		return ms, true
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UnixMilli(), true
		}
	}
	return 0, false
}

// instant reads an RFC 3339 time.
func instant(s string) (ms int64, ok bool) {
	if s == "" {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.UnixMilli() <= 0 || at.UnixMilli() > timeMost {
		return 0, false
	}
	return at.UnixMilli(), true
}

// rubyDate is time.Parse for dates of v1.1 as they nearly always are, in UTC; what it does not take may be sound as well.
func rubyDate(s string) (ms int64, ok bool) {
	const days, months = "SunMonTueWedThuFriSat", "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(s) != len(time.RubyDate) || s[3] != ' ' || s[7] != ' ' || s[10] != ' ' || s[13] != ':' || s[16] != ':' || s[19:26] != " +0000 " {
		return 0, false
	}
	weekday, month := strings.Index(days, s[:3]), strings.Index(months, s[4:7])
	if weekday < 0 || weekday%3 != 0 || month < 0 || month%3 != 0 {
		return 0, false
	}
	var n [5]int
	for i, part := range [...]string{s[26:], s[8:10], s[11:13], s[14:16], s[17:19]} {
		for k := range len(part) {
			if !isDigit(part[k]) {
				return 0, false
			}
			n[i] = n[i]*10 + int(part[k]-'0')
		}
	}
	year, day, hour, minute, second := n[0], n[1], n[2], n[3], n[4]
	at := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, time.UTC)
	if at.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return at.UnixMilli(), true
}

// timeText writes Unix milliseconds from timeLeast to timeMost as tweet.TimeLayout says, in a third of Format's time.
func timeText(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	text := []byte("0000-00-00T00:00:00.000Z")
	for _, part := range [...]struct{ end, n int }{{4, year}, {7, int(month)}, {10, day}, {13, hour}, {16, minute}, {19, second}, {23, t.Nanosecond() / 1e6}} {
		for i, n := part.end-1, part.n; n > 0; i, n = i-1, n/10 {
			text[i] += byte(n % 10)
		}
	}
	return string(text)
}

// appName takes the name out of <a href="…">name</a>.
func appName(s string) string {
	if i := strings.IndexByte(s, '>'); i >= 0 && strings.HasPrefix(s, "<") {
		s = s[i+1:]
		if k := strings.LastIndex(s, "</"); k >= 0 {
			s = s[:k]
		}
	}
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	return clean(s)
}

// clean makes a text valid UTF-8 without NUL: JSON can hold both, databases and terminals cannot.
func clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func cleanAll(ss []string) []string {
	for i := range ss {
		ss[i] = clean(ss[i])
	}
	return ss
}

// dirty reports whether texts of this JSON may need cleaning.
func dirty(raw []byte) bool {
	return bytes.Contains(raw, []byte(`\u0000`)) || bytes.Contains(raw, []byte(`\ud`)) || bytes.Contains(raw, []byte(`\uD`)) || !utf8.Valid(raw)
}

// cleanStrings cleans every text that v, a pointer, holds.
func cleanStrings(v any) { cleanValue(reflect.ValueOf(v).Elem()) }

func cleanValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(clean(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			cleanValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() || v.Type().Field(i).Anonymous {
				cleanValue(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanValue(v.Index(i))
		}
	}
}
