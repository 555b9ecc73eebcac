package live_test

import (
	"slices"
	"testing"

	"birdwatch/live"
)

// TestExplain: what is said is what the index does.
func TestExplain(t *testing.T) {
	hub := live.NewHub(newWorld("e", 0), past{newWorld("e", 0)}, live.Options{})
	for text, want := range map[string]live.Explanation{
		"extraordinarily rare":      {Pivots: []string{"extraordinarily"}},
		"apple OR pear":             {Pivots: []string{"apple", "pear"}},
		"lang:ja -apple":            {Pivots: []string{"lang:ja"}},
		"-apple":                    {Always: true, Candidates: 1000},
		"\"one two\"~3":             {Pivots: []string{"one"}, Matcher: true},
		"(apple OR pear) of a tree": {Pivots: []string{"tree"}},
	} {
		got := hub.Explain(parse(text).Expr)
		slices.Sort(got.Pivots)
		if !slices.Equal(got.Pivots, want.Pivots) || got.Always != want.Always || got.Candidates != want.Candidates || got.Matcher != want.Matcher {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
