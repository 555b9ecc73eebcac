package embedded_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// ranking gives the places of all matches in the order of a figure, by query.Matcher.
func ranking(r search.Request, tweets []*tweet.Payload) (places []search.Place) {
	m := query.NewMatcher(r.Query)
	var target query.Target
	for _, p := range tweets {
		id := p.Data.ID
		if target.Set(p); m.Match(&target) && id > r.AfterID && (r.BeforeID == 0 || id < r.BeforeID) {
			places = append(places, search.Place{Value: target.Figures[r.Sort], ID: id})
		}
	}
	slices.SortFunc(places, func(a, b search.Place) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(b.ID, a.ID))
	})
	return places
}

// walkSorted gives the places of all hits, page by page.
func walkSorted(t testing.TB, a *embedded.Archive, r search.Request) (places []search.Place, err error) {
	for {
		page, err := a.Search(t.Context(), r)
		if err != nil {
			return nil, err
		}
		if len(page.Hits) > r.Limit || page.More && len(page.Hits) < r.Limit {
			return nil, fmt.Errorf("a page of %d with %d hits, more %v", r.Limit, len(page.Hits), page.More)
		}
		for _, h := range page.Hits {
			if p, err := tweet.Decode(h.Payload); err != nil || p.Data.ID != h.ID {
				return nil, fmt.Errorf("hit %d has the payload %s, %v", h.ID, h.Payload, err)
			}
			places = append(places, search.Place{Value: h.Value, ID: h.ID})
		}
		if !page.More {
			return places, nil
		}
		r.After = &places[len(places)-1]
	}
}

// TestSorted: any query in the order of any figure, page by page, against the Matcher.
func TestSorted(t *testing.T) {
	for round := range 4 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			var tweets []*tweet.Payload
			for n := range 5 {
				tweets = append(tweets, querytest.Tweets().Example(5*round+n)...)
			}
			a := open(t, embedded.Options{})
			fill(t, a, tweets)
			tweets = distinct(tweets)
			for i := 0; i < len(tweets); i += 6 { // what is deleted is never found
				apply(t, a, tweet.Seq(i+1), deleted(tweet.Seq(i+1), tweets[i].Data.ID, 1<<40))
				tweets = slices.Delete(tweets, i, i+1)
			}
			v := querytest.VocabularyOf(tweets)
			rapid.Check(t, func(rt *rapid.T) {
				id := rapid.OneOf(rapid.Just(tweet.ID(0)), rapid.Custom(func(rt *rapid.T) tweet.ID { return rapid.SampledFrom(tweets).Draw(rt, "tweet").Data.ID }))
				r := search.Request{
					Query: querytest.Exprs(v).Draw(rt, "query"),
					Sort:  query.Figure(rapid.IntRange(1, int(query.NumFigures)-1).Draw(rt, "figure")),
					Limit: rapid.IntRange(1, 5).Draw(rt, "page"), AfterID: id.Draw(rt, "after"), BeforeID: id.Draw(rt, "before"),
				}
				got, err := walkSorted(t, a, r)
				if want := ranking(r, tweets); err != nil || !slices.Equal(got, want) {
					rt.Fatalf("%s by figure %d\narchive %v, %v\nmatcher %v", r.Query, r.Sort, got, err, want)
				}
			})
		})
	}
}

// TestSortedBounds: unknown figures last, equal ones newest first, bounds of first_seq, and candidates that are checked in more than one go.
func TestSortedBounds(t *testing.T) {
	a := open(t, embedded.Options{})
	liked := func(id tweet.ID, n int64) *tweet.Payload {
		p := text(id, "w w x")
		if id%3 > 0 {
			p.Data.Text = "w x w"
		}
		if n >= 0 {
			p.Data.PublicMetrics = &tweet.TweetMetrics{LikeCount: n}
		}
		return p
	}
	var tweets []*tweet.Payload
	for id := range tweet.ID(500) {
		n := int64(id*7) % 60
		if id%50 == 49 {
			n = query.Unknown
		}
		tweets = append(tweets, liked(id+1, n))
		apply(t, a, tweet.Seq(id+1), entry(t, tweet.Seq(id+1), 1, tweets[id]))
	}
	seq := func(n tweet.Seq) *tweet.Seq { return &n }
	for _, text := range []string{"", "w", `"w w"~1`, `"w w"~1 OR min_likes:30`} {
		for _, bounds := range [][2]*tweet.Seq{{nil, nil}, {seq(100), nil}, {seq(20), seq(300)}} {
			r := search.Request{Query: parse(t, text), Sort: query.Likes, Limit: 60, AfterSeq: bounds[0], UntilSeq: bounds[1]}
			asked := r
			if bounds[0] != nil {
				asked.AfterID = tweet.ID(*bounds[0])
			}
			if bounds[1] != nil {
				asked.BeforeID = tweet.ID(*bounds[1] + 1)
			}
			got, err := walkSorted(t, a, r)
			if want := ranking(asked, tweets); err != nil || len(want) < 50 || !slices.Equal(got, want) {
				t.Errorf("%s: %d of %d, %v", text, len(got), len(want), err)
			}
		}
	}
}
