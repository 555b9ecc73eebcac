package elastic_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// comparisons is how many random queries are compared in all; BIRDWATCH_ELASTIC_QUERIES asks for more.
func comparisons(t testing.TB) int {
	t.Helper()
	if s := os.Getenv("BIRDWATCH_ELASTIC_QUERIES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 200
	}
	return 1000
}

// TestRandomQueries holds the archive to the Matcher, over generated tweets in an index a month, and over real ones in an index a year.
func TestRandomQueries(t *testing.T) {
	n := comparisons(t) / 2 / len(elastictest.URLs(t))
	elastictest.Each(t, func(t *testing.T, url string) {
		t.Run("made", func(t *testing.T) {
			a := open(t, url, func(o *elastic.Options) { o.Period, o.Shards = "month", 2 })
			tweets := made(t, 24)
			// What is deleted is never found.
			var entries []tweet.Entry
			for i := 0; i < len(tweets); i += 9 {
				entries = append(entries, deleted(tweet.Seq(i+1), tweets[i].Data.ID, 1<<40))
			}
			imported(t, a, tweets, 1)
			apply(t, a, tweet.Seq(len(tweets)), entries...)
			for _, e := range entries {
				tweets = slices.DeleteFunc(tweets, func(p *tweet.Payload) bool { return p.Data.ID == e.ID })
			}
			agree(t, a, corpusOf(t, tweets), n)
		})
		t.Run("real", func(t *testing.T) {
			a := open(t, url)
			tweets := recorded(t, 4000)
			imported(t, a, tweets, 1)
			agree(t, a, corpusOf(t, tweets), n)
		})
	})
}

// agree compares random requests, n of them.
func agree(t *testing.T, a *elastic.Archive, c *corpus, n int) {
	t.Logf("%d queries over %d tweets", n, len(c.tweets))
	done := 0
	for done < n && !t.Failed() {
		rapid.Check(t, func(rt *rapid.T) {
			r := c.request(rt)
			c.comparePages(rt, a, r)
			c.compareCounts(rt, a, r)
			if rapid.IntRange(0, 4).Draw(rt, "facets") == 0 {
				c.compareFacets(rt, a, r)
			}
			done++
		})
	}
}

// request draws a query with bounds, an order and a page.
func (c *corpus) request(rt *rapid.T) search.Request {
	r := search.Request{Query: querytest.Exprs(c.words).Draw(rt, "query"), Limit: rapid.SampledFrom([]int{1, 2, 5, 99, 100, 1500}).Draw(rt, "page")}
	some := func() int { return rapid.IntRange(0, len(c.tweets)-1).Draw(rt, "tweet") }
	at := func() time.Time {
		return time.UnixMilli(c.targets[some()].Figures[query.CreatedAt] + int64(rapid.IntRange(-1, 1).Draw(rt, "off")))
	}
	for _, b := range rapid.SliceOfN(rapid.SampledFrom([]string{"start", "end", "after", "before"}), 0, 2).Draw(rt, "bounds") {
		switch b {
		case "start":
			r.Start = at()
		case "end":
			r.End = at()
		case "after":
			r.AfterID = c.tweets[some()].Data.ID
		case "before":
			r.BeforeID = c.tweets[some()].Data.ID
		}
	}
	switch rapid.IntRange(0, 2).Draw(rt, "order") {
	case 1:
		r.Ascending = true
	case 2:
		r.Sort = query.Figure(rapid.IntRange(1, int(query.NumFigures)-1).Draw(rt, "figure"))
	}
	return r
}

// mostPages is how many pages of a result are compared.
const mostPages = 4

