package elastic_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// seconds gives an id of the second of two years.
const second = tweet.ID(1) << 53

// makeOld fills an archive of two periods and makes it look as if an older program had.
func makeOld(t testing.TB, a *elastic.Archive, url, prefix string, n int) {
	t.Helper()
	var docs []*tweet.Payload
	for i := range n {
		docs = append(docs, text(tweet.ID(i+1), fmt.Sprintf("number %d", i+1)), text(second+tweet.ID(i), fmt.Sprintf("late number %d", i+1)))
	}
	fill(t, a, docs)
	ask(t, "PUT", url+"/"+prefix+"/_mapping", `{"_meta":{"format":1,"analysis":1,"period":"year"}}`)
	if s, err := a.Stats(t.Context()); err != nil || !s.Stale {
		t.Fatalf("not stale: %+v, %v", s, err)
	}
}

// generations gives the names of the data indices that there are.
func generations(t testing.TB, url, prefix string) (names []string) {
	t.Helper()
	for line := range strings.Lines(ask(t, "GET", url+"/_cat/indices/"+prefix+"-*-*?h=index", "")) {
		if name := strings.TrimSpace(line); strings.Contains(name, "-0000") {
			names = append(names, strings.TrimPrefix(name, prefix))
		}
	}
	slices.Sort(names)
	return names
}

// TestReindexWhileInUse: while it runs, writes of every kind and searches go on; the new index has all of them and the old is gone.
func TestReindexWhileInUse(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		var way network
		a := open(t, url, as(prefix, "w"), through(&way))
		apply(t, a, 1, entry(t, 1, 1, text(5_000_000, "first")))
		const n = 1500
		makeOld(t, a, url, prefix, n)

		var swapped atomic.Bool
		seq := tweet.Seq(1)
		var mu sync.Mutex // guards seq
		var writing sync.WaitGroup
		write := func() {
			mu.Lock()
			defer mu.Unlock()
			seq += 10
			k := tweet.ID(seq) / 10
			e := []tweet.Entry{entry(t, seq, 5, text(k*7, "changed")), deleted(seq+1, second+k*3, 9), entry(t, seq+2, 1, text(1_000_000+k, "new")), entry(t, seq+3, 1, text(second+1_000_000+k, "new"))}
			if _, err := a.Apply(t.Context(), e, tweet.Position{Epoch: "e", Seq: seq + 3}); err != nil {
				t.Error(err)
			}
			if err := a.Purge(t.Context(), []tweet.ID{k*11 + 500}); err != nil {
				t.Error(err)
			}
		}
		var searching sync.WaitGroup
		done := make(chan struct{})
		searching.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := a.Search(t.Context(), search.Request{Query: parse(t, "first"), Limit: 5}); err != nil {
					t.Errorf("search: %v", err)
				}
				if c, err := a.Count(t.Context(), search.Request{Query: parse(t, "number")}, always); err != nil || c[0] < n {
					t.Errorf("count: %v, %v", c, err)
				}
			}
		})
		steps := 0
		err := a.Reindex(t.Context(), func(done, total int64) {
			if steps++; done > total || total != 2*n+1 {
				t.Errorf("progress %d of %d", done, total)
			}
			swapped.Store(len(generations(t, url, prefix)) > 2)
			writing.Go(write) // it waits for its turn
		})
		close(done)
		searching.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if steps < 6 || !swapped.Load() {
			t.Errorf("%d steps, beside the old: %v", steps, swapped.Load())
		}
		writing.Wait()
		write()
		checkAfterReindex(t, a, url, prefix, n, seq)
	})
}

func checkAfterReindex(t *testing.T, a *elastic.Archive, url, prefix string, n int, seq tweet.Seq) {
	t.Helper()
	s, err := a.Stats(t.Context())
	if err != nil || s.Stale || s.DeadLetters != 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
	if names := generations(t, url, prefix); !slices.Equal(names, []string{"-0-000002", "-2010-000002"}) && !slices.Equal(names, []string{"-0-000002", "-2013-000002"}) && len(names) != 2 {
		t.Errorf("indices %v", names)
	}
	changed, added := finds(t, a, "changed"), finds(t, a, "new")
	for k := tweet.ID(1); k <= tweet.ID(seq)/10; k++ {
		if d := get(t, a, second+k*3); d == nil || !d.Tombstone {
			t.Errorf("%d was deleted: %s", second+k*3, show(d))
		}
		if d := get(t, a, k*11+500); d != nil {
			t.Errorf("%d was purged: %s", k*11+500, show(d))
		}
		if !slices.Contains(changed, k*7) || !slices.Contains(added, 1_000_000+k) || !slices.Contains(added, second+1_000_000+k) {
			t.Errorf("what was written in step %d is not there", k)
		}
	}
}

// TestReindexGoesOn: broken off wherever it may be, by a death or by a server that is away, it goes on, and what is written before it does is in the new
// index too.
func TestReindexGoesOn(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		apply(t, a, 1, entry(t, 1, 1, text(5_000_000, "first")))
		const n = 700
		makeOld(t, a, url, prefix, n)
		holder := &tweet.Payload{Data: tweet.Tweet{ID: 900_000, Text: "quoting", ReferencedTweets: []tweet.Reference{{Type: "quoted", ID: 1}}}, Includes: &tweet.Includes{Tweets: []tweet.Tweet{{ID: 1, Text: "xyzzysecret"}}}}
		fill(t, a, []*tweet.Payload{holder})

		through := false
		for calls, round := 12, 0; !through && round < 30; calls, round = calls+9, round+1 {
			through = reindexUntil(t, url, prefix, calls)
			// Written by one who only writes, while the other is dead.
			b := open(t, url, as(prefix, "w"))
			k := tweet.ID(round + 1)
			apply(t, b, tweet.Seq(round+2), entry(t, tweet.Seq(round+2), 5, text(k*13, "changed")), deleted(tweet.Seq(round+2), 2_000_000+k, 1, 900_000))
			// The cut does not change the version of the holder.
			if round == 1 {
				apply(t, b, tweet.Seq(round+2), deleted(tweet.Seq(round+2), 1, 9, 900_000))
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if !through {
			t.Fatal("it never came to an end")
		}
		c := open(t, url, as(prefix, "w"))
		if s, err := c.Stats(t.Context()); err != nil || s.Stale || s.DeadLetters != 0 {
			t.Errorf("stats %+v, %v", s, err)
		}
		if ids := finds(t, c, "number"); len(ids) < 2*n-40 {
			t.Errorf("%d tweets of %d", len(ids), 2*n)
		}
		if d := get(t, c, 900_000); d == nil || !d.RawCut || strings.Contains(string(d.Payload), "xyzzysecret") {
			t.Errorf("the holder: %s", show(d))
		}
		if names := generations(t, url, prefix); len(names) != 2 {
			t.Errorf("indices %v", names)
		}
	})
}

// reindexUntil makes an archive's index again, by a process that is dead after so many requests; true when it was through by then.
func reindexUntil(t *testing.T, url, prefix string, calls int) bool {
	t.Helper()
	var way network
	a, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "w", Transport: &way})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	var left atomic.Int64
	left.Store(int64(calls))
	way.set(func(*http.Request) (*http.Response, error) {
		if left.Add(-1) < 0 {
			cancel()
			return nil, errors.New("dead")
		}
		return nil, nil
	})
	err = a.Reindex(ctx, nil)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	return err == nil
}
