package embedded_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

func openPath(t testing.TB, path string) *embedded.Archive {
	t.Helper()
	a, err := embedded.Open(t.Context(), path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// marked is a tweet with words of its own in every part.
func marked(t testing.TB, n int, at int64, mark string) tweet.Record {
	t.Helper()
	id := tweet.ID(1146307334907371520 + n*4096*7)
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: "all say this, and " + mark + " is of one", AuthorID: tweet.ID(n%9 + 1), CreatedAt: "2019-07-03T06:39:00.000Z"}}
	r := record(t, p)
	r.Raw = fmt.Appendf(nil, `{"id":%d,"text":"all say this, and %s is of one","only_raw":"raw%s"}`, id, mark, mark)
	r.CapturedAt, r.Provenance = at, tweet.Provenance{From: "import", File: "of-" + mark, Pos: int64(n)}
	return r
}

func markOf(n int) string { return fmt.Sprintf("mark%05dx", n) }

func markedAll(t testing.TB, from, to int) (recs []tweet.Record) {
	t.Helper()
	for n := from; n < to; n++ {
		recs = append(recs, marked(t, n, 10, markOf(n)))
	}
	return recs
}

func importAll(t testing.TB, a *embedded.Archive, recs []tweet.Record) {
	t.Helper()
	for some := range slices.Chunk(recs, 2000) {
		if _, err := a.Import(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
}

// sameDocument holds what the archive gives to a record, byte for byte.
func sameDocument(t testing.TB, d *tweet.Document, r *tweet.Record) {
	t.Helper()
	if d == nil || d.ID != r.ID || !bytes.Equal(d.Payload, r.Payload) || !bytes.Equal(d.Raw, r.Raw) || d.Provenance != r.Provenance {
		t.Fatalf("got %+v\nof %+v", d, r)
	}
}

// packedIn says how many blocks an archive has, and how many tweets that are alone.
func packedIn(t testing.TB, path string) (blocks, alone int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT (SELECT count(*) FROM blocks), (SELECT count(*) FROM bodies)").Scan(&blocks, &alone); err != nil {
		t.Fatal(err)
	}
	return blocks, alone
}

// traces looks for a text everywhere in an archive: in all that is compressed.
func traces(t testing.TB, path, text string) (places []string) {
	t.Helper()
	var dictionaries [][]byte
	for _, name := range []string{"pack/dictionary", "../../tweet/dictionary"} {
		d, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dictionaries = append(dictionaries, d)
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderDicts(dictionaries...))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	look := func(place string, b []byte) {
		if bytes.Contains(b, []byte(text)) {
			places = append(places, place)
		}
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT 'body', id, frame FROM bodies UNION ALL SELECT 'front', n, front FROM blocks UNION ALL SELECT 'back', n, back FROM blocks UNION ALL SELECT 'letter', n, frame FROM dead_letters")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var n int64
		var blob []byte
		if err := rows.Scan(&kind, &n, &blob); err != nil {
			t.Fatal(err)
		}
		plain, err := z.DecodeAll(blob, nil)
		if err != nil {
			t.Fatal(err)
		}
		look(fmt.Sprintf("%s %d", kind, n), plain)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return places
}

func TestBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 1000)
	importAll(t, a, recs)
	if blocks, alone := packedIn(t, path); blocks != 15 || alone != 1000-15*64 {
		t.Errorf("1000 tweets are in %d blocks, and %d alone", blocks, alone)
	}
	check := func(gone func(n int) bool) {
		t.Helper()
		for n := range recs {
			d := get(t, a, recs[n].ID)
			if gone(n) {
				if d != nil && !d.Tombstone {
					t.Fatalf("%d is there: %+v", n, d)
				}
				continue
			}
			sameDocument(t, d, &recs[n])
			if found := finds(t, a, markOf(n)); !slices.Equal(found, []tweet.ID{recs[n].ID}) {
				t.Fatalf("%s finds %v", markOf(n), found)
			}
		}
		if err := a.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check(func(int) bool { return false })

	// One of a block is deleted, one purged, one changed, one cut.
	apply(t, a, 1, deleted(1, recs[70].ID, 20))
	if err := a.Purge(t.Context(), []tweet.ID{recs[71].ID}); err != nil {
		t.Fatal(err)
	}
	recs[72] = marked(t, 72, 30, markOf(72)+" "+markOf(5000))
	e := tweet.Entry{Seq: 2, FirstSeq: 2, Record: recs[72]}
	apply(t, a, 2, e)
	check(func(n int) bool { return n == 70 || n == 71 })
	for _, mark := range []string{markOf(70), markOf(71)} {
		if places := traces(t, path, mark); len(places) > 0 {
			t.Errorf("traces of %s in %v", mark, places)
		}
	}
	if places := traces(t, path, markOf(73)); len(places) < 2 {
		t.Errorf("what is there is found in %v only: the search is blind", places)
	}

	// A block that loses most is no block any more; one that loses all is gone, too.
	var es []tweet.Entry
	for n := range 64 {
		if n%8 != 0 {
			es = append(es, deleted(3, recs[n].ID, 20))
		}
		es = append(es, deleted(3, recs[640+n].ID, 20))
	}
	apply(t, a, 3, es...)
	gone := func(n int) bool { return n == 70 || n == 71 || n < 64 && n%8 != 0 || n >= 640 && n < 704 }
	check(gone)
	if blocks, alone := packedIn(t, path); blocks != 13 || alone != 1000-15*64+1+8 {
		t.Errorf("%d blocks, and %d alone", blocks, alone)
	}
	if err := a.Optimize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if blocks, alone := packedIn(t, path); blocks != 14 || alone != 0 {
		t.Errorf("%d blocks, and %d alone after packing", blocks, alone)
	}
	check(gone)
	for n := range recs {
		if gone(n) {
			if places := traces(t, path, markOf(n)); len(places) > 0 {
				t.Fatalf("traces of %s in %v", markOf(n), places)
			}
		}
	}
}

func TestFreshOnesArePackedLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 700)
	large := tweet.Record{Kind: tweet.KindTweet, ID: 5, Payload: []byte(`{"data":{"id":"5","text":"large"}}`), Raw: bytes.Repeat([]byte("large "), 20_000)}
	recs = append(recs, large)
	for i := range recs {
		seq := tweet.Seq(i + 1)
		apply(t, a, seq, tweet.Entry{Seq: seq, FirstSeq: seq, Record: recs[i]})
		if i == 500 {
			if blocks, alone := packedIn(t, path); blocks != 0 || alone != 501 {
				t.Errorf("fresh ones: %d blocks, %d alone", blocks, alone)
			}
		}
	}
	if blocks, alone := packedIn(t, path); blocks != 8 || alone != 701-8*64 {
		t.Errorf("later: %d blocks, %d alone", blocks, alone)
	}
	if err := a.Optimize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, alone := packedIn(t, path); alone != 1 {
		t.Errorf("%d alone in the end, want the large one", alone)
	}
	for i := range recs {
		sameDocument(t, get(t, a, recs[i].ID), &recs[i])
	}
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

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
