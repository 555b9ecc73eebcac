package embedded_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/ingest/format"
	"birdwatch/query/querytest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// realTweets are those of recorded pages of X's API v2, each with the page's users and media.
func realTweets(t testing.TB) (tweets []*tweet.Payload) {
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
		t.Skipf("SKIPPED LOUDLY: no recorded pages in %s", pages)
	}
	return tweets
}

// TestRealTweets: random queries of the words and people of real tweets.
func TestRealTweets(t *testing.T) {
	tweets := realTweets(t)
	// A part of them, from all pages: some queries look at every tweet, and there are a hundred.
	tweets = slices.DeleteFunc(tweets, func(p *tweet.Payload) bool { return p.Data.ID%4 > 0 || testing.Short() && p.Data.ID%32 > 0 })
	a := open(t, embedded.Options{})
	fill(t, a, tweets)
	v := querytest.VocabularyOf(tweets)
	rapid.Check(t, func(rt *rapid.T) {
		e := querytest.Exprs(v).Draw(rt, "query")
		if err := compare(t, a, e, byMatcher(e, tweets), rapid.SampledFrom([]int{5, 100, 1000}).Draw(rt, "page")); err != nil {
			rt.Fatal(err)
		}
	})
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
