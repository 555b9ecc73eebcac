package embedded_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"birdwatch/query"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// TestBackup: a copy made while others write is sound, and the archive as it was at one moment.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	a := openAt(t, filepath.Join(dir, "archive.db"), embedded.Options{})
	var seq tweet.Seq
	write := func() {
		es := make([]tweet.Entry, 100)
		for i := range es {
			seq++
			es[i] = tweet.Entry{Seq: seq, FirstSeq: seq, Record: numbered(tweet.ID(seq*7919%100_003 + 1))}
		}
		apply(t, a, seq, es...)
	}
	for range 20 {
		write()
	}
	var writing sync.WaitGroup
	ended, began := make(chan struct{}), seq
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
	for n, to := range []string{filepath.Join(dir, "first.db"), filepath.Join(dir, "a name with %20 and ?.db")} {
		var last [2]int64
		steps := 0
		err := a.Backup(t.Context(), to, func(done, total int64) { last, steps = [2]int64{done, total}, steps+1 })
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(to); err != nil || last[0] != last[1] || info.Size() != last[0] || steps < 1 || info.Mode().Perm() != 0o600 {
			t.Errorf("copy %d: %v, %v; told %v in %d steps", n, info, err, last, steps)
		}
		b := openAt(t, to, embedded.Options{})
		at, err := b.Position(t.Context())
		if err != nil || at.Seq < began || at.Seq%100 != 0 {
			t.Errorf("copy %d: place %v, %v; before it began %d was acknowledged", n, at, err, began)
		}
		if ids, err := walk(t.Context(), b, query.All(), true, 5000); err != nil || len(ids) != int(at.Seq) {
			t.Errorf("copy %d: %d tweets at place %v, %v", n, len(ids), at, err)
		}
		if err := b.Check(t.Context()); err != nil {
			t.Errorf("copy %d: %v", n, err)
		}
		if n == 0 { // a copy is written like any other archive
			if _, err := b.Import(t.Context(), []tweet.Record{numbered(1 << 40)}); err != nil {
				t.Error(err)
			}
		}
	}
	close(ended)
	writing.Wait()
	names := folder(t, dir)
	if err := a.Backup(t.Context(), filepath.Join(dir, "first.db"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := a.Backup(ctx, filepath.Join(dir, "third.db"), func(done, total int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: %v", err)
	}
	if err := a.Backup(t.Context(), filepath.Join(dir, "no", "folder.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("into no folder: %v", err)
	}
	if after := folder(t, dir); !slices.Equal(names, after) {
		t.Errorf("copies that failed left %v", after)
	}
}

func folder(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestSnapshotStandsStill: nothing is written while its moment is fixed, and what comes after is not in it.
func TestSnapshotStandsStill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "archive.db")
	a := openAt(t, path, embedded.Options{})
	fill(t, a, []*tweet.Payload{text(1, "before")})
	writes := make(chan error, 1)
	s, err := embedded.OpenSnapshot(t.Context(), path, func() error {
		go func() {
			_, err := a.Import(context.WithoutCancel(t.Context()), []tweet.Record{record(t, text(2, "after"))})
			writes <- err
		}()
		for range 20 { // searches go on, and nothing is there yet
			if ids := finds(t, a, ""); !slices.Equal(ids, []tweet.ID{1}) {
				t.Errorf("while the moment is fixed: %v", ids)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-writes; err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "copy.db")
	if err := errors.Join(s.Copy(t.Context(), to, nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	if ids := finds(t, openAt(t, to, embedded.Options{}), ""); !slices.Equal(ids, []tweet.ID{1}) {
		t.Errorf("in the copy: %v", ids)
	}
	if ids := finds(t, a, ""); !slices.Equal(ids, []tweet.ID{1, 2}) {
		t.Errorf("in the archive: %v", ids)
	}
	failed := errors.New("no")
	if _, err := embedded.OpenSnapshot(t.Context(), path, func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("the other's snapshot failed: %v", err)
	}
	if _, err := embedded.OpenSnapshot(t.Context(), filepath.Join(dir, "none.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	fill(t, a, []*tweet.Payload{text(3, "goes on")})
}
