package embedded_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/search"
	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

// TestBlocksModel: whatever happens to tweets, in whatever batches, the archive has what it should.
func TestBlocksModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), "archive.db")
		if err := os.RemoveAll(path); err != nil {
			rt.Fatal(err)
		}
		a := openPath(t, path)
		defer os.RemoveAll(path)
		defer a.Close()
		want := map[int]*tweet.Record{} // nil: deleted
		var seq tweet.Seq
		clock := int64(100)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			clock++
			from := rapid.IntRange(0, 300).Draw(rt, "from")
			n := rapid.SampledFrom([]int{1, 5, 60, 200, 400}).Draw(rt, "n")
			stride := rapid.IntRange(1, 3).Draw(rt, "stride")
			var es []tweet.Entry
			kind := rapid.SampledFrom([]string{"import", "import", "apply", "delete", "purge", "optimize"}).Draw(rt, "kind")
			var ids []tweet.ID
			for i := from; i < from+n*stride; i += stride {
				r := marked(t, i, clock, fmt.Sprintf("%sat%d", markOf(i), clock))
				ids = append(ids, r.ID)
				was, known := want[i]
				switch kind {
				case "import", "apply":
					seq++
					es = append(es, tweet.Entry{Seq: seq, FirstSeq: seq, Record: r})
					if !known || was != nil {
						want[i] = &r
					}
				case "delete":
					seq++
					es = append(es, deleted(seq, r.ID, clock))
					want[i] = nil
				case "purge":
					delete(want, i)
				}
			}
			var err error
			switch kind {
			case "import":
				var recs []tweet.Record
				for _, e := range es {
					recs = append(recs, e.Record)
				}
				_, err = a.Import(t.Context(), recs)
			case "purge":
				err = a.Purge(t.Context(), ids)
			case "optimize":
				err = a.Optimize(t.Context())
			default:
				apply(t, a, seq, es...)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		live := 0
		for i, r := range want {
			d := get(t, a, marked(t, i, 0, "").ID)
			if r == nil {
				if d == nil || !d.Tombstone {
					rt.Fatalf("%d is not deleted: %+v", i, d)
				}
				continue
			}
			live++
			sameDocument(t, d, r)
		}
		if found := finds(t, a, "this"); len(found) != live {
			rt.Fatalf("%d tweets are found of %d", len(found), live)
		}
		docs, err := a.Documents(t.Context(), 0, 10_000)
		if err != nil || len(docs) != len(want) {
			rt.Fatalf("%d documents of %d, %v", len(docs), len(want), err)
		}
		if err := a.Check(t.Context()); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestReadingWhileBlocksAreRewritten: whoever reads sees one state of the archive.
func TestReadingWhileBlocksAreRewritten(t *testing.T) {
	a := openPath(t, filepath.Join(t.TempDir(), "archive.db"))
	defer a.Close()
	recs := markedAll(t, 0, 500)
	importAll(t, a, recs)
	ctx, stop := context.WithCancel(t.Context())
	var g sync.WaitGroup
	for k := range 3 {
		g.Go(func() {
			for n := k; ctx.Err() == nil; n = (n + 7) % len(recs) {
				page, err := a.Search(t.Context(), search.Request{Query: parse(t, "this"), Limit: 50})
				if err != nil {
					t.Error(err)
					return
				}
				for _, h := range page.Hits {
					if !strings.Contains(string(h.Payload), "all say this") {
						t.Errorf("hit %d has payload %s", h.ID, h.Payload)
					}
				}
				docs, err := a.Get(t.Context(), recs[n].ID, recs[(n+200)%len(recs)].ID)
				if err != nil || len(docs) == 0 {
					t.Errorf("%d documents, %v", len(docs), err)
					return
				}
				for _, d := range docs {
					if !d.Tombstone && len(d.Raw) == 0 {
						t.Errorf("%d has no raw", d.ID)
					}
				}
			}
		})
	}
	for n := 0; n < len(recs); n += 3 {
		seq := tweet.Seq(n + 1)
		e := deleted(seq, recs[n].ID, 20)
		if n%2 == 0 {
			e = tweet.Entry{Seq: seq, FirstSeq: seq, Record: marked(t, n, 20, markOf(n))}
		}
		apply(t, a, seq, e)
	}
	stop()
	g.Wait()
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBrokenBlock: a block that cannot be read is an error of those who want it, and no one else's.
func TestBrokenBlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 128)
	importAll(t, a, recs)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	front, back, err := pack.Seal([]pack.Tweet{{ID: int64(recs[0].ID), Payload: recs[0].Payload}})
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]any{"torn": {[]byte("front"), []byte("back")}, "another's": {front, back}} {
		if _, err := db.Exec("UPDATE blocks SET front = ?, back = ? WHERE n = 1", change[0], change[1]); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Get(t.Context(), recs[1].ID); err == nil {
			t.Errorf("%s: no error", what)
		}
		if _, err := a.Search(t.Context(), search.Request{Query: parse(t, markOf(1)), Limit: 5}); err == nil {
			t.Errorf("%s: search gives no error", what)
		}
		if err := a.Check(t.Context()); err == nil {
			t.Errorf("%s: the check finds nothing", what)
		}
		sameDocument(t, get(t, a, recs[100].ID), &recs[100])
	}
	if _, err := db.Exec("DELETE FROM blocks WHERE n = 1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Check(t.Context()); err == nil {
		t.Error("the check does not miss a block")
	}
}
