package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"
)

// TestIndexIsTheMatcher: with queries coming and going, what the index finds is what trying every query finds.
func TestIndexIsTheMatcher(t *testing.T) {
	for round := range 5 {
		tweets := querytest.Tweets().Example(round)
		v := querytest.VocabularyOf(tweets)
		rapid.Check(t, func(rt *rapid.T) {
			x := live.NewIndex()
			if rapid.Bool().Draw(rt, "learnt") {
				x.Learnt()
			}
			type standing struct {
				e      query.Expr
				m      *query.Matcher
				remove func()
			}
			var all []standing
			var target, needed query.Target
			for range rapid.IntRange(1, 30).Draw(rt, "steps") {
				switch n := len(all); {
				case n == 0 || rapid.IntRange(0, 3).Draw(rt, "step") > 1:
					e := querytest.Exprs(v).Draw(rt, "query")
					all = append(all, standing{e, query.NewMatcher(e), x.Take(e)})
				case rapid.Bool().Draw(rt, "remove"):
					i := rapid.IntRange(0, n-1).Draw(rt, "which")
					all[i].remove()
					all = slices.Delete(all, i, i+1)
				}
				x.Tune(rapid.IntRange(0, 3).Draw(rt, "tune"))
				if rapid.IntRange(0, 3).Draw(rt, "seal") == 0 {
					x.Seal()
				}
				p := rapid.SampledFrom(tweets).Draw(rt, "tweet")
				target.Set(p)
				var want []string
				for _, s := range all {
					if key := s.e.String(); s.m.Match(&target) && !slices.Contains(want, key) {
						want = append(want, key)
					}
				}
				got := x.KeysOf(p, &needed)
				slices.Sort(got)
				slices.Sort(want)
				if all := x.Keys(&target); len(all) != len(got) {
					rt.Fatalf("with all terms %q\nwith those needed %q", all, got)
				}
				if !slices.Equal(got, want) {
					rt.Fatalf("index %q\nmatcher %q", got, want)
				}
			}
			for _, s := range all {
				s.remove()
			}
			if groups, terms, always := x.Count(); groups+terms+always > 0 {
				rt.Fatalf("%d groups, %d always, and %d terms are left of nothing", groups, always, terms)
			}
		})
	}
}

// TestIndexWhileQueriesComeAndGo: those that stay are found in every tweet, whatever is registered and removed beside the match.
func TestIndexWhileQueriesComeAndGo(t *testing.T) {
	tweets := querytest.Tweets().Example(1)
	v := querytest.VocabularyOf(tweets)
	x := live.NewIndex()
	matchers := map[string]*query.Matcher{}
	for i := range 200 {
		e := querytest.Exprs(v).Example(i)
		matchers[e.String()] = query.NewMatcher(e)
		x.Take(e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var visitors sync.WaitGroup
	for n := range 4 {
		visitors.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				remove := x.Take(querytest.Exprs(v).Example(n*50 + i%100)) // some are those that stay
				runtime.Gosched()
				remove()
			}
		})
	}
	defer func() { cancel(); visitors.Wait() }()
	var target query.Target
	for i := range 3000 {
		target.Set(tweets[i%len(tweets)])
		got := map[string]bool{}
		for _, key := range x.Keys(&target) {
			if got[key] {
				t.Fatalf("%q is found twice", key)
			}
			got[key] = true
		}
		for key, m := range matchers {
			if m.Match(&target) != got[key] {
				t.Fatalf("%q: index %v", key, got[key])
			}
		}
		x.Tune(2)
	}
}

// TestIndexFollowsTheStream: queries that came before the first tweet are posted anew under what turns out to be rare.
func TestIndexFollowsTheStream(t *testing.T) {
	x := live.NewIndex()
	q, err := query.Parse("extraordinarily rare", time.Unix(0, 0)) // the longer one counts as rarer before anything is known
	if err != nil {
		t.Fatal(err)
	}
	x.Take(q.Expr)
	var target query.Target
	target.Set(payload(1, "extraordinarily common"))
	x.Match(&target)
	if p := x.Pivots(q.Expr); !slices.Equal(p, []string{"extraordinarily"}) {
		t.Fatalf("posted under %q", p)
	}
	for range 100 {
		x.Match(&target)
	}
	x.Tune(1)
	if p := x.Pivots(q.Expr); !slices.Equal(p, []string{"rare"}) {
		t.Errorf("posted under %q", p)
	}
}

