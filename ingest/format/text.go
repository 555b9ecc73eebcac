package format

import (
	"bytes"
	"fmt"
	"html"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"birdwatch/tweet"
)

var timeLayouts = [...]string{time.RubyDate, time.RFC3339, time.RFC1123Z, time.RFC1123, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05"}

// createdAt reads a date in any style that v1.1 data has; millis of the same second are more exact. "" stays "".
func createdAt(s string, millis figure) (string, error) {
	if s == "" {
		if millis.isTime() {
			return timeText(int64(millis)), nil
		}
		return "", nil
	}
	for _, layout := range timeLayouts {
		at, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		ms := at.UnixMilli()
		if d := int64(millis) - ms; 0 <= d && d < 1000 {
			ms = int64(millis)
		}
		if ms < -62135596800000 || ms > 253402300799999 { // the years 1 to 9999, when the zone is taken off
			break
		}
		return timeText(ms), nil
	}
	return "", fmt.Errorf(`"created_at" is %q, no date as "Wed Oct 10 20:19:24 +0000 2018"`, short(s, 40))
}

// instant reads an RFC 3339 time.
func instant(s string) (ms int64, ok bool) {
	if s == "" {
		return 0, false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.UnixMilli() <= 0 {
		return 0, false
	}
	return at.UnixMilli(), true
}

func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format(tweet.TimeLayout) }

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
