package elastic_test

import (
	"testing"

	"pgregory.net/rapid"

	"birdwatch/search/elastic"
	"birdwatch/tweet"
)

// TestPresent: what was written is never thought to be absent, however many come in whatever order; what is new, in an order that is nearly that of the ids,
// mostly is.
func TestPresent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := elastic.NewPresent(1000, 256)
		if !p.Perhaps(1) || !p.Perhaps(1000) || p.Perhaps(1001) {
			t.Fatal("up to the highest there may be any")
		}
		n := rapid.SampledFrom([]int{10, 256, 257, 2048}).Draw(t, "n")
		apart := rapid.IntRange(1, 60).Draw(t, "apart")
		ids, asked := make([]tweet.ID, n), 0
		for i := range ids { // batches that overtake each other
			ids[i] = 1001 + tweet.ID(i^apart)
		}
		for _, id := range ids {
			if p.Perhaps(id) {
				asked++
			}
			p.Add(id)
		}
		for _, id := range ids {
			if !p.Perhaps(id) {
				t.Fatalf("%d was written", id)
			}
		}
		if asked > 0 {
			t.Fatalf("%d of %d new ones are asked for", asked, n)
		}
	})
}
