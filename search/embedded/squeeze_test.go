package embedded_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/tweet"
)

// TestCompactSqueezes: blocks become smaller and give back the same, once; those that come later do the next time.
func TestCompactSqueezes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 2000)
	do := func(step func(context.Context) error) {
		t.Helper()
		if err := errors.Join(step(t.Context()), a.Check(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	importAll(t, a, recs[:1000])
	do(a.Optimize) // packs those that are alone
	was, mark := blocksIn(t, path)
	do(a.Compact)
	now, squeezed := blocksIn(t, path)
	if mark != 0 || squeezed != int64(len(now)) || total(now) >= total(was) {
		t.Errorf("%d bytes of %d, up to block %d and then %d", total(now), total(was), mark, squeezed)
	}

	importAll(t, a, recs[1000:])
	do(a.Optimize)
	more, _ := blocksIn(t, path)
	do(a.Compact)
	end, squeezed := blocksIn(t, path)
	if total(end[:len(now)]) != total(now) || total(end) >= total(more) || squeezed != int64(len(end)) {
		t.Errorf("%d bytes, %d with the later ones, %d when these were squeezed up to %d", total(now), total(more), total(end), squeezed)
	}
	for i := range recs {
		sameDocument(t, get(t, a, recs[i].ID), &recs[i])
	}

	// A block that loses a tweet is written anew, and squeezed again.
	apply(t, a, 1, deleted(1, recs[0].ID, 20))
	if _, mark := blocksIn(t, path); mark != 0 {
		t.Errorf("block 1 was written, and squeezed are those up to %d", mark)
	}
}

// TestSqueezeStops: what is done before the end is kept, and nothing is lost by a block that cannot be read.
func TestSqueezeStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openPath(t, path)
	defer a.Close()
	recs := markedAll(t, 0, 30*full)
	importAll(t, a, recs)
	write(t, path, "UPDATE blocks SET back = CAST(x'00' || substr(back, 2) AS BLOB) WHERE n = 20")
	write(t, path, "CREATE TABLE junk AS SELECT randomblob(100000) AS x; DROP TABLE junk")
	was, _ := blocksIn(t, path)
	if err := a.Compact(t.Context()); err == nil || !strings.Contains(err.Error(), "block 20") {
		t.Fatalf("a broken block is squeezed: %v", err)
	}
	blocks, mark := blocksIn(t, path)
	if mark != 30 || len(blocks) != 30 || blocks[19] != was[19] || total(blocks[20:]) >= total(was[20:]) {
		t.Errorf("squeezed up to block %d; sizes %v, before %v", mark, blocks, was)
	}
	if free := value[int](t, path, "PRAGMA freelist_count"); free != 0 {
		t.Errorf("%d pages of what was before are still in the file", free)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	for _, r := range recs[:16*full] {
		sameDocument(t, get(t, a, r.ID), &r)
	}
	if page := finds(t, a, markOf(29*full)); len(page) != 1 || page[0] != tweet.ID(recs[29*full].ID) {
		t.Errorf("behind it: %v", page)
	}
}

// blocksIn gives the sizes of the blocks by their number, and up to which they are squeezed.
func blocksIn(t *testing.T, path string) (sizes []int, mark int64) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT length(front) + length(back) FROM blocks ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return sizes, value[int64](t, path, "SELECT ifnull(max(value), 0) FROM meta WHERE key = 'squeezed'")
}

func total(sizes []int) (n int) {
	for _, s := range sizes {
		n += s
	}
	return n
}

func write(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}
