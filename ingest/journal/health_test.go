package journal_test

import (
	"path/filepath"
	"testing"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// TestFault: a full file is told with since when, for a minute after it was tried the last time.
func TestFault(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	j := openAt(t, filepath.Join(t.TempDir(), "journal.db"), journal.Options{MaxPages: 60, Now: func() time.Time { return now }})
	fill := func() {
		t.Helper()
		for id := tweet.ID(1); id < 1000; id++ {
			if _, err := j.Append(t.Context(), []tweet.Record{sighting(id, 0, noise(3000), false)}); err != nil {
				return
			}
		}
		t.Fatal("the file never was full")
	}
	if f := j.Fault(); f != nil {
		t.Errorf("at first: %+v", f)
	}
	fill()
	begun := now
	now = now.Add(50 * time.Second)
	fill()
	if f := j.Fault(); f == nil || !f.DiskFull || !f.Since.Equal(begun) || !f.Last.Equal(now) {
		t.Errorf("full: %+v", f)
	}
	now = now.Add(61 * time.Second)
	if f := j.Fault(); f != nil {
		t.Errorf("nobody tried for a minute: %+v", f)
	}
}
