package embedded_test

import (
	"errors"
	"testing"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// TestFullDiskIsPassing: while the disk is full, writing says that it may work later, every time, and searching goes on.
func TestFullDiskIsPassing(t *testing.T) {
	a := open(t, embedded.Options{MaxPages: 60})
	var err error
	var recs []tweet.Record
	n := 0
	for n < 100_000 {
		recs = recs[:0]
		for i := range 20 {
			recs = append(recs, numbered(tweet.ID(n+i+1)))
		}
		if _, err = a.Import(t.Context(), recs); err != nil {
			break
		}
		n += len(recs)
	}
	for range 3 {
		if !errors.Is(err, search.ErrUnavailable) {
			t.Fatalf("on a full disk: %v", err)
		}
		ids, searchErr := walk(t.Context(), a, query.All(), true, 1000)
		if searchErr != nil || len(ids) != n {
			t.Errorf("%d tweets of %d, %v", len(ids), n, searchErr)
		}
		checkStats(t, a, search.Stats{Tweets: int64(n)})
		_, err = a.Import(t.Context(), recs)
	}
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
