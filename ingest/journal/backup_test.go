package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// TestBackup: a copy made while others write has all that was acknowledged before, to the last entry whole, and goes on by itself.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.db")
	j := openAt(t, path, journal.Options{})
	n := tweet.ID(0)
	write := func() {
		var recs []tweet.Record
		for range 50 {
			n++
			recs = append(recs, sighting(n, 1, fmt.Sprint("text ", n), false))
		}
		appendAll(t, j, recs...)
	}
	for range 20 {
		write()
	}
	began := j.Last()
	var writing sync.WaitGroup
	ended := make(chan struct{})
	writing.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
				write()
			}
		}
	})
	var last [2]int64
	to := filepath.Join(dir, "copy.db")
	if err := j.Backup(t.Context(), to, func(done, total int64) { last = [2]int64{done, total} }); err != nil {
		t.Fatal(err)
	}
	s, err := journal.OpenSnapshot(t.Context(), path) // as another process does
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	if err := errors.Join(s.Copy(t.Context(), other, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	close(ended)
	writing.Wait()
	if info, err := os.Stat(to); err != nil || last[0] != last[1] || info.Size() != last[0] || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v; told %v", info, err, last)
	}
	for _, name := range []string{to, other} {
		k := openAt(t, name, journal.Options{})
		if err := k.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if k.Epoch() != j.Epoch() || k.Last() < began || k.Last()%50 != 0 {
			t.Errorf("%s ends at %s-%d; %d was acknowledged before", filepath.Base(name), k.Epoch(), k.Last(), began)
		}
		es, err := k.Since(t.Context(), k.Last()-1, 10)
		if err != nil || len(es) != 1 || es[0].ID != tweet.ID(k.Last()) || len(es[0].Raw) == 0 {
			t.Errorf("its last entry: %v, %v", es, err)
		}
		same(t, "what is known is known in the copy", appendAll(t, k, sighting(1, 1, "text 1", false), sighting(1<<40, 1, "new", false)), []string{"same", "new"})
	}
	if err := j.Backup(t.Context(), to, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := j.Backup(ctx, filepath.Join(dir, "third.db"), func(done, total int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
	if _, err := journal.OpenSnapshot(t.Context(), filepath.Join(dir, "none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("copies that failed left %v, %v", left, err)
	}
	write() // no snapshot stays in the way
}

// TestSnapshotAmidAnImport: what an import had claimed and not confirmed at the moment is taken again from the copy; what it had confirmed is not.
func TestSnapshotAmidAnImport(t *testing.T) {
	dir := t.TempDir()
	j := openAt(t, filepath.Join(dir, "journal.db"), journal.Options{})
	first, _ := claim(t, j, sighting(1, 1, "a", false))
	confirm(t, j, first)
	second, _ := claim(t, j, sighting(2, 1, "b", false))
	s, err := j.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	confirm(t, j, second)
	to := filepath.Join(dir, "copy.db")
	if err := errors.Join(s.Copy(t.Context(), to, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"journal.db": {"same", "same"}, "copy.db": {"same", "update"}} {
		k := j
		if name == "copy.db" {
			k = openAt(t, to, journal.Options{})
		}
		_, got := claim(t, k, sighting(1, 1, "a", false), sighting(2, 1, "b", false))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
