package elastic_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// clock is one that can be set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }
func (c *clock) set(o *elastic.Options)  { o.Now = c.now }

// mayOpen tries to open an archive for writing.
func mayOpen(t testing.TB, url string, change ...func(*elastic.Options)) error {
	t.Helper()
	o := elastic.Options{URLs: []string{url}}
	for _, f := range change {
		f(&o)
	}
	a, err := elastic.Open(t.Context(), o)
	if err != nil {
		return err
	}
	return a.Close()
}

// leasedTo checks that an error names who writes the archive.
func leasedTo(t testing.TB, err error, owner string) {
	t.Helper()
	var leased *elastic.LeasedError
	if !errors.As(err, &leased) || !errors.Is(err, elastic.ErrLeased) || !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("no lease is in the way: %v", err)
		return
	}
	if left := time.Until(leased.Until); leased.Owner != owner || left < 0 || left > 2*time.Hour || !strings.Contains(elastic.Explain(err), owner) {
		t.Errorf("%+v, explained %q; want %s", leased, elastic.Explain(err), owner)
	}
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		first, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "first"})
		if err != nil {
			t.Fatal(err)
		}
		leasedTo(t, mayOpen(t, url, as(prefix, "second")), "first")

		reader := open(t, url, as(prefix, "reader"), func(o *elastic.Options) { o.ReadOnly = true })
		if _, err := reader.Apply(t.Context(), nil, tweet.Position{Epoch: "e", Seq: 1}); !errors.Is(err, elastic.ErrReadOnly) {
			t.Errorf("a reader writes: %v", err)
		}
		apply(t, first, 1, entry(t, 1, 1, text(1, "one")))
		if p, err := reader.Position(t.Context()); err != nil || p.Seq != 1 || len(finds(t, reader, "one")) != 1 {
			t.Errorf("a reader sees position %v, %v", p, err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		second := open(t, url, as(prefix, "second"))
		apply(t, second, 2, entry(t, 2, 1, text(2, "two")))
	})
}

// TestLeaseOfTheDead: it runs out, and whoever comes back from the dead writes no more.
func TestLeaseOfTheDead(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		hour := func(o *elastic.Options) { o.Lease = time.Hour }
		first := open(t, url, as(prefix, "first"), hour)
		apply(t, first, 1, entry(t, 1, 1, text(1, "one")))

		var later clock
		later.forward(59 * time.Minute)
		leasedTo(t, mayOpen(t, url, as(prefix, "second"), hour, later.set), "first")
		later.forward(2 * time.Minute)
		second := open(t, url, as(prefix, "second"), later.set)
		apply(t, second, 2, entry(t, 2, 1, text(2, "two")))
	})
}

// TestStoppedWriter: one that was stopped past its lease finds out before it writes, and goes on from what the other left when it may again.
func TestStoppedWriter(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		var one, two clock
		first := open(t, url, as(prefix, "first"), one.set, func(o *elastic.Options) { o.Lease = time.Hour })
		apply(t, first, 1, entry(t, 1, 1, text(1, "one")))

		two.forward(61 * time.Minute)
		second, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "second", Now: two.now, Lease: 10 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, second, 5, entry(t, 2, 1, text(2, "two")), tweet.Entry{Seq: 3, Record: tweet.Record{Kind: tweet.KindGeo, ID: 100, UserID: 7}})

		one.forward(62 * time.Minute)
		placed := text(3, "three")
		placed.Data.AuthorID, placed.Data.Geo = 7, &tweet.Geo{PlaceID: "x"}
		late := []tweet.Entry{entry(t, 2, 1, placed)}
		_, err = first.Apply(t.Context(), late, tweet.Position{Epoch: "e", Seq: 2})
		leasedTo(t, err, "second")
		if _, err := first.Import(t.Context(), []tweet.Record{record(t, placed)}); !errors.Is(err, elastic.ErrLeased) {
			t.Errorf("an import waits for a lease: %v", err)
		}
		if ids := finds(t, second, ""); len(ids) != 2 {
			t.Errorf("written by the stopped one: %v", ids)
		}
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
		apply(t, first, 2, late...)
		if p, err := first.Position(t.Context()); err != nil || p.Seq != 5 {
			t.Errorf("the position went back to %v, %v", p, err)
		}
		if d := get(t, first, 3); d == nil || strings.Contains(string(d.Payload), "geo") {
			t.Errorf("the other's notice is not known: %s", show(d))
		}
	})
}

