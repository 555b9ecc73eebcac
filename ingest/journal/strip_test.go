package journal_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// noise is text that does not compress well.
func noise(n int) string {
	b := make([]byte, n/2)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b)
}

// traces counts pieces of frames in a journal's files.
func traces(t testing.TB, path string, frames ...[]byte) (found int) {
	t.Helper()
	const piece = 24
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, f := range frames {
			for i := piece; i+piece < len(f); i += piece {
				if bytes.Contains(b, f[i:i+piece]) {
					found++
				}
			}
		}
	}
	return found
}

func copyJournal(t testing.TB, from, to string) {
	t.Helper()
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + end)
		if err == nil {
			err = os.WriteFile(to+end, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func frames(t testing.TB, j *journal.Journal, ids ...tweet.ID) (all [][]byte) {
	t.Helper()
	for _, id := range ids {
		es, err := j.Content(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			all = append(all, bytes.Clone(e.Frame))
		}
	}
	return all
}

// Nothing of a deleted tweet is left in the file and its write-ahead log: not when readers were in the way, not after a crash.
func TestStrippedBytesAreGone(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	clock := func() time.Time { return now }
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{Now: clock})
	small, large, quote, stays := sighting(1, 0, noise(300), false), sighting(2, 0, noise(30_000), false), sighting(3, 0, "", false, 2), sighting(4, 0, noise(2000), false)
	quote.Payload = bytes.Replace(quote.Payload, []byte("copy of 2"), []byte(noise(9000)), 1)
	small.Raw, large.Raw, quote.Raw = []byte(noise(900)), []byte(noise(5000)), []byte(noise(5000))
	appendAll(t, j, small, large, quote, stays)
	gone, kept := frames(t, j, 1, 2, 3), frames(t, j, 4)
	if len(gone) != 3 || traces(t, path, gone...) < 100 {
		t.Fatal("the search for traces finds nothing before")
	}
	appendAll(t, j, deletion(1, 5), deletion(2, 5))
	now = now.Add(9 * time.Second)
	maintain(t, j)
	if len(frames(t, j, 1, 2, 3)) != 3 {
		t.Error("stripped before the grace was over")
	}
	now = now.Add(time.Second)
	end, err := j.Read() // a reader who keeps the log from being emptied
	if err != nil {
		t.Fatal(err)
	}
	maintain(t, j)
	if len(frames(t, j, 1, 2, 3)) != 1 {
		t.Error("not stripped")
	}
	if traces(t, path, gone...) == 0 {
		t.Fatal("the reader was not in the way")
	}
	crashed := filepath.Join(t.TempDir(), "journal.db")
	copyJournal(t, path, crashed)
	if err := end(); err != nil {
		t.Fatal(err)
	}
	maintain(t, j)
	after := openAt(t, crashed, journal.Options{Now: clock})
	for name, path := range map[string]string{"when the reader is done": path, "after a crash": crashed} {
		if n := traces(t, path, gone...); n > 0 {
			t.Errorf("%s: %d traces", name, n)
		}
		if traces(t, path, kept...) == 0 {
			t.Errorf("%s: what should stay is gone", name)
		}
	}
	for _, j := range []*journal.Journal{j, after} {
		same(t, "entries", dump(t, j), []string{"1 tweet 1 stripped", "2 tweet 2 stripped", "3 tweet 3 rawcut", "4 tweet 4", "5 delete 1 first 1", "6 delete 2 first 2 cut [3]"})
		if err := j.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// What is due is remembered in the file.
func TestStrippingGoesOnAfterARestart(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	clock := func() time.Time { return now }
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{Now: clock})
	appendAll(t, j, sighting(1, 0, "x", false), deletion(1, 5))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	j = openAt(t, path, journal.Options{Now: clock})
	maintain(t, j)
	same(t, "entries", dump(t, j), []string{"1 tweet 1 stripped", "2 delete 1 first 1"})
}

func TestContentThatCannotBeCutGoesWhole(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	clock := func() time.Time { return now }
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{Now: clock})
	appendAll(t, j, sighting(1, 0, "x", false), sighting(2, 0, "y", false, 1), deletion(1, 5))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := journal.Edit(path, "UPDATE entries SET frame = substr(frame, 1, length(frame) - 9) WHERE seq = 2"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	j = openAt(t, path, journal.Options{Now: clock})
	maintain(t, j)
	same(t, "entries", dump(t, j), []string{"1 tweet 1 stripped", "2 tweet 2 stripped", "3 delete 1 first 1 cut [2]"})
}

func TestPurgedBytesAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{})
	appendAll(t, j, sighting(1, 0, noise(3000), false), sighting(2, 0, "quotes", false, 9), sighting(3, 0, "stays", false, 9), deletion(8, 4))
	gone := frames(t, j, 1) // that of 2 is like that of 3
	if err := j.Purge(t.Context(), []tweet.ID{1, 2, 8}); err != nil {
		t.Fatal(err)
	}
	same(t, "entries", dump(t, j), []string{"3 tweet 3"})
	maintain(t, j)
	if n := traces(t, path, gone...); n > 0 {
		t.Errorf("%d traces", n)
	}
	s, err := j.Stats(t.Context())
	if err != nil || s.Entries != 1 || s.IDs != 1 || s.Tombstones != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	// 2 comes again and quotes nothing now: it has no part in what happens to 9.
	appendAll(t, j, sighting(2, 0, "quotes nothing", false), deletion(9, 5))
	same(t, "entries", dump(t, j), []string{"3 tweet 3", "4 tweet 2", "5 delete 9 first 0 cut [3] unseen"})
}

func maintain(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
}
