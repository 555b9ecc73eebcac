package embedded_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// oldArchive is a copy of an archive of format 1: 55 tweets of the bundled sample, with updates, 7 tombstones, a dead letter, notices, a tweet
// whose time and id disagree, and an import.
func oldArchive(t testing.TB) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "format1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "archive.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openAt(t testing.TB, path string, o embedded.Options) *embedded.Archive {
	t.Helper()
	a, err := embedded.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() }) // some tests close it themselves
	return a
}

// held gives all tweets of an archive, and the documents as text.
func held(t testing.TB, a *embedded.Archive) (tweets []*tweet.Payload, docs []string) {
	t.Helper()
	var after tweet.ID
	for {
		some, err := a.Documents(t.Context(), after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return tweets, docs
		}
		for _, d := range some {
			if d.ID <= after {
				t.Fatalf("document %d after %d", d.ID, after)
			}
			after = d.ID
			docs = append(docs, fmt.Sprintf("%+v", *d))
			if d.Tombstone {
				continue
			}
			p, err := tweet.Decode(d.Payload)
			if err != nil {
				t.Fatal(err)
			}
			tweets = append(tweets, p)
		}
	}
}

// checkIndex holds an archive to the Matcher over its own tweets: random queries, all figures, all tweets.
func checkIndex(t *testing.T, a *embedded.Archive, queries int) {
	t.Helper()
	tweets, _ := held(t, a)
	v := querytest.VocabularyOf(tweets)
	exprs := []query.Expr{query.All()}
	for n := range queries {
		exprs = append(exprs, querytest.Exprs(v).Example(n))
	}
	for n, e := range exprs {
		if err := compare(t, a, e, byMatcher(e, tweets), 50); err != nil {
			t.Error(err)
		}
		r := search.Request{Query: e, Sort: query.Figure(n%int(query.NumFigures-1) + 1), Limit: 40}
		if got, err := walkSorted(t, a, r); err != nil || !slices.Equal(got, ranking(r, tweets)) {
			t.Errorf("%s by figure %d: %v, %v", e, r.Sort, got, err)
		}
	}
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReindexOldFormat(t *testing.T) {
	path := oldArchive(t)
	if _, err := embedded.Open(t.Context(), path, embedded.Options{}); err == nil || !strings.Contains(err.Error(), "run: birdwatch reindex") {
		t.Fatalf("a stale archive is opened: %v", err)
	}
	if n := value[int](t, path, "SELECT value FROM meta WHERE key = 'format'"); n != 1 {
		t.Fatalf("a file that was not opened has format %d now", n)
	}
	a := openAt(t, path, embedded.Options{Stale: true})
	want := search.Stats{Tweets: 55, Tombstones: 7, DeadLetters: 1, Position: tweet.Position{Epoch: "first", Seq: 92}, HighestSeq: 92, Stale: true}
	checkStats(t, a, want)
	_, before := held(t, a)

	// It answers by the old index, and says so where that cannot tell.
	if ids := finds(t, a, "imported"); !slices.Equal(ids, []tweet.ID{78}) {
		t.Errorf("before: %v", ids)
	}
	if ids := finds(t, a, "since:2001-01-01 until:2001-01-02"); len(ids) != 1 {
		t.Errorf("before: of its time and another id: %v", ids)
	}
	for _, r := range []search.Request{{Query: query.All(), Sort: query.Relevancy, Limit: 1}, {Query: parse(t, "bounding_box:[1 2 3 4]"), Limit: 1}, {Query: parse(t, "-bounding_box:[1 2 3 4]"), Limit: 1}} {
		if _, err := a.Search(t.Context(), r); !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("%s by %d of the old index: %v", r.Query, r.Sort, err)
		}
		if _, err := a.Count(t.Context(), r, always); r.Sort == 0 && !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("count of %s of the old index: %v", r.Query, err)
		}
	}

	var last [2]int64
	if err := a.Reindex(t.Context(), func(done, total int64) { last = [2]int64{done, total} }); err != nil {
		t.Fatal(err)
	}
	if last != [2]int64{62, 62} {
		t.Errorf("progress ended at %v", last)
	}
	want.Stale = false
	checkStats(t, a, want)
	if _, after := held(t, a); !slices.Equal(before, after) {
		t.Error("the documents are others now")
	}
	checkIndex(t, a, 100)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	b := openAt(t, path, embedded.Options{})
	checkIndex(t, b, 10)
	letters, err := b.DeadLetters(t.Context(), "", 10)
	if err != nil || len(letters) != 1 || letters[0].Seq != 90 || string(letters[0].Content.Raw) != "broken" {
		t.Errorf("dead letters %+v, %v", letters, err)
	}
	if n := value[int](t, path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'terms%' AND name NOT IN ('terms', 'terms_data', 'terms_idx', 'terms_docsize', 'terms_config')"); n != 0 {
		t.Errorf("%d tables are left over", n)
	}
}

