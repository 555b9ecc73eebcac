package query

import (
	"math"
	"strings"
	"time"

	"birdwatch/tweet"
)

// The nodes. And and Or hold two or more children and none of their own kind; Not holds no Not.
// A leaf's text is what it prints.
type (
	all    struct{}
	and    struct{ xs []Expr }
	or     struct{ xs []Expr }
	not    struct{ x Expr }
	term   struct{ text, term string }
	prefix struct{ text, term string }
	phrase struct {
		text   string
		words  []string
		prefix bool
	}
	near struct {
		text  string
		words []string
		n     int
	}
	between struct {
		figure Figure
		lo, hi int64
	}
	// box is ranges that print as one operator.
	box struct{ west, south, east, north int64 }
)

func (all) expr()     {}
func (and) expr()     {}
func (or) expr()      {}
func (not) expr()     {}
func (term) expr()    {}
func (prefix) expr()  {}
func (phrase) expr()  {}
func (near) expr()    {}
func (between) expr() {}
func (Circle) expr()  {}
func (box) expr()     {}

// All matches every tweet.
func All() Expr { return all{} }

// And matches what all of es match; without any, every tweet.
func And(es ...Expr) Expr {
	xs := make([]Expr, 0, len(es))
	for _, e := range es {
		switch e := e.(type) {
		case all:
		case and:
			xs = append(xs, e.xs...)
		default:
			xs = append(xs, e)
		}
	}
	switch len(xs) {
	case 0:
		return all{}
	case 1:
		return xs[0]
	}
	return and{xs}
}

// Or matches what one of es matches; without any, no tweet.
func Or(es ...Expr) Expr {
	xs := make([]Expr, 0, len(es))
	for _, e := range es {
		switch e := e.(type) {
		case all:
			return e
		case or:
			xs = append(xs, e.xs...)
		default:
			xs = append(xs, e)
		}
	}
	switch len(xs) {
	case 0:
		return not{all{}}
	case 1:
		return xs[0]
	}
	return or{xs}
}

// Not matches what e does not.
func Not(e Expr) Expr {
	if n, ok := e.(not); ok {
		return n.x
	}
	return not{e}
}

// Since matches tweets created at t or later.
func Since(t time.Time) Expr { return between{CreatedAt, CeilMilli(t), math.MaxInt64} }

// Until matches tweets created before t.
func Until(t time.Time) Expr { return between{CreatedAt, math.MinInt64, CeilMilli(t) - 1} }

// AfterID matches tweets with a greater id.
func AfterID(id tweet.ID) Expr {
	if id == math.MaxInt64 {
		return not{all{}}
	}
	return between{TweetID, int64(id) + 1, math.MaxInt64}
}

// UpToID matches the tweet of the id and those with a smaller one.
func UpToID(id tweet.ID) Expr { return between{TweetID, math.MinInt64, int64(id)} }

// earliest and latest bound the instants of since and until: the years that RFC 3339 can write.
const (
	earliest = -62135596800_000 // 0001-01-01
	latest   = 253402300799_999 // 9999-12-31
)

// CeilMilli is the first whole millisecond at t or later, within the years that RFC 3339 can write; created_at has no finer steps.
func CeilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return min(max(ms, earliest), latest)
}

func (all) String() string      { return "" }
func (e and) String() string    { return print(e) }
func (e or) String() string     { return print(e) }
func (e not) String() string    { return print(e) }
func (e term) String() string   { return e.text }
func (e prefix) String() string { return e.text }
func (e phrase) String() string { return e.text }
func (e near) String() string   { return e.text }

func (e between) String() string {
	for i := range operators {
		if o := &operators[i]; o.print != nil {
			if text := o.print(o, e); text != "" {
				return text
			}
		}
	}
	panic("query: a range that no operator writes")
}

func print(e Expr) string {
	var b strings.Builder
	write(&b, e)
	return b.String()
}

// write prints e; a conjunction inside a disjunction needs no parentheses, as it binds closer.
func write(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case and:
		for i, x := range e.xs {
			if i > 0 {
				b.WriteByte(' ')
			}
			_, inner := x.(or)
			enclose(b, x, inner)
		}
	case or:
		for i, x := range e.xs {
			if i > 0 {
				b.WriteString(" OR ")
			}
			write(b, x)
		}
	case not:
		b.WriteByte('-')
		switch x := e.x.(type) {
		case all:
			b.WriteString(everything)
		case and, or:
			enclose(b, x, true)
		default:
			write(b, x)
		}
	default:
		b.WriteString(e.String())
	}
}

func enclose(b *strings.Builder, e Expr, parentheses bool) {
	if parentheses {
		b.WriteByte('(')
	}
	write(b, e)
	if parentheses {
		b.WriteByte(')')
	}
}

// height is how many And and Or nodes stand on the longest way down. It bounds the nesting of what any engine
// makes of e, since a Not can be moved down to the leaves.
func height(e Expr) int {
	switch e := e.(type) {
	case and:
		return 1 + highest(e.xs)
	case or:
		return 1 + highest(e.xs)
	case not:
		return height(e.x)
	case box:
		return height(And(e.ranges()...))
	}
	return 0
}

func highest(xs []Expr) int {
	h := 0
	for _, x := range xs {
		h = max(h, height(x))
	}
	return h
}

// endOf is the instant (Unix milliseconds) from which nothing can match e any more, by what its
// conjunction requires; false when there is none.
func endOf(e Expr) (ms int64, ok bool) {
	switch e := e.(type) {
	case between:
		return e.hi + 1, e.figure == CreatedAt && e.hi != math.MaxInt64
	case not:
		r, is := e.x.(between)
		return r.lo, is && r.figure == CreatedAt && r.hi == math.MaxInt64
	case and:
		for _, x := range e.xs {
			if end, has := endOf(x); has && (!ok || end < ms) {
				ms, ok = end, true
			}
		}
	}
	return ms, ok
}
