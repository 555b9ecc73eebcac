package journal_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// Many append at once, and some give up: what was answered nil is there once, in order; what was not, is not.
func TestAppendsAtOnce(t *testing.T) {
	j := open(t, journal.Options{})
	const callers, each = 8, 25
	var mu sync.Mutex // guards what follows
	took := map[tweet.ID]bool{}
	var g sync.WaitGroup
	for c := range callers {
		g.Go(func() {
			for i := range each {
				ctx, cancel := context.WithCancel(t.Context())
				if rand.N(3) == 0 {
					go cancel()
				}
				id := tweet.ID(c*each + i + 1)
				vs, err := j.Append(ctx, []tweet.Record{sighting(id, 0, "x", false), sighting(id+10_000, 0, "y", false)})
				cancel()
				switch {
				case err == nil && (len(vs) != 2 || vs[1].Seq != vs[0].Seq+1):
					t.Errorf("%d: verdicts %v", id, vs)
				case err != nil && !errors.Is(err, context.Canceled):
					t.Error(err)
				}
				mu.Lock()
				took[id] = err == nil
				mu.Unlock()
			}
		})
	}
	g.Go(func() { // one who follows meanwhile
		for at := tweet.Seq(0); at < 10; {
			if err := j.Wait(t.Context(), at); err != nil {
				t.Error(err)
				return
			}
			es, err := j.Since(t.Context(), at, 3)
			if err != nil || len(es) == 0 || es[0].Seq != at+1 {
				t.Errorf("since %d: %v, %v", at, es, err)
				return
			}
			at = es[len(es)-1].Seq
		}
	})
	g.Wait()
	es, err := j.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[tweet.ID]int{}
	for i, e := range es {
		if e.Seq != tweet.Seq(i+1) {
			t.Fatalf("entry %d has seq %d", i, e.Seq)
		}
		found[e.ID]++
	}
	given := 0
	for id, ok := range took {
		want := 0
		if ok {
			want = 1
			given++
		}
		if found[id] != want || found[id+10_000] != want {
			t.Errorf("%d: answered %v, entered %d and %d times", id, ok, found[id], found[id+10_000])
		}
	}
	t.Logf("%d of %d were taken", given, len(took))
}

func TestGivingUpInTheQueueTakesNothing(t *testing.T) {
	j := open(t, journal.Options{})
	release := j.Hold()
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() {
		_, err := j.Append(ctx, []tweet.Record{sighting(1, 0, "a", false)})
		answer <- err
	}()
	for j.Queued() == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	release()
	same(t, "verdicts", appendAll(t, j, sighting(1, 0, "a", false)), []string{"new"})
	same(t, "entries", dump(t, j), []string{"1 tweet 1"})
}

func TestOneFaultIsNotEverybodys(t *testing.T) {
	j := open(t, journal.Options{})
	bad := errors.New("bad")
	fine := func() error { return nil }
	got := j.DoTogether([]func() error{fine, func() error { return bad }, fine, func() error { return bad }})
	for i, err := range got {
		if want := i%2 == 1; errors.Is(err, bad) != want || !want && err != nil {
			t.Errorf("work %d: %v", i, err)
		}
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	j := open(t, journal.Options{})
	for name, r := range map[string]tweet.Record{
		"no kind":         {ID: 1},
		"an update":       {Kind: tweet.KindUpdate, ID: 1, Payload: sighting(1, 0, "x", false).Payload},
		"no id":           {Kind: tweet.KindTweet},
		"delete of no id": {Kind: tweet.KindDelete, ID: -4},
		"no payload":      {Kind: tweet.KindTweet, ID: 1},
		"broken payload":  {Kind: tweet.KindTweet, ID: 1, Payload: []byte(`{"data":`)},
	} {
		if vs, err := j.Append(t.Context(), []tweet.Record{sighting(5, 0, "fine", false), r}); err == nil {
			t.Errorf("%s: taken as %v", name, vs)
		}
		if _, err := j.Import(t.Context(), []tweet.Record{r}); err == nil {
			t.Errorf("%s: imported", name)
		}
	}
	if j.Last() != 0 {
		t.Error("half of a refused batch was taken")
	}
}

// Acknowledged means on disk: no test can pull the plug, so the setting is looked at.
func TestCommitsAreSynced(t *testing.T) {
	j := open(t, journal.Options{})
	got := j.WriterPragmas("synchronous", "journal_mode", "secure_delete", "auto_vacuum")
	same(t, "settings", got, []string{"2", "wal", "1", "2"})
}

func TestNewerFormatIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := openAt(t, path, journal.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := journal.Edit(path, "UPDATE meta SET value = 99 WHERE key = 'format'"); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), path, journal.Options{}); err == nil || !strings.Contains(err.Error(), "format 99") {
		t.Errorf("opened: %v", err)
	}
}

func TestFolderIsOneProcesss(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lock, err := journal.LockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.LockFolder(dir); !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), "by process ") {
		t.Errorf("locked twice: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	if lock, err = journal.LockFolder(dir); err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
}

func TestWaitEnds(t *testing.T) {
	j := open(t, journal.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { got <- j.Wait(ctx, 0) }()
	appendAll(t, j, sighting(1, 0, "a", false))
	if err := <-got; err != nil {
		t.Error(err)
	}
	go func() { got <- j.Wait(ctx, 1) }()
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() { got <- j.Wait(t.Context(), 1) }()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, journal.ErrClosed) {
		t.Error(err)
	}
	if _, err := j.Append(t.Context(), nil); !errors.Is(err, journal.ErrClosed) {
		t.Error(err)
	}
}