// TestReindexWhileWriting: what is written while the index is made is in both, whether it was before or behind the place reached.
func TestReindexWhileWriting(t *testing.T) {
	a := open(t, embedded.Options{})
	var tweets []*tweet.Payload
	for id := range tweet.ID(6000) {
		tweets = append(tweets, text(2*id+2, fmt.Sprintf("first %d", id%7)))
	}
	fill(t, a, tweets)
	var writing sync.WaitGroup
	ended := make(chan struct{})
	seq := tweet.Seq(0)
	step := func(n int) {
		id := tweet.ID(n*7919%12_000 + 1)
		es := []tweet.Entry{entry(t, seq+1, 1, text(id|1, fmt.Sprintf("inserted %d", n))), entry(t, seq+2, 2, text(id&^1+2, fmt.Sprintf("updated %d", n)))}
		if n%3 == 0 {
			es = append(es, deleted(seq+3, id*31%12_000&^1+2, 9))
		}
		seq += 3
		apply(t, a, seq, es...)
		if n%5 == 0 {
			if err := a.Purge(t.Context(), []tweet.ID{id*17%12_000&^1 + 2}); err != nil {
				t.Error(err)
			}
		}
		all, err := a.Search(t.Context(), search.Request{Query: parse(t, fmt.Sprintf(`"inserted %d" OR "updated %d"`, n, n)), Limit: 5})
		if err != nil || len(all.Hits) == 0 {
			t.Errorf("what was written just now: %v, %v", all.Hits, err)
		}
	}
	writing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			default:
				step(n)
			}
		}
	})
	err := a.Reindex(t.Context(), nil)
	close(ended)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if seq < 3 {
		t.Errorf("only %d writes meanwhile", seq)
	}
	step(1)
	checkIndex(t, a, 5)
	written, _ := held(t, a)
	for _, word := range []string{"first", "inserted", "updated"} {
		e := parse(t, word)
		if want := byMatcher(e, written); len(want) == 0 {
			t.Errorf("no tweet is %s", word)
		} else if err := compare(t, a, e, want, 500); err != nil {
			t.Error(err)
		}
	}
}

// TestReindexBrokenOff: it goes on where it was, after a restart too, unless another program's analysis had begun it. Two at once are refused.
func TestReindexBrokenOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a := openAt(t, path, embedded.Options{})
	var tweets []*tweet.Payload
	for id := range tweet.ID(4500) {
		tweets = append(tweets, text(id+1, fmt.Sprintf("word%d", id%3)))
	}
	fill(t, a, tweets)
	breakOff := func(a *embedded.Archive, after int) (done []int64) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := a.Reindex(ctx, func(n, total int64) {
			if err := a.Reindex(t.Context(), nil); err == nil {
				t.Error("two at once")
			}
			if done = append(done, n); len(done) == after {
				cancel()
			}
		})
		if want := after > 0; errors.Is(err, context.Canceled) != want {
			t.Errorf("broken off: %v", err)
		}
		return done
	}
	if done := breakOff(a, 2); !slices.Equal(done, []int64{1000, 2000}) {
		t.Errorf("made %v", done)
	}
	fill(t, a, []*tweet.Payload{text(500, "changed meanwhile"), text(3500, "changed meanwhile")})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openAt(t, path, embedded.Options{})
	fill(t, a, []*tweet.Payload{text(501, "changed since"), text(3501, "changed since")})
	if done := breakOff(a, 1); !slices.Equal(done, []int64{3000}) {
		t.Errorf("gone on: %v", done)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	value[int](t, path, "UPDATE meta SET value = value - 1 WHERE key = 'reindex_analysis' RETURNING value")
	a = openAt(t, path, embedded.Options{})
	if done := breakOff(a, 0); !slices.Equal(done, []int64{1000, 2000, 3000, 4000, 4500}) {
		t.Errorf("from the beginning: %v", done)
	}
	checkIndex(t, a, 3)
	fill(t, a, []*tweet.Payload{text(9000, "after all")})
	checkIndex(t, a, 1)
}
