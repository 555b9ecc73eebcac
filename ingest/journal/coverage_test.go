package journal_test

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"birdwatch/ingest/coverage"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// TestSpans: what is put is found by time, source, kind and page, also when the journal was closed in between, and in files that
// lack the table.
func TestSpans(t *testing.T) {
	path := t.TempDir() + "/journal.db"
	j := openAt(t, path, journal.Options{})
	spans := []coverage.Span{
		{ID: 1, Source: "stream:a", Kind: coverage.Connected, Begin: 100, End: 200, Count: 7, Seq: 3, Asked: "track=a"},
		{ID: 2, Source: "stream:a", Kind: coverage.Gap, Begin: 200, End: 300, Cause: "reset", Refusals: map[string]int64{"http-503": 2}, Before: []tweet.ID{1, 2}, After: []tweet.ID{1<<63 - 1},
			Filled: &coverage.Filled{By: "import", Span: 4, Count: 1, Evidence: "e"}},
		{ID: 3, Source: "stream:a", Kind: coverage.Connected, Begin: 300, Seen: 320},
		{ID: 4, Source: "import", Kind: coverage.Import, Begin: 50, End: 900, File: &coverage.File{Name: "f", SHA256: "s", MinID: 1 << 62}},
	}
	put := func(s ...coverage.Span) {
		t.Helper()
		if err := j.PutSpans(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	put(spans...)
	put(coverage.Span{ID: 3, Source: "stream:a", Kind: coverage.Connected, Begin: 300, Seen: 390})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path, journal.Options{})
	ids := func(q coverage.Query) string {
		t.Helper()
		found, err := j.Spans(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		for _, s := range found {
			ids = append(ids, s.ID)
			if want := spans[s.ID-1]; s.ID != 3 && !reflect.DeepEqual(s, want) || s.ID == 3 && s.Seen != 390 {
				t.Errorf("%+v, want %+v", s, want)
			}
		}
		return fmt.Sprint(ids)
	}
	for _, tt := range []struct {
		q    coverage.Query
		want string
	}{
		{coverage.Query{}, "[4 1 2 3]"},
		{coverage.Query{Limit: 2}, "[4 1]"},
		{coverage.Query{After: coverage.Place{Begin: 100, ID: 1}}, "[2 3]"},
		{coverage.Query{Begin: 201, End: 300}, "[4 2]"},
		{coverage.Query{Begin: 1000}, "[3]"},
		{coverage.Query{End: 100}, "[4]"},
		{coverage.Query{Source: "stream:a", Kinds: []coverage.Kind{coverage.Gap, coverage.Import}}, "[2]"},
		{coverage.Query{Open: true}, "[3]"},
	} {
		if got := ids(tt.q); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.q, got, tt.want)
		}
	}
	if last, err := j.LastSpan(t.Context()); last != 4 || err != nil {
		t.Errorf("last span %d %v", last, err)
	}
}

// TestArrivals gives the newest tweets of a source, oldest first, and no notices.
func TestArrivals(t *testing.T) {
	j := openAt(t, t.TempDir()+"/journal.db", journal.Options{})
	from := func(source string, id tweet.ID) tweet.Record {
		r := sighting(id, 1, "a", false)
		r.Provenance.From = source
		return r
	}
	appendAll(t, j, from("stream:a", 1), from("stream:b", 2), from("stream:a", 3), from("stream:a", 4),
		tweet.Record{Kind: tweet.KindDelete, ID: 9, Provenance: tweet.Provenance{From: "stream:a"}})
	for _, tt := range []struct {
		after tweet.Seq
		n     int
		want  []tweet.ID
	}{{0, 2, []tweet.ID{3, 4}}, {0, 9, []tweet.ID{1, 3, 4}}, {3, 9, []tweet.ID{4}}, {9, 9, nil}} {
		as, err := j.Arrivals(t.Context(), "stream:a", tt.after, tt.n)
		var ids []tweet.ID
		for _, a := range as {
			if ids = append(ids, a.ID); a.At == 0 {
				t.Errorf("no time: %+v", a)
			}
		}
		if err != nil || !slices.Equal(ids, tt.want) {
			t.Errorf("behind %d: %v %v", tt.after, ids, err)
		}
	}
}

// TestFilledGapStaysFilled: an import fills a gap while the source still notes what came behind it.
func TestFilledGapStaysFilled(t *testing.T) {
	j := openAt(t, filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	now := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
	l, err := coverage.Open(t.Context(), j, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := l.Source("stream:a")
	took := func(connection int64, after time.Duration) {
		now = now.Add(after)
		s.Took(connection, now, []tweet.Record{{Kind: tweet.KindTweet, ID: tweet.IDAt(now)}})
	}
	gap := func() coverage.Span {
		gaps, err := l.Spans(t.Context(), coverage.Query{Kinds: []coverage.Kind{coverage.Gap}})
		if err != nil || len(gaps) != 1 {
			t.Fatalf("gaps %v, %v", gaps, err)
		}
		return gaps[0]
	}
	s.Started(now, func() time.Time { return now })
	s.Connected(1, now, "x", 0)
	took(1, 0)
	s.Ended(1, "reset", "")
	now = now.Add(time.Hour)
	s.Connected(2, now, "x", 0)
	took(2, time.Second)
	w := coverage.NewWatch([]coverage.Span{gap()}, "")
	for _, id := range append(gap().Before, gap().After...) {
		w.Tweet(id)
	}
	if err := l.Imported(t.Context(), []coverage.Span{{Begin: 1, End: 2, File: &coverage.File{Name: "f"}}}, w.Filled(1, math.MaxInt64)); err != nil {
		t.Fatal(err)
	}
	if gap().Filled == nil {
		t.Fatal("the gap is not filled")
	}
	took(2, time.Second)
	if gap().Filled == nil {
		t.Error("the next tweet opens the gap again")
	}
}

// TestWanted: of many ids, those that neither came nor were deleted stay, in order.
func TestWanted(t *testing.T) {
	j := openAt(t, filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if _, err := j.Append(t.Context(), []tweet.Record{{Kind: tweet.KindTweet, ID: 3, Payload: []byte(`{"data":{"id":"3","text":"a"}}`)}, {Kind: tweet.KindDelete, ID: 5}}); err != nil {
		t.Fatal(err)
	}
	wanted := func(after tweet.ID, n int) []tweet.ID {
		ids, err := j.Wanted(t.Context(), after, n)
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	for range 2 {
		if err := j.Want(t.Context(), []tweet.ID{9, 5, 3, 1, 7}); err != nil {
			t.Fatal(err)
		}
	}
	if all, some := wanted(0, 10), wanted(1, 1); !slices.Equal(all, []tweet.ID{1, 7, 9}) || !slices.Equal(some, []tweet.ID{7}) {
		t.Errorf("wanted %v, of them %v", all, some)
	}
	if _, err := j.Append(t.Context(), []tweet.Record{{Kind: tweet.KindTweet, ID: 7, Payload: []byte(`{"data":{"id":"7","text":"a"}}`)}, {Kind: tweet.KindDelete, ID: 1}}); err != nil {
		t.Fatal(err)
	}
	if all := wanted(0, 10); !slices.Equal(all, []tweet.ID{9}) {
		t.Errorf("wanted %v", all)
	}
}