func (c *corpus) comparePages(rt *rapid.T, a search.Searcher, r search.Request) {
	want := c.matches(r)
	next := r
	for n := range mostPages {
		page, err := a.Search(rt.Context(), next)
		if err != nil {
			rt.Fatalf("%s: %v", shown(r), err)
		}
		size := min(len(want), r.Limit)
		if got, want := idsOf(page.Hits), c.ids(want[:size]); !slices.Equal(got, want) {
			rt.Fatalf("%s, page %d\narchive %v\nmatcher %v", shown(r), n+1, got, want)
		}
		if page.More != (len(want) > size) {
			rt.Fatalf("%s, page %d: more is %v", shown(r), n+1, page.More)
		}
		for i, h := range page.Hits {
			if string(h.Payload) != c.payloads[h.ID] {
				rt.Fatalf("%s: tweet %d has another payload", shown(r), h.ID)
			}
			if r.Sort != query.CreatedAt && h.Value != c.targets[want[i]].Figures[r.Sort] {
				rt.Fatalf("%s: tweet %d has the value %d", shown(r), h.ID, h.Value)
			}
		}
		if want = want[size:]; !page.More {
			return
		}
		switch last := page.Hits[size-1]; {
		case r.Sort != query.CreatedAt:
			next.After = &search.Place{Value: last.Value, ID: last.ID}
		case r.Ascending:
			next.AfterID = last.ID
		default:
			next.BeforeID = last.ID
		}
	}
}

// compareCounts draws buckets whose edges are at tweets, one or many.
func (c *corpus) compareCounts(rt *rapid.T, a search.Searcher, r search.Request) {
	edges := rapid.SliceOfN(rapid.IntRange(0, len(c.tweets)-1), 2, 12).Draw(rt, "edges")
	var buckets []time.Time
	for _, i := range edges {
		buckets = append(buckets, time.UnixMilli(c.targets[i].Figures[query.CreatedAt]))
	}
	if rapid.Bool().Draw(rt, "one bucket") {
		buckets = always
	}
	slices.SortFunc(buckets, time.Time.Compare)
	got, err := a.Count(rt.Context(), r, buckets)
	if err != nil {
		rt.Fatalf("count %s: %v", shown(r), err)
	}
	want := make([]int64, len(buckets)-1)
	for _, i := range c.matches(r) {
		at := time.UnixMilli(c.targets[i].Figures[query.CreatedAt])
		for k := range want {
			if !at.Before(buckets[k]) && at.Before(buckets[k+1]) {
				want[k]++
			}
		}
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("count %s in %v\narchive %v\nmatcher %v", shown(r), buckets, got, want)
	}
}

func (c *corpus) compareFacets(rt *rapid.T, a search.Faceter, r search.Request) {
	facets := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) search.Facet {
		return search.Facet(rapid.IntRange(0, int(search.NumFacets)-1).Draw(rt, "facet"))
	}), 1, 4, rapid.ID[search.Facet]).Draw(rt, "facets")
	limit := rapid.IntRange(1, 20).Draw(rt, "limit")
	got, err := a.Facets(rt.Context(), r, facets, limit)
	if err != nil {
		rt.Fatalf("facets %v of %s: %v", facets, shown(r), err)
	}
	r.Sort, r.Ascending = query.CreatedAt, false
	if want := c.facets(c.matches(r), facets, limit); fmt.Sprint(got) != fmt.Sprint(want) {
		rt.Fatalf("facets %v of %s\narchive %v\nmatcher %v", facets, shown(r), got, want)
	}
}

func (c *corpus) facets(found []int, facets []search.Facet, limit int) (result search.FacetResult) {
	tally := search.NewTally(facets...)
	result.Tweets, result.More = min(len(found), search.FacetBound), len(found) > search.FacetBound
	for _, i := range found[:result.Tweets] {
		tally.Add(c.tweets[i])
		result.Oldest = c.tweets[i].Data.ID
	}
	result.Values = tally.Top(limit)
	return result
}

func (c *corpus) ids(places []int) (ids []tweet.ID) {
	for _, i := range places {
		ids = append(ids, c.tweets[i].Data.ID)
	}
	return ids
}

func shown(r search.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", r.Query.String())
	for name, at := range map[string]time.Time{"start": r.Start, "end": r.End} {
		if !at.IsZero() {
			fmt.Fprintf(&b, " %s %s", name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	fmt.Fprintf(&b, " after %d before %d ascending %v figure %d page %d", r.AfterID, r.BeforeID, r.Ascending, r.Sort, r.Limit)
	return b.String()
}
