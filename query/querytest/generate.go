package querytest

import (
	"fmt"
	"strings"

	"birdwatch/query"

	"pgregory.net/rapid"
)

// Queries makes texts of queries out of the whole grammar. Nearly all parse; those that do not are too large.
func Queries(v Vocabulary) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return v.or(t, 3) })
}

// Exprs makes normal forms out of the whole grammar.
func Exprs(v Vocabulary) *rapid.Generator[query.Expr] {
	return rapid.Custom(func(t *rapid.T) query.Expr {
		text := v.or(t, 3)
		q, err := query.Parse(text, Now)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return q.Expr
	})
}

func (v Vocabulary) or(t *rapid.T, depth int) string {
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "alternatives")
	xs := make([]string, n)
	for i := range xs {
		xs[i] = v.and(t, depth)
	}
	return strings.Join(xs, rapid.SampledFrom([]string{" OR ", " | ", "|"}).Draw(t, "or"))
}

func (v Vocabulary) and(t *rapid.T, depth int) string {
	n := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "parts")
	xs := make([]string, n)
	for i := range xs {
		xs[i] = rapid.SampledFrom([]string{"", "", "", "-", "NOT "}).Draw(t, "negation") + v.primary(t, depth)
	}
	return strings.Join(xs, rapid.SampledFrom([]string{" ", "  ", " AND "}).Draw(t, "and"))
}

func (v Vocabulary) primary(t *rapid.T, depth int) string {
	kinds := []string{"word", "word", "word", "value", "value", "choice", "phrase", "near", "prefix"}
	if depth > 0 {
		kinds = append(kinds, "group", "group")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "group":
		return "(" + v.or(t, depth-1) + ")"
	case "value":
		if len(v.Values) > 0 {
			return renamed(t, rapid.SampledFrom(v.Values).Draw(t, "value"))
		}
	case "choice":
		return rapid.SampledFrom(choices).Draw(t, "choice")
	case "phrase":
		return v.phrase(t, 1)
	case "near":
		text := v.phrase(t, 2) + fmt.Sprintf("~%d", rapid.IntRange(1, query.MaxApart).Draw(t, "apart"))
		if _, err := query.Parse(text, Now); err == nil {
			return text
		}
	case "prefix":
		runes := []rune(v.word(t))
		text := string(runes[:rapid.IntRange(min(2, len(runes)), len(runes)).Draw(t, "length")]) + "*"
		if _, err := query.Parse(text, Now); err == nil {
			return text
		}
	}
	return quoted(v.word(t))
}

// word falls back on one that every vocabulary has.
func (v Vocabulary) word(t *rapid.T) string {
	if len(v.Words) == 0 {
		return "go"
	}
	return rapid.SampledFrom(v.Words).Draw(t, "word")
}

// phrase takes neighbours of the vocabulary, which often were neighbours in a text, or any words.
func (v Vocabulary) phrase(t *rapid.T, least int) string {
	n := rapid.IntRange(least, 4).Draw(t, "words")
	words := make([]string, n)
	neighbours := len(v.Words) > n && rapid.Bool().Draw(t, "neighbours")
	from := 0
	if neighbours {
		from = rapid.IntRange(0, len(v.Words)-n).Draw(t, "from")
	}
	for i := range words {
		if words[i] = v.word(t); neighbours {
			words[i] = v.Words[from+i]
		}
	}
	return quoted(strings.Join(words, " "))
}

// renamed writes an operator under another of its names at times.
func renamed(t *rapid.T, value string) string {
	name, rest, _ := strings.Cut(value, ":")
	names := names[name]
	if len(names) < 2 {
		return value
	}
	return rapid.SampledFrom(names).Draw(t, "name") + ":" + rest
}

// names are those of each operator.
var names = func() map[string][]string {
	m := map[string][]string{}
	for _, o := range query.Operators() {
		m[o.Name] = append([]string{o.Name}, o.Aliases...)
	}
	return m
}()

// choices are all operators with all the values that the table lists, instants, and places.
var choices = func() (all []string) {
	for _, o := range query.Operators() {
		for _, v := range o.Values {
			all = append(all, o.Name+":"+v)
		}
	}
	for _, s := range []string{"1s", "90m", "7d"} {
		all = append(all, "since:"+s, "until:"+s, "within_time:"+s)
	}
	return append(all, "sample:10", "sample:50", "sample:99", "sample:100", "bounding_box:[-180 -90 180 90]", "bounding_box:[170 -90 -170 90]", "bounding_box:[-10 40 30 60]",
		"point_radius:[180 -17 800km]", "point_radius:[0 90 2000km]", "url_contains:https", "url_contains:/", "url_contains:t.", `url_contains:".com/"`, "context:46.*")
}()
