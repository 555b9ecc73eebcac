package search_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/tweet"
)

// sorts are the orders besides that by id.
var sorts = []query.Figure{query.Relevancy, query.Likes, query.Reposts, query.Replies, query.Followers}

// agrees holds an engine to the Matcher: what is found, in which order, by pages, forwards, backwards and by a figure, within bounds
// of first_seq, and how many.
func (k *known) agrees(ctx context.Context, a engine, e query.Expr, page, turn int) error {
	at := k.matches(e)
	want := make([]tweet.ID, len(at))
	for n, i := range at {
		want[n] = k.ids[i]
	}
	got, err := walk(ctx, a, search.Request{Query: e, Limit: page})
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("found %v\nmatcher %v", got, want)
	}
	n, err := a.Count(ctx, search.Request{Query: e}, always)
	if err != nil || n[0] != int64(len(want)) {
		return fmt.Errorf("counted %d, matcher %d: %w", n, len(want), err)
	}
	switch turn % 4 {
	case 0:
		got, err = walk(ctx, a, search.Request{Query: e, Limit: page, Ascending: true})
		slices.Reverse(want)
	case 1:
		f := sorts[turn/4%len(sorts)]
		slices.SortStableFunc(at, func(x, y int) int { return cmp.Compare(k.targets[y].Figures[f], k.targets[x].Figures[f]) })
		for n, i := range at {
			want[n] = k.ids[i]
		}
		got, err = walk(ctx, a, search.Request{Query: e, Limit: page, Sort: f})
	case 2:
		after, until := tweet.Seq(len(k.ids)/3), tweet.Seq(2*len(k.ids)/3)
		want = want[:0]
		for _, i := range at {
			if k.seqs[i] > after && k.seqs[i] <= until {
				want = append(want, k.ids[i])
			}
		}
		got, err = walk(ctx, a, search.Request{Query: e, Limit: page, AfterSeq: &after, UntilSeq: &until})
	case 3:
		return k.histogram(ctx, a, e, at)
	}
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("turn %d: found %v\nmatcher %v", turn%4, got, want)
	}
	return err
}

// always is one bucket of all times.
var always = []time.Time{time.Unix(0, 0), time.Unix(1<<33, 0)}

func (k *known) histogram(ctx context.Context, a engine, e query.Expr, at []int) error {
	var edges []time.Time
	for y := 2006; y < 2027; y++ {
		edges = append(edges, time.Date(y, 3, 7, 1, 2, 3, 4e6, time.UTC))
	}
	want := make([]int64, len(edges)-1)
	for _, i := range at {
		for b := range want {
			if ms := k.targets[i].Figures[query.CreatedAt]; ms >= edges[b].UnixMilli() && ms < edges[b+1].UnixMilli() {
				want[b]++
			}
		}
	}
	got, err := a.Count(ctx, search.Request{Query: e}, edges)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("buckets %v\nmatcher %v", got, want)
	}
	return err
}

// walk reads all pages.
func walk(ctx context.Context, a engine, r search.Request) (ids []tweet.ID, err error) {
	for {
		page, err := a.Search(ctx, r)
		if err != nil {
			return ids, err
		}
		for _, h := range page.Hits {
			ids = append(ids, h.ID)
		}
		if !page.More || len(page.Hits) == 0 {
			return ids, nil
		}
		last := page.Hits[len(page.Hits)-1]
		switch {
		case r.Sort != query.CreatedAt:
			r.After = &search.Place{Value: last.Value, ID: last.ID}
		case r.Ascending:
			r.AfterID = last.ID
		default:
			r.BeforeID = last.ID
		}
	}
}

// TestEnginesAgree: random queries, of the grammar and of the tweets' own words, over real tweets: every archive finds what the
// Matcher finds. BIRDWATCH_AGREE is how many comparisons of a query with an engine there are at least.
func TestEnginesAgree(t *testing.T) {
	recs, k, v := world(t)
	all := engines(t, recs)
	comparisons, found := 0, 0
	most := setting("BIRDWATCH_AGREE", 300)
	if testing.Short() {
		most = 100
	}
	for round := 0; comparisons < most; round++ {
		rapid.Check(t, func(rt *rapid.T) {
			e := querytest.Exprs(v).Draw(rt, "query")
			page, turn := rapid.IntRange(60, 700).Draw(rt, "page"), rapid.IntRange(0, 19).Draw(rt, "turn")
			for _, a := range all {
				comparisons++
				if err := k.agrees(t.Context(), a, e, page, turn); err != nil {
					rt.Fatalf("%s: %s: %v", a.name, e, err)
				}
			}
			if len(k.matches(e)) > 0 {
				found++
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d tweets, %d comparisons with %d engines; %d of %d queries find something", len(recs), comparisons, len(all), found, comparisons/len(all))
}

// TestFacetsAgree: every archive counts the same values as the first one.
func TestFacetsAgree(t *testing.T) {
	recs, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	all := engines(t, recs)
	var facets []search.Facet
	for f := range search.NumFacets {
		facets = append(facets, f)
	}
	for _, text := range []string{"", "the", "lang:en", "has:media -is:retweet", "#kca OR love", "nothingwhatsoever", "min_likes:10"} {
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			t.Fatal(err)
		}
		var want search.FacetResult
		for i, a := range all {
			got, err := a.Facets(t.Context(), search.Request{Query: q.Expr}, facets, 20)
			if err != nil {
				t.Fatalf("%s: %q: %v", a.name, text, err)
			}
			if i == 0 {
				want = got
				continue
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %q\n got %v\nwant %v", a.name, text, got, want)
			}
		}
	}
}

// TestOnlyTheFollowerMoves: tombstones that are written beside the journal's follower leave its place alone, whatever that is by then.
func TestOnlyTheFollowerMoves(t *testing.T) {
	recs, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range engines(t, recs[:1]) {
		for range 2 { // before the first document has a tombstone, and after
			e := tweet.Entry{Record: tweet.Record{Kind: tweet.KindDelete, ID: recs[0].ID}}
			if _, err := a.Apply(t.Context(), []tweet.Entry{e}, tweet.Position{}); err != nil {
				t.Fatal(err)
			}
			if at, err := a.Position(t.Context()); err != nil || at != (tweet.Position{Epoch: "e", Seq: 1}) {
				t.Errorf("%s: the place is %s, %v", a.name, at, err)
			}
		}
	}
}
