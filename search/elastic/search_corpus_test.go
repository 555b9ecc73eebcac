package elastic_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/tweet"
)

// corpus is a set of tweets and what the Matcher says of them: the yardstick.
type corpus struct {
	tweets   []*tweet.Payload // newest id first
	targets  []*query.Target
	payloads map[tweet.ID]string
	words    querytest.Vocabulary
}

func corpusOf(t testing.TB, tweets []*tweet.Payload) *corpus {
	t.Helper()
	c := &corpus{payloads: map[tweet.ID]string{}, words: querytest.VocabularyOf(tweets)}
	c.tweets = slices.SortedFunc(slices.Values(tweets), func(p, q *tweet.Payload) int { return cmp.Compare(q.Data.ID, p.Data.ID) })
	for _, p := range c.tweets {
		b, err := tweet.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		c.payloads[p.Data.ID] = string(b)
		target := new(query.Target)
		target.Set(p)
		c.targets = append(c.targets, target)
	}
	if len(c.payloads) != len(tweets) {
		t.Fatal("two tweets of one id")
	}
	c.words.Values = append(c.words.Values, c.places(t)...)
	return c
}

// places are queries for where tweets are, as many as there are other values, and some for what the server cannot decide.
func (c *corpus) places(t testing.TB) []string {
	t.Helper()
	values := []string{"sample:10", "sample:60", `"👍🏽 👍"~3`, `"👍 👍🏽 go"~5`, `"👍 日"`, `"👍🏽 日"`}
	var at []*tweet.Geo
	for _, p := range c.tweets {
		if g := p.Data.Geo; g != nil && g.Coordinates != nil {
			at = append(at, g)
		}
	}
	for i := range min(len(c.words.Values), 6*len(at)) {
		x, y := at[i%len(at)].Coordinates.Coordinates[0], at[i%len(at)].Coordinates.Coordinates[1]
		size := []float64{1, 20, 300, 5000}[i%4]
		values = append(values, fmt.Sprintf("point_radius:[%g %g %gkm]", x, y, size))
		if i%2 == 0 {
			values = append(values, fmt.Sprintf("bounding_box:[%g %g %g %g]", max(x-size/100, -180), max(y-size/200, -90), min(x+size/50, 180), min(y+size/100, 90)))
		}
	}
	for _, v := range values {
		if _, err := query.Parse(v, querytest.Now); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
	}
	return values
}

// matches are the places in the corpus of what a request is for, in its order.
func (c *corpus) matches(r search.Request) (found []int) {
	m := query.NewMatcher(r.Query)
	for i, target := range c.targets {
		id, at := c.tweets[i].Data.ID, time.UnixMilli(target.Figures[query.CreatedAt])
		if r.AfterID > 0 && id <= r.AfterID || r.BeforeID > 0 && id >= r.BeforeID {
			continue
		}
		if !r.Start.IsZero() && at.Before(r.Start) || !r.End.IsZero() && !at.Before(r.End) {
			continue
		}
		if m.Match(target) {
			found = append(found, i)
		}
	}
	switch {
	case r.Sort != query.CreatedAt:
		slices.SortStableFunc(found, func(i, j int) int {
			return cmp.Compare(c.targets[j].Figures[r.Sort], c.targets[i].Figures[r.Sort])
		})
	case r.Ascending:
		slices.Reverse(found)
	}
	return found
}

// made are generated tweets over some years: their ids and times agree, but for every seventh, a stray.
func made(t testing.TB, sets int) (tweets []*tweet.Payload) {
	t.Helper()
	for n := range sets {
		for i, p := range slices.Concat(querytest.Tweets().Example(3*n), querytest.Tweets().Example(3*n+1), querytest.Tweets().Example(3*n+2)) {
			at := querytest.Start.AddDate(0, n, i).Add(time.Duration(n*37+i) * time.Millisecond)
			p.Data.ID, p.Data.CreatedAt = tweet.IDAt(at)+tweet.ID(i), at.Format(tweet.TimeLayout)
			switch (n + i) % 40 {
			case 7:
				p.Data.CreatedAt = at.Add(time.Duration(n-sets/2) * 20 * 24 * time.Hour).Format(tweet.TimeLayout)
			case 13:
				p.Data.ID = tweet.ID(n*100 + i + 1) // of the time when ids held none
				p.Data.CreatedAt = time.Date(2008, 1, n, i, 0, 0, 0, time.UTC).Format(tweet.TimeLayout)
			case 17:
				p.Data.ID = tweet.ID(n*100 + i + 1)
			case 21:
				p.Data.CreatedAt = at.Add(time.Duration(i-10) * time.Minute).Format(tweet.TimeLayout)
			}
			if (n+i)%3 == 0 {
				p.Data.Geo = &tweet.Geo{Coordinates: &tweet.Point{Type: "Point", Coordinates: [2]float64{float64(n*13%360 - 180), float64(i*9%180 - 90)}}}
			}
			tweets = append(tweets, p)
		}
	}
	return tweets
}

// recorded are the bundled tweets, and those of recorded pages of X's API v2, each with the page's users and media.
func recorded(t testing.TB, most int) (tweets []*tweet.Payload) {
	t.Helper()
	shared := os.Getenv("BIRDWATCH_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	pages := filepath.Join(shared, "data", "permissive", "v2-pages")
	seen := map[tweet.ID]bool{}
	for it := range format.Files(t.Context(), []string{pages}, format.Options{}) {
		for _, r := range it.Records {
			if p, err := r.Decoded(); err != nil {
				t.Fatal(err)
			} else if !seen[r.ID] {
				seen[r.ID] = true
				tweets = append(tweets, p)
			}
		}
	}
	if len(tweets) == 0 {
		t.Logf("SKIPPED LOUDLY: no recorded pages in %s: the bundled tweets alone", pages)
	}
	// A part of them, from all pages.
	every := max(1, len(tweets)/most)
	tweets = slices.DeleteFunc(tweets, func(p *tweet.Payload) bool { return int(p.Data.ID>>3)%every > 0 })
	for line := range sample.Lines() {
		recs, _, err := format.Parse(line, tweet.Provenance{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			p, err := tweet.Decode(r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if !seen[p.Data.ID] {
				seen[p.Data.ID] = true
				tweets = append(tweets, p)
			}
		}
	}
	return tweets
}
