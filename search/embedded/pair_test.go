package embedded_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/query"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// pair is a data folder's archive and journal.
type pair struct {
	t *testing.T
	a *embedded.Archive
	j *journal.Journal
}

func openPair(t *testing.T, dir string) *pair {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(dir, "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return &pair{t, openAt(t, filepath.Join(dir, "archive.db"), embedded.Options{}), j}
}

// follow brings the archive to the journal's end.
func (p *pair) follow() {
	at, err := p.a.Position(p.t.Context())
	if err != nil {
		p.t.Error(err)
	}
	es, err := p.j.Since(p.t.Context(), at.Seq, 10_000)
	if err != nil {
		p.t.Error(err)
	}
	if _, err := p.a.Apply(p.t.Context(), es, tweet.Position{Epoch: p.j.Epoch(), Seq: p.j.Last()}); err != nil {
		p.t.Error(err)
	}
}

func (p *pair) take(recs ...tweet.Record) {
	if _, err := p.j.Append(p.t.Context(), recs); err != nil {
		p.t.Error(err)
	}
}

func (p *pair) importAll(recs ...tweet.Record) {
	b, err := p.j.Import(p.t.Context(), recs)
	if err != nil {
		p.t.Error(err)
		return
	}
	var taken []tweet.Record
	for _, v := range b.Verdicts {
		if v.Record != nil {
			taken = append(taken, *v.Record)
		}
	}
	if _, err := p.a.Import(p.t.Context(), taken); err != nil {
		p.t.Error(err)
	}
	if err := p.j.Confirm(p.t.Context(), b); err != nil {
		p.t.Error(err)
	}
}

// TestPairOfCopies: whenever archive and journal are copied, the copies fit. What was acknowledged is there, and importing again brings what an import under
// way had not brought.
func TestPairOfCopies(t *testing.T) {
	dir := t.TempDir()
	p := openPair(t, dir)
	var n, taken tweet.ID // taken: acknowledged
	var mu sync.Mutex     // guards taken
	var working sync.WaitGroup
	ended := make(chan struct{})
	const imported = 1 << 40
	working.Go(func() {
		for m := tweet.ID(0); ; m++ {
			select {
			case <-ended:
				return
			default:
				p.importAll(numbered(imported+2*m), numbered(imported+2*m+1))
			}
		}
	})
	working.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
				n++
				p.take(numbered(n))
				mu.Lock()
				taken = n
				mu.Unlock()
				p.follow()
			}
		}
	})
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		to := t.TempDir()
		mu.Lock()
		before := taken
		mu.Unlock()
		var js *journal.Snapshot
		as, err := embedded.OpenSnapshot(t.Context(), filepath.Join(dir, "archive.db"), func() (err error) {
			js, err = journal.OpenSnapshot(t.Context(), filepath.Join(dir, "journal.db"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(as.Copy(t.Context(), filepath.Join(to, "archive.db"), nil), as.Close(), js.Copy(t.Context(), filepath.Join(to, "journal.db"), nil), js.Close())
		if err != nil {
			t.Fatal(err)
		}
		openPair(t, to).checkFits(round, before)
	}
	close(ended)
	working.Wait()
}

// checkFits: taken is the last tweet that was acknowledged before the copies were made.
func (p *pair) checkFits(round int, taken tweet.ID) {
	p.t.Helper()
	at, err := p.a.Position(p.t.Context())
	if err != nil || at.Seq > p.j.Last() {
		p.t.Errorf("round %d: place %v beyond the journal's end %d, %v", round, at, p.j.Last(), err)
	}
	p.follow()
	p.importAll(func() (all []tweet.Record) {
		for m := range tweet.ID(4000) {
			all = append(all, numbered(1<<40+m))
		}
		return all
	}()...)
	ids, err := walk(p.t.Context(), p.a, query.All(), true, 5000)
	if err != nil {
		p.t.Fatal(err)
	}
	have := map[tweet.ID]bool{}
	for _, id := range ids {
		have[id] = true
	}
	missing := ""
	for id := range taken {
		if !have[id+1] {
			missing += fmt.Sprint(" ", id+1)
		}
	}
	for m := range tweet.ID(4000) {
		if !have[1<<40+m] {
			missing += fmt.Sprint(" ", 1<<40+m)
		}
	}
	if missing != "" {
		p.t.Errorf("round %d: missing after all was brought again:%s", round, missing)
	}
}
