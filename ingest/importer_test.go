package ingest_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/ingest"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

func run(t testing.TB, im *ingest.Importer, recs ...tweet.Record) ingest.Summary {
	t.Helper()
	s, err := im.Run(context.Background(), slices.Values(recs), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestImportCounts(t *testing.T) {
	j, a := openJournal(t, filepath.Join(t.TempDir(), "journal.db")), newArchive()
	defer j.Close()
	recs := []tweet.Record{sighting(1, 5, "a", false), sighting(2, 5, "b", false), sighting(1, 5, "a", false), sighting(1, 9, "c", false),
		deletion(3, 1), sighting(3, 5, "d", false), deletion(2, 8), sighting(4, 0, "repeats", true, 3)}
	im := importer(j, a)
	want := ingest.Summary{Read: 6, New: 2, Same: 1, Updated: 1, Deleted: 2, Notices: 2, Honored: 1}
	got := run(t, im, recs...)
	follow(t, j, a)
	if got != want {
		t.Errorf("first time\n got %+v\nwant %+v", got, want)
	}
	before, calls := a.state(), a.calls
	got = run(t, im, recs...)
	follow(t, j, a)
	// An older sighting of a tweet that came newer meanwhile is looked at again, and changes nothing.
	want = ingest.Summary{Read: 6, Same: 3, Deleted: 3, Notices: 2, Honored: 2}
	if got != want {
		t.Errorf("second time\n got %+v\nwant %+v", got, want)
	}
	if a.state() != before {
		t.Errorf("a second import changed\n%sto\n%s", before, a.state())
	}
	if a.calls-calls > 4 {
		t.Errorf("%d calls of the archive", a.calls-calls)
	}
}

// A crash or an error at any point of an import is mended by importing again.
func TestImportHeals(t *testing.T) {
	away := errors.New("away")
	for name, breaks := range map[string]func(*ingest.Importer, *archive){
		"write": func(im *ingest.Importer, _ *archive) {
			im.Write = func(context.Context, []tweet.Record) ([]ingest.Effect, error) { return nil, away }
		},
		"confirm": func(im *ingest.Importer, _ *archive) {
			claim := im.Claim
			im.Claim = func(ctx context.Context, recs []tweet.Record) (ingest.Claim, error) {
				c, err := claim(ctx, recs)
				c.Confirm = func(context.Context) error { return away }
				return c, err
			}
		},
		"look again": func(im *ingest.Importer, _ *archive) {
			im.Gone = func(context.Context, []tweet.ID) ([]bool, error) { return nil, away }
		},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "journal.db")
				j, a := openJournal(t, path), newArchive()
				defer func() { j.Close() }()
				recs := []tweet.Record{sighting(1, 5, "a", false), sighting(2, 5, "b", false), sighting(3, 5, "quotes", false, 1), sighting(1, 3, "older", false)}
				broken := importer(j, a)
				breaks(broken, a)
				if _, err := broken.Run(t.Context(), slices.Values(recs), nil); !errors.Is(err, away) {
					t.Fatalf("error %v", err)
				}
				if restart {
					if err := j.Close(); err != nil {
						t.Fatal(err)
					}
					j = openJournal(t, path)
				}
				s := run(t, importer(j, a), recs...)
				follow(t, j, a)
				whole := newArchive()
				other := openJournal(t, filepath.Join(t.TempDir(), "journal.db"))
				defer other.Close()
				run(t, importer(other, whole), recs...)
				if got, want := a.state(), whole.state(); got != want {
					t.Errorf("%+v\n got %s\nwant %s", s, got, want)
				}
			})
		}
	}
}

// What is deleted while an import writes is deleted after it, and no copy stays.
func TestDeletedWhileItWasWritten(t *testing.T) {
	j, a := openJournal(t, filepath.Join(t.TempDir(), "journal.db")), newArchive()
	defer j.Close()
	im := importer(j, a)
	im.Write = func(ctx context.Context, recs []tweet.Record) ([]ingest.Effect, error) {
		if _, err := j.Append(ctx, []tweet.Record{deletion(1, 9), deletion(4, 9)}); err != nil {
			return nil, err
		}
		follow(t, j, a) // the archive meets the delete before the tweets
		return a.write(ctx, recs)
	}
	run(t, im, sighting(1, 5, "SECRET", false), sighting(2, 5, "quotes", false, 1), sighting(3, 5, "repeats", true, 1), sighting(5, 5, "quotes", false, 4), sighting(6, 0, "stays", false))
	follow(t, j, a)
	got := a.state()
	for _, s := range []string{"SECRET", "copy of 1", "copy of 4", "repeats"} {
		if strings.Contains(got, s) {
			t.Errorf("%q stayed:\n%s", s, got)
		}
	}
	if !strings.Contains(got, "stays") || strings.Count(got, "quotes") < 2 {
		t.Errorf("too much went:\n%s", got)
	}
}

func TestCancelledImportEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, a := openJournal(t, path), newArchive()
	defer func() { j.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	var all []tweet.Record
	for i := range 9000 {
		all = append(all, sighting(tweet.ID(i+1), 0, "x", false))
	}
	var seen []ingest.Summary
	s, err := importer(j, a).Run(ctx, slices.Values(all), func(s ingest.Summary) {
		if seen = append(seen, s); len(seen) == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if s.Read != s.New || s.Read < 2*2000 || s.Read >= 9000 {
		t.Errorf("%+v", s)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, path)
	run(t, importer(j, a), all...)
	if len(a.docs) != len(all) {
		t.Errorf("%d of %d tweets", len(a.docs), len(all))
	}
}

// Large records make small batches.
func TestImportBatchesAreBounded(t *testing.T) {
	large := make([]byte, 1<<20)
	var most int
	im := &ingest.Importer{Claim: func(_ context.Context, recs []tweet.Record) (ingest.Claim, error) {
		most = max(most, len(recs))
		return ingest.Claim{Write: make([]*tweet.Record, len(recs)), Gone: make([]bool, len(recs)), Confirm: func(context.Context) error { return nil }}, nil
	}}
	s := run(t, im, slices.Collect(func(yield func(tweet.Record) bool) {
		for id := tweet.ID(1); id <= 60 && yield(tweet.Record{Kind: tweet.KindTweet, ID: id, Raw: large}); id++ {
		}
	})...)
	if s.Same != 60 || most > 20 {
		t.Errorf("%+v, with %d in a batch", s, most)
	}
}

// TestReaderIsLetGo: an error behind the reader ends it.
func TestReaderIsLetGo(t *testing.T) {
	away, ended := errors.New("away"), make(chan struct{})
	var endless iter.Seq[tweet.Record] = func(yield func(tweet.Record) bool) {
		defer close(ended)
		for id := tweet.ID(1); yield(sighting(id, 0, "x", false)); id++ {
		}
	}
	im := &ingest.Importer{Claim: func(context.Context, []tweet.Record) (ingest.Claim, error) { return ingest.Claim{}, away }}
	if _, err := im.Run(t.Context(), endless, nil); !errors.Is(err, away) {
		t.Error(err)
	}
	<-ended
}

// TestOrderDoesNotMatter: the same records in another order, by other ways (stream or import), with the archive's follower
// further behind or less, and with restarts, make the same documents and tombstones.
func TestOrderDoesNotMatter(t *testing.T) {
	records := rapid.Custom(func(t *rapid.T) tweet.Record {
		id, at := tweet.ID(rapid.IntRange(1, 6).Draw(t, "id")), int64(rapid.IntRange(0, 3).Draw(t, "at"))
		if rapid.IntRange(0, 5).Draw(t, "kind") == 0 {
			return deletion(id, at)
		}
		r := sighting(id, at, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text"), id == 3 || id == 4, map[tweet.ID][]tweet.ID{2: {1}, 3: {1}, 4: {2, 1}, 5: {3, 6}}[id]...)
		r.Partial = rapid.Bool().Draw(t, "partial")
		return r
	})
	rapid.Check(t, func(rt *rapid.T) {
		recs := rapid.SliceOfN(records, 1, 12).Draw(rt, "records")
		first := takeIn(t, rt, recs)
		second := takeIn(t, rt, rapid.Permutation(recs).Draw(rt, "order"))
		if first != second {
			rt.Fatalf("documents\n%s\nin another order\n%s", first, second)
		}
	})
}

func takeIn(t *testing.T, rt *rapid.T, recs []tweet.Record) string {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, a := openJournal(t, path), newArchive()
	defer func() { j.Close() }()
	for len(recs) > 0 {
		n := rapid.IntRange(1, len(recs)).Draw(rt, "batch")
		batch := recs[:n]
		recs = recs[n:]
		switch way := rapid.SampledFrom([]string{"append", "import", "append, follow", "import, follow", "import, crash, import", "import, crash, append"}).Draw(rt, "way"); way {
		case "append", "append, follow":
			appendAll(t, j, batch)
			if way != "append" {
				follow(t, j, a)
			}
		case "import", "import, follow":
			run(t, importer(j, a), batch...)
			if way != "import" {
				follow(t, j, a)
			}
		default:
			im := importer(j, a)
			im.Write = func(context.Context, []tweet.Record) ([]ingest.Effect, error) { return nil, errors.New("crash") }
			if _, err := im.Run(t.Context(), slices.Values(batch), nil); err == nil {
				rt.Log("nothing to write")
			}
			j.Close()
			j = openJournal(t, path)
			if strings.HasSuffix(way, "append") {
				appendAll(t, j, batch)
			} else {
				run(t, importer(j, a), batch...)
			}
		}
	}
	follow(t, j, a)
	return a.state()
}

func appendAll(t testing.TB, j *journal.Journal, recs []tweet.Record) {
	t.Helper()
	if _, err := j.Append(context.Background(), recs); err != nil {
		t.Fatal(err)
	}
}
