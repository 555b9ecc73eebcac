package elastic_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestFacetBound: facets are over the newest 10,000 and no more, on the server and here, and say so.
func TestFacetBound(t *testing.T) {
	var tweets []*tweet.Payload
	for i := range search.FacetBound + 500 {
		at := time.Date(2012, 12, 31, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 10 * time.Second)
		p := text(tweet.IDAt(at), fmt.Sprintf("w%d #Tag%d #tag%d 👍🏽", i%7, i%11, i%3))
		p.Data.CreatedAt, p.Data.Source, p.Data.Lang = at.Format(tweet.TimeLayout), []string{"Web", "web", "App"}[i%3], "en"
		tweets = append(tweets, p)
	}
	c := corpusOf(t, tweets)
	every := []search.Facet{search.Hashtags, search.Mentions, search.Authors, search.Links, search.Domains, search.Languages, search.Sources}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		imported(t, a, tweets, 1)
		for text, n := range map[string]int{"": 10_500, "w1": 1_500, `"👍🏽 👍"~1 OR tag0`: 4_136, "-w1": 9_000, `-"👍🏽 👍"~1`: 10_500, "w0 OR w1 OR w2 OR w3 OR w4 OR w5 OR w6": 10_500} {
			r := search.Request{Query: parse(t, text)}
			found := c.matches(r)
			if len(found) != n {
				t.Fatalf("%s: the Matcher finds %d, not %d", text, len(found), n)
			}
			for _, facets := range [][]search.Facet{every, {search.Words, search.Hashtags}, {search.Sources}, {}} {
				got, err := a.Facets(t.Context(), r, facets, 5)
				if want := c.facets(found, facets, 5); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s %v\narchive %v, %v\nmatcher %v", text, facets, got, err, want)
				}
			}
		}
		// Exactly as many as the bound: there are no others.
		r := search.Request{Query: query.All(), AfterID: c.tweets[search.FacetBound].Data.ID}
		got, err := a.Facets(t.Context(), r, []search.Facet{search.Sources}, 5)
		if err != nil || got.More || got.Tweets != search.FacetBound || got.Oldest != c.tweets[search.FacetBound-1].Data.ID {
			t.Errorf("at the bound: %v, %v", got, err)
		}
	})
}

// TestFacetsThatAnIndexCannotCount: values too long for it, and too many of them, are counted from the tweets.
func TestFacetsThatAnIndexCannotCount(t *testing.T) {
	long := "https://example.com/" + strings.Repeat("x", 1500)
	var tweets []*tweet.Payload
	for i := range 3 {
		p := text(tweet.ID(i+1), "long")
		p.Data.Entities = &tweet.Entities{URLs: []tweet.URL{{URL: "https://t.co/a", ExpandedURL: long}}}
		tweets = append(tweets, p)
	}
	for i := range 1000 {
		p := text(tweet.ID(i+100), "many")
		p.Data.Entities = &tweet.Entities{}
		for k := range 70 {
			p.Data.Entities.URLs = append(p.Data.Entities.URLs, tweet.URL{URL: fmt.Sprintf("https://t.co/%d/%d", i, k)})
			p.Data.Entities.Hashtags = append(p.Data.Entities.Hashtags, tweet.Tag{Tag: fmt.Sprintf("t%d_%d", i, k)})
		}
		if i < 4 { // spellings of one tag that stand far from each other in an index
			p.Data.Entities.Hashtags = append(p.Data.Entities.Hashtags, tweet.Tag{Tag: []string{"ZZZ", "zzz", "Zzz", "zZZ"}[i]})
		}
		tweets = append(tweets, p)
	}
	c := corpusOf(t, tweets)
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, tweets)
		for _, text := range []string{"long", "many", ""} {
			r := search.Request{Query: parse(t, text)}
			for _, facets := range [][]search.Facet{{search.Links, search.Domains}, {search.Hashtags}} {
				got, err := a.Facets(t.Context(), r, facets, 3)
				if want := c.facets(c.matches(r), facets, 3); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s\narchive %v, %v\nmatcher %v", text, got, err, want)
				}
			}
		}
	})
}

// TestCountBuckets: thousands of buckets, of any width, over several indices, to the millisecond.
func TestCountBuckets(t *testing.T) {
	var tweets []*tweet.Payload
	start := time.Date(2011, 12, 30, 23, 0, 0, 0, time.UTC)
	for i := range 3000 {
		at := start.Add(time.Duration(i*i) * 37 * time.Millisecond)
		p := text(tweet.IDAt(at)+tweet.ID(i%5), "w"+fmt.Sprint(i%3))
		p.Data.CreatedAt = at.Add(time.Duration(i%7-3) * 2 * time.Minute).Format(tweet.TimeLayout)
		tweets = append(tweets, p)
	}
	c := corpusOf(t, tweets)
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, tweets)
		for n, width := range map[int]time.Duration{1: 5000 * time.Hour, 24: time.Hour, 7000: time.Minute, 6000: 3*time.Minute + 7*time.Millisecond, 999: time.Millisecond} {
			for _, text := range []string{"", "w1", `-"👍🏽 👍"~1`} {
				buckets := []time.Time{start.Add(-time.Hour)}
				for i := range n {
					buckets = append(buckets, buckets[i].Add(width))
				}
				got, err := a.Count(t.Context(), search.Request{Query: parse(t, text)}, buckets)
				if want := c.counts(search.Request{Query: parse(t, text)}, buckets); err != nil || !slices.Equal(got, want) {
					t.Errorf("%s in %d buckets of %v: %v", text, n, width, err)
				}
			}
		}
		// Of no width, and of half milliseconds.
		ms := time.UnixMilli(c.targets[7].Figures[query.CreatedAt])
		buckets := []time.Time{ms, ms, ms.Add(time.Microsecond), ms.Add(time.Millisecond)}
		for _, text := range []string{"", `-"👍🏽 👍"~1`} {
			got, err := a.Count(t.Context(), search.Request{Query: parse(t, text)}, buckets)
			if err != nil || got[0] != 0 || got[1] == 0 || got[2] != 0 {
				t.Errorf("%s in narrow buckets: %v, %v", text, got, err)
			}
		}
	})
}

// counts are what the Matcher counts in buckets that ascend.
func (c *corpus) counts(r search.Request, buckets []time.Time) []int64 {
	counts := make([]int64, len(buckets)-1)
	for _, i := range c.matches(r) {
		at := time.UnixMilli(c.targets[i].Figures[query.CreatedAt])
		k, on := slices.BinarySearchFunc(buckets, at, time.Time.Compare)
		if !on {
			k--
		}
		if k >= 0 && k < len(counts) {
			counts[k]++
		}
	}
	return counts
}
