package live_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
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

// TestCost: what a query costs follows the stream, and one that costs more than is set may not stand.
func TestCost(t *testing.T) {
	hub := live.NewHub(newWorld("e", 0), past{newWorld("e", 0)}, live.Options{MaxCost: 6})
	denials := strings.Repeat("-no ", 3)
	for i := range 4 {
		denials += "-no" + strings.Repeat("o", i) + " "
	}
	x := live.IndexOf(hub)
	var target query.Target
	for i := range 1000 { // "the" is in all tweets, "theory" in a tenth
		text := "the apple"
		if i%10 == 0 {
			text = "the theory"
		}
		target.Set(payload(tweet.ID(i+1), text))
		x.Match(&target)
	}
	x.Tune(0)
	for text, want := range map[string]struct {
		least, most float64
	}{
		"theory":                               {0.1, 0.12},
		"the":                                  {1, 1},
		"the theory":                           {0.1, 0.12},
		"theo*":                                {0.1, 0.12},
		"th*":                                  {1, 1},
		"unheard":                              {0, 0.01},
		"-apple":                               {2, 2},
		"-apple -theory":                       {5, 5},
		denials:                                {9, 15},
		"the -a -b -c -d":                      {6, 20},
		"theory -a -b -c -d":                   {0.6, 2},
		`"the apple"~3`:                        {20, 100},
		`"the theory"~3`:                       {2, 10},
		`"unheard of"~3`:                       {0, 0.1},
		"(the OR apple OR theory) -x -y -z -v": {10, 50},
	} {
		e := parse(text).Expr
		got := hub.Explain(e)
		if got.Cost < want.least || got.Cost > want.most || got.MaxCost != 6 {
			t.Errorf("%s: %+v", text, got)
		}
		var dear *live.CostError
		if err := hub.Afford(e); errors.As(err, &dear) != (got.Cost > 6) {
			t.Errorf("%s, which costs %v: %v", text, got.Cost, err)
		}
	}
	free := live.NewHub(newWorld("e", 0), past{newWorld("e", 0)}, live.Options{})
	if err := free.Afford(parse(denials).Expr); err != nil {
		t.Errorf("without a bound: %v", err)
	}
}