// TestIndexKnowsFurtherForms: a word's other form is a term like any.
func TestIndexKnowsFurtherForms(t *testing.T) {
	x := live.NewIndex()
	for _, text := range []string{"👍", "👍 yes", `"👍 yes"`} {
		x.Take(parse(text).Expr)
	}
	var target query.Target
	target.Set(payload(1, "👍🏽 yes"))
	if keys := x.Keys(&target); len(keys) != 3 {
		t.Errorf("found %q", keys)
	}
}

// TestMatchAllocatesNothing: once the index is warm.
func TestMatchAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("w%dx", r.IntN(300)) }
	x := live.NewIndex()
	for _, e := range standingQueries(2000, word) {
		x.Take(e)
	}
	var target query.Target
	target.Set(payload(1, strings.Join([]string{word(), word(), word(), word(), word(), word(), word(), word()}, " ")))
	found := 0
	if n := testing.AllocsPerRun(100, func() { found += x.Match(&target) }); n > 0 || found == 0 {
		t.Errorf("%v allocations, %d found", n, found)
	}
}

// standingQueries are of the kinds that people write: two words, three, one, (a OR b) c, phrases, negations, prefixes.
func standingQueries(n int, word func() string) (qs []query.Expr) {
	r := rand.New(rand.NewPCG(3, 4))
	for len(qs) < n {
		var text string
		switch k := r.IntN(100); {
		case k < 45:
			text = word() + " " + word()
		case k < 65:
			text = word() + " " + word() + " " + word()
		case k < 75:
			text = word()
		case k < 85:
			text = fmt.Sprintf("(%s OR %s) %s", word(), word(), word())
		case k < 93:
			text = fmt.Sprintf("\"%s %s\"", word(), word())
		case k < 98:
			text = fmt.Sprintf("%s -%s", word(), word())
		default:
			text = word() + "*"
		}
		q, err := query.Parse(text, time.Unix(0, 0))
		if err != nil {
			continue // a word that is too short before the star
		}
		qs = append(qs, q.Expr)
	}
	return qs
}

// BenchmarkIndex matches tweets against standing queries, terms given. The words' frequencies fall as those of a language do.
func BenchmarkIndex(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	zipf := rand.NewZipf(r, 1.05, 30, 200_000)
	word := func() string { return fmt.Sprintf("w%dx", zipf.Uint64()) }
	targets := make([]query.Target, 20_000)
	for i := range targets {
		words := make([]string, 16)
		for k := range words {
			words[k] = word()
		}
		targets[i].Set(&tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: strings.Join(words, " "), Lang: "en", CreatedAt: "2013-05-01T00:00:00.000Z"}})
	}
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := live.NewIndex()
			for i := range targets { // what the frequencies are learnt from
				x.Match(&targets[i])
			}
			for _, e := range standingQueries(n, word) {
				x.Take(e)
			}
			x.Match(&targets[0])
			matches, i := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				matches += x.Match(&targets[i%len(targets)])
				i++
			}
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "tweets/s")
			b.ReportMetric(float64(matches)/float64(i), "matches/tweet")
		})
	}
}

// TestIndexPostsPlaces: what asks for a place is tried only with tweets that have one, or a rarer word of the query.
func TestIndexPostsPlaces(t *testing.T) {
	x := live.NewIndex()
	for text, want := range map[string]string{
		"point_radius:[2.35 48.85 10km]":                query.GeoTerm,
		"bounding_box:[2 48 3 49]":                      query.GeoTerm,
		"geo_bounding_box:[170 -20 -170 0]":             query.GeoTerm,
		"extraordinarily point_radius:[2.35 48.85 1km]": "extraordinarily",
	} {
		e := parse(text).Expr
		x.Take(e)
		if p := x.Pivots(e); !slices.Equal(p, []string{want}) {
			t.Errorf("%s is posted under %q", text, p)
		}
	}
	if _, _, always := x.Count(); always > 0 {
		t.Errorf("%d are always tried", always)
	}
	x.Take(parse("-point_radius:[2.35 48.85 10km]").Expr)
	x.Take(parse("sample:10").Expr)
	if _, _, always := x.Count(); always != 2 {
		t.Errorf("%d are always tried, want those that no place is needed for", always)
	}
}
