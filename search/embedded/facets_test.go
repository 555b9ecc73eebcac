package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

var allFacets = []search.Facet{search.Hashtags, search.Mentions, search.Authors, search.Links, search.Domains, search.Words, search.Languages, search.Sources}

// TestFacets: over random queries they are what a plain count of the Matcher's matches gives.
func TestFacets(t *testing.T) {
	var tweets []*tweet.Payload
	for n := range 5 {
		tweets = append(tweets, querytest.Tweets().Example(n)...)
	}
	a := open(t, embedded.Options{})
	fill(t, a, tweets)
	tweets = distinct(tweets)
	v := querytest.VocabularyOf(tweets)
	rapid.Check(t, func(rt *rapid.T) {
		e := querytest.Exprs(v).Draw(rt, "query")
		facets := rapid.SliceOfDistinct(rapid.SampledFrom(allFacets), func(f search.Facet) search.Facet { return f }).Draw(rt, "facets")
		limit := rapid.IntRange(1, 10).Draw(rt, "limit")
		got, err := a.Facets(t.Context(), search.Request{Query: e, Ascending: true, Sort: query.Likes, After: &search.Place{}, Limit: 1}, facets, limit)
		if err != nil {
			rt.Fatal(err)
		}
		m := query.NewMatcher(e)
		var target query.Target
		tally, want := search.NewTally(facets...), search.FacetResult{}
		for _, p := range tweets {
			if target.Set(p); m.Match(&target) {
				tally.Add(p)
				if want.Tweets++; want.Oldest == 0 || p.Data.ID < want.Oldest {
					want.Oldest = p.Data.ID
				}
			}
		}
		if want.Values = tally.Top(limit); !reflect.DeepEqual(got, want) {
			rt.Fatalf("%s\narchive %v\nmatcher %v", e, got, want)
		}
	})
}

// TestFacetBound: of more matches the newest count, and no others.
func TestFacetBound(t *testing.T) {
	a := open(t, embedded.Options{})
	var tweets []*tweet.Payload
	for id := range tweet.ID(search.FacetBound) {
		tweets = append(tweets, text(id+1, fmt.Sprintf("all last%d", id%10)))
	}
	fill(t, a, tweets)
	ask := func() search.FacetResult {
		t.Helper()
		got, err := a.Facets(t.Context(), search.Request{Query: parse(t, "all")}, []search.Facet{search.Words}, 2)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := search.FacetResult{Values: [][]search.FacetValue{{{Value: "all", Count: 10_000}, {Value: "last0", Count: 1000}}}, Tweets: 10_000, Oldest: 1}
	if got := ask(); !reflect.DeepEqual(got, want) {
		t.Errorf("as many as the bound: %v", got)
	}
	fill(t, a, []*tweet.Payload{text(1<<40, "all last1")})
	want.Values[0][1] = search.FacetValue{Value: "last1", Count: 1001}
	want.More, want.Oldest = true, 2
	if got := ask(); !reflect.DeepEqual(got, want) {
		t.Errorf("one more: %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Facets(ctx, search.Request{Query: query.All()}, allFacets, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
