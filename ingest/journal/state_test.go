package journal_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

func TestEverythingOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{MinSeq: 100})
	epoch := j.Epoch()
	appendAll(t, j, sighting(1, 7, "a", false), deletion(2, 7))
	if err := j.SetState(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	b, err := j.Import(t.Context(), []tweet.Record{sighting(3, 0, "claimed", false)})
	if err != nil || b.Verdicts[0].Kind != journal.New {
		t.Fatalf("import: %v %v", b, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path, journal.Options{MinSeq: 5000})
	if j.Epoch() != epoch || j.First() != 101 || j.Last() != 101 {
		t.Errorf("epoch %s, %d to %d", j.Epoch(), j.First(), j.Last())
	}
	if v, err := j.State(t.Context(), "k"); err != nil || string(v) != "v" {
		t.Errorf("state %q, %v", v, err)
	}
	// 3 was claimed and never confirmed: the archive may lack it. What an Append takes in reaches the archive anyhow.
	same(t, "verdicts", appendAll(t, j, sighting(1, 7, "a", false), sighting(2, 7, "b", false), sighting(3, 0, "claimed", false), sighting(3, 0, "claimed", false)), []string{"same", "deleted", "update", "same"})
}

// TestBefore finds places by time, also where entries were cut or purged.
func TestBefore(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }})
	for id := range tweet.ID(20) {
		if _, err := j.Append(t.Context(), []tweet.Record{sighting(id+1, 1, "a", false)}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	for _, tt := range []struct {
		ms   int64
		want tweet.Seq
	}{{0, 0}, {1_000_000, 0}, {1_000_001, 1}, {1_007_000, 7}, {1_007_500, 8}, {1_019_000, 19}, {9_000_000, 20}} {
		if got, err := j.Before(t.Context(), time.UnixMilli(tt.ms)); err != nil || got != tt.want {
			t.Errorf("before %d: %d %v, not %d", tt.ms, got, err, tt.want)
		}
	}
}

func TestStates(t *testing.T) {
	j := open(t, journal.Options{})
	for _, key := range []string{"b/2", "a", "b/1", "c", "B/3"} {
		if err := j.SetState(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.SetState(t.Context(), "b/2", nil); err != nil {
		t.Fatal(err)
	}
	if keys, err := j.States(t.Context(), "b/"); err != nil || !slices.Equal(keys, []string{"b/1"}) {
		t.Errorf("%v %v", keys, err)
	}
	if v, err := j.State(t.Context(), "b/2"); err != nil || v != nil {
		t.Errorf("a state that was forgotten is %q %v", v, err)
	}
}