// TestSameOwner: one that was killed is followed at once by one of its name, and if it was not, it notices.
func TestSameOwner(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		first := open(t, url, as(prefix, "same"))
		apply(t, first, 1, entry(t, 1, 1, text(1, "one")))
		second := open(t, url, as(prefix, "same"))
		apply(t, second, 7, entry(t, 2, 1, text(2, "two")))
		// The first takes it back in its turn; it must not believe that it knows the position.
		if _, err := first.Apply(t.Context(), []tweet.Entry{entry(t, 3, 1, text(3, "three"))}, tweet.Position{Epoch: "e", Seq: 3}); err != nil && !errors.Is(err, search.ErrUnavailable) {
			t.Error(err)
		}
		apply(t, first, 3, entry(t, 3, 1, text(3, "three")))
		if p, err := first.Position(t.Context()); err != nil || p.Seq != 7 {
			t.Errorf("the position went back to %v, %v", p, err)
		}
	})
}

// TestSignsOfLife: a writer that has nothing to write keeps its lease all the same.
func TestSignsOfLife(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		first := open(t, url, as(prefix, "first"), func(o *elastic.Options) { o.Lease = 2 * time.Second })
		for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
			leasedTo(t, mayOpen(t, url, as(prefix, "second")), "first")
		}
		apply(t, first, 1, entry(t, 1, 1, text(1, "one")))
	})
}

// TestOpenWhileAway: an archive opens without its server, says so, and works from when the server is there.
func TestOpenWhileAway(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		var way network
		way.set(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "first"), through(&way))
		for what, err := range map[string]error{
			"position": func() error { _, err := a.Position(t.Context()); return err }(),
			"apply":    func() error { _, err := a.Apply(t.Context(), nil, tweet.Position{Epoch: "e", Seq: 1}); return err }(),
			"search": func() error {
				_, err := a.Search(t.Context(), search.Request{Query: parse(t, ""), Limit: 1})
				return err
			}(),
			"get":     func() error { _, err := a.Get(t.Context(), 1); return err }(),
			"stats":   func() error { _, err := a.Stats(t.Context()); return err }(),
			"letters": func() error { _, err := a.DeadLetters(t.Context(), "", 1); return err }(),
			"retry":   func() error { _, err := a.Retry(t.Context(), "x"); return err }(),
		} {
			if !errors.Is(err, search.ErrUnavailable) || elastic.Explain(err) != "Elasticsearch does not answer" {
				t.Errorf("%s: %v", what, err)
			}
		}
		way.set(nil)
		apply(t, a, 1, entry(t, 1, 1, text(1, "one")))
		leasedTo(t, mayOpen(t, url, as(prefix, "second")), "first")
		total(t, a, 1, 0, 1)
	})
}

func TestNewerVersions(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		apply(t, a, 1, entry(t, 1, 1, text(1, "one")))
		ask(t, "PUT", url+"/"+prefix+"-0/_mapping", `{"_meta":{"format":1,"analysis":1,"period":"year"}}`)
		if s, err := a.Stats(t.Context()); err != nil || !s.Stale {
			t.Errorf("an older analysis: %+v, %v", s, err)
		}
		for _, meta := range []string{`{"format":99,"analysis":1}`, `{"format":1,"analysis":99}`} {
			ask(t, "PUT", url+"/"+prefix+"-0/_mapping", `{"_meta":`+meta+`}`)
			if err := mayOpen(t, url, as(prefix, "w")); !errors.Is(err, elastic.ErrNewer) {
				t.Errorf("%s: %v", meta, err)
			}
			if err := mayOpen(t, url, as(prefix, "r"), func(o *elastic.Options) { o.ReadOnly = true }); !errors.Is(err, elastic.ErrNewer) {
				t.Errorf("%s for reading: %v", meta, err)
			}
		}
	})
}

// TestPeriodIsKept: an archive of months stays one, whoever opens it.
func TestPeriodIsKept(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		id := tweet.IDAt(time.Date(2013, 5, 7, 0, 0, 0, 0, time.UTC))
		for i, period := range []string{"month", "", "year"} {
			a, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "w", Period: period})
			if err != nil {
				t.Fatal(err)
			}
			apply(t, a, tweet.Seq(i+1), entry(t, tweet.Seq(i+1), 1, text(id+tweet.ID(i)<<53, "one")))
			if ids := finds(t, a, "one"); len(ids) != i+1 {
				t.Errorf("%v", ids)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := tryAsk(t, "GET", url+"/"+prefix+"-2013-05/_doc/"+id.String(), ""); err != nil {
			t.Error(err)
		}
	})
}
