package embedded_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"birdwatch/search/embedded"
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

// full is how many tweets a block has.
const full = 80

func TestBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 1000)
	importAll(t, a, recs)
	if blocks, alone := packedIn(t, path); blocks != 12 || alone != 1000-12*full {
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
	apply(t, a, 1, deleted(1, recs[90].ID, 20))
	if err := a.Purge(t.Context(), []tweet.ID{recs[91].ID}); err != nil {
		t.Fatal(err)
	}
	recs[92] = marked(t, 92, 30, markOf(92)+" "+markOf(5000))
	e := tweet.Entry{Seq: 2, FirstSeq: 2, Record: recs[92]}
	apply(t, a, 2, e)
	check(func(n int) bool { return n == 90 || n == 91 })
	for _, mark := range []string{markOf(90), markOf(91)} {
		if places := traces(t, path, mark); len(places) > 0 {
			t.Errorf("traces of %s in %v", mark, places)
		}
	}
	if places := traces(t, path, markOf(93)); len(places) < 2 {
		t.Errorf("what is there is found in %v only: the search is blind", places)
	}

	// A block that loses most is no block any more; one that loses all is gone, too.
	var es []tweet.Entry
	for n := range full {
		if n%8 != 0 {
			es = append(es, deleted(3, recs[n].ID, 20))
		}
		es = append(es, deleted(3, recs[8*full+n].ID, 20))
	}
	apply(t, a, 3, es...)
	gone := func(n int) bool { return n == 90 || n == 91 || n < full && n%8 != 0 || n >= 8*full && n < 9*full }
	check(gone)
	if blocks, alone := packedIn(t, path); blocks != 10 || alone != 1000-12*full+1+10 {
		t.Errorf("%d blocks, and %d alone", blocks, alone)
	}
	if err := a.Optimize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if blocks, alone := packedIn(t, path); blocks != 11 || alone != 0 {
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
	if blocks, alone := packedIn(t, path); blocks != 6 || alone != 701-6*full {
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
