package format

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-json"
	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// figure is a whole number as v1.1 writes one: a number, a string of digits, or "100+". null and what is no number is 0.
type figure int64

// UnmarshalJSON never fails: a figure that cannot be read is no reason to lose a tweet.
func (f *figure) UnmarshalJSON(b []byte) error {
	if n, ok := digits(b); ok {
		*f = figure(n)
		return nil
	}
	if isNull(b) {
		return nil
	}
	s := strings.TrimRight(string(bytes.Trim(mongoNumber(b), `"`)), "+")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*f = figure(n)
	} else if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1<<53 {
		*f = figure(x)
	}
	return nil
}

// mongoNumber is the number in {"$numberLong": "5"}, as MongoDB exports it; b itself when it is none.
func mongoNumber(b []byte) []byte {
	if b[0] != '{' {
		return b
	}
	for _, kind := range [...]string{"$numberLong", "$numberInt"} {
		if n := gjson.GetBytes(b, kind); n.Exists() {
			return []byte(n.String())
		}
	}
	return b
}

// digits reads what nearly all figures and ids are: up to 18 digits, in quotes or not.
func digits(b []byte) (n int64, ok bool) {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// isNull tells what half of all ids are from what has to be looked at.
func isNull(b []byte) bool { return string(b) == "null" }

// isTime reports whether f can be Unix milliseconds: up to the year 9999.
func (f figure) isTime() bool { return f > 0 && f <= timeMost }

// ident is an id, as a number or as a string; 0 is none. Numbers lose no digit here, but did in others' tools.
type ident int64

// UnmarshalJSON never fails: what can be no id is none.
func (d *ident) UnmarshalJSON(b []byte) error {
	if n, ok := digits(b); ok {
		*d = ident(n)
		return nil
	}
	if isNull(b) {
		return nil
	}
	s := bytes.Trim(mongoNumber(b), `"`)
	if n, err := strconv.ParseInt(string(s), 10, 64); err == nil {
		*d = ident(max(0, n))
	} else if x, err := strconv.ParseFloat(string(s), 64); err == nil && x > 0 && x < 1<<53 && x == math.Trunc(x) {
		*d = ident(x)
	}
	return nil
}

// indices are the two positions of a marked part: numbers or, in exports, strings.
type indices struct{ start, end int }

// UnmarshalJSON never fails: positions that make no sense are 0 and 0.
func (x *indices) UnmarshalJSON(b []byte) error {
	var at [2]int
	n, inNumber := 0, false
	for _, c := range b {
		switch {
		case isDigit(c):
			if !inNumber {
				inNumber = true
				n++
			}
			if n <= 2 {
				at[n-1] = min(at[n-1]*10+int(c-'0'), math.MaxInt32+1)
			}
		case c == '-' || c == '.' || c == 'e' || c == 'E':
			return nil
		default:
			inNumber = false
		}
	}
	if n >= 2 && at[0] <= at[1] && at[1] <= math.MaxInt32 {
		*x = indices{at[0], at[1]}
	}
	return nil
}

// numbers are numbers or, in exports, strings of them.
type numbers []float64

// UnmarshalJSON never fails: what is no list of numbers is none.
func (l *numbers) UnmarshalJSON(b []byte) error {
	*l = nil
	var ns []float64
	for _, v := range gjson.ParseBytes(b).Array() {
		x, err := strconv.ParseFloat(v.String(), 64)
		if err != nil || len(ns) == 4 || v.IsObject() || v.IsArray() {
			return nil
		}
		ns = append(ns, x)
	}
	*l = ns
	return nil
}

// idOf prefers the string.
func idOf(str, num ident) tweet.ID {
	if str != 0 {
		return tweet.ID(str)
	}
	return tweet.ID(num)
}

// mediaSize is the largest of the sizes of a picture that shows the whole of it.
type mediaSize struct{ w, h int }

// UnmarshalJSON never fails. Sizes stand under their names or, in old exports, in a list without them.
func (m *mediaSize) UnmarshalJSON(b []byte) error {
	sizes := gjson.ParseBytes(b)
	if !sizes.IsArray() {
		large := sizes.Get("large")
		*m = mediaSize{int(large.Get("w").Int()), int(large.Get("h").Int())}
		return nil
	}
	sizes.ForEach(func(_, s gjson.Result) bool {
		if w := int(s.Get("w").Int()); w > m.w && s.Get("resize").String() != "crop" {
			*m = mediaSize{w, int(s.Get("h").Int())}
		}
		return true
	})
	return nil
}

type rings [][][]float64

// UnmarshalJSON never fails: old data has outlines of other shapes, which are left out.
func (r *rings) UnmarshalJSON(b []byte) error {
	var v [][][]float64
	if json.Unmarshal(b, &v) == nil {
		*r = v
	}
	return nil
}
