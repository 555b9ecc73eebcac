package elastic_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestRead: documents come back whole, in the order asked or by id, from all periods, tombstones among them.
func TestRead(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url, func(o *elastic.Options) { o.Period = "month" })
		var entries []tweet.Entry
		var ids []tweet.ID
		for i := range 40 {
			p := text(tweet.IDAt(time.Date(2010, 10+time.Month(i/4), 3, 0, 0, 0, 0, time.UTC))+tweet.ID(i+1), fmt.Sprintf("number %d", i))
			if i%4 == 3 {
				p.Data.ReferencedTweets = []tweet.Reference{{Type: "quoted", ID: tweet.ID(i)}}
				p.Includes = &tweet.Includes{Tweets: []tweet.Tweet{{ID: tweet.ID(i), Text: "inner"}}}
			}
			ids = append(ids, p.Data.ID)
			entries = append(entries, entry(t, tweet.Seq(i+1), int64(i), p))
		}
		apply(t, a, 40, entries...)
		apply(t, a, 41, deleted(41, ids[5], 99))
		far := text(1<<63-1, "the last id there can be")
		ids = append(ids, far.Data.ID)
		apply(t, a, 42, entry(t, 42, 7, far))
		slices.Sort(ids)

		docs, err := a.Get(t.Context(), ids[9], 12345, ids[3], 1<<62, ids[9])
		if err != nil || len(docs) != 3 || docs[0].ID != ids[9] || docs[1].ID != ids[3] || docs[2].ID != ids[9] {
			t.Fatalf("get: %v, %v", docs, err)
		}
		if d := docs[0]; !bytes.HasPrefix(d.Raw, []byte("raw of {")) || !bytes.Equal(d.Raw[len("raw of "):], d.Payload) || d.FirstSeq == 0 || d.BodyAt != d.At {
			t.Errorf("a document: %+v", d)
		}

		var got []tweet.ID
		tombstones := 0
		for after, limit := tweet.ID(0), 7; ; limit = 120 {
			docs, err := a.Documents(t.Context(), after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range docs {
				got, after = append(got, d.ID), d.ID
				if d.Tombstone {
					tombstones++
				}
			}
			if len(docs) < limit {
				break
			}
		}
		if !slices.Equal(got, ids) || tombstones != 1 {
			t.Errorf("documents: %v with %d tombstones, want %v", got, tombstones, ids)
		}

		got = nil
		copies := 0
		for i, err := range a.Identities(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, i.ID)
			copies += len(i.Copies)
			if i.FirstSeq == 0 || i.Tombstone != (i.At == 99) {
				t.Errorf("identity %+v", i)
			}
		}
		if !slices.Equal(got, ids) || copies != 10 {
			t.Errorf("identities: %v with %d copies, want %v", got, copies, ids)
		}
		for range a.Identities(t.Context()) {
			break // the rest is not asked for
		}
	})
}

// TestStats: what the server counts, and what it is.
func TestStats(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		apply(t, a, 9, entry(t, 1, 1, text(1, "one")), entry(t, 2, 1, text(2, "two")), deleted(3, 2, 5), deleted(4, 3, 5), broken(5, 4))
		got, err := a.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		version, err := elastictest.Version(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bytes < 1000 {
			t.Errorf("%d bytes", got.Bytes)
		}
		if slices.Contains(got.Lacks, "GET /") != (version[0] == '8') || slices.Contains(got.Lacks, "percolator") != (version[0] == '8') {
			t.Errorf("lacks %q", got.Lacks)
		}
		got.Bytes, got.Lacks = 0, nil
		want := search.Stats{Tweets: 1, Tombstones: 2, DeadLetters: 1, Position: tweet.Position{Epoch: "e", Seq: 9}, HighestSeq: 9, Engine: "elasticsearch " + version}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// TestOtherProcess: what one process wrote, in indices that it made meanwhile and far from where its time would be, another finds
// once it has asked for the position.
func TestOtherProcess(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "one"))
		b := open(t, url, as(prefix, "another"), func(o *elastic.Options) { o.ReadOnly = true })
		find := func(text string) []tweet.ID {
			t.Helper()
			if _, err := b.Position(t.Context()); err != nil {
				t.Fatal(err)
			}
			return finds(t, b, text)
		}
		at := func(year int) *tweet.Payload {
			now := time.Date(year, 5, 1, 0, 0, 0, 0, time.UTC)
			return &tweet.Payload{Data: tweet.Tweet{ID: tweet.IDAt(now) + 1, Text: "w", CreatedAt: now.Format(tweet.TimeLayout)}}
		}
		if ids := find("w since:2012-01-01"); len(ids) != 0 {
			t.Errorf("before anything: %v", ids)
		}
		for i, year := range []int{2013, 2015, 2011} {
			apply(t, a, tweet.Seq(i+1), entry(t, tweet.Seq(i+1), 1, at(year)))
			if ids := find("w"); len(ids) != i+1 {
				t.Errorf("after the year %d: %v", year, ids)
			}
			if ids := find(fmt.Sprintf("w since:%d-01-01 until:%d-01-01", year, year+1)); len(ids) != 1 {
				t.Errorf("in the year %d: %v", year, ids)
			}
		}
		// One whose time is of a year that it is not filed in.
		stray := at(2011)
		stray.Data.ID, stray.Data.CreatedAt = stray.Data.ID+5, "2014-05-01T00:00:00.000Z"
		apply(t, a, 4, entry(t, 4, 1, stray))
		if ids := find("w since:2014-01-01 until:2015-01-01"); !slices.Equal(ids, []tweet.ID{stray.Data.ID}) {
			t.Errorf("the stray: %v", ids)
		}
		if ids := find("w since:2011-01-01 until:2012-01-01"); !slices.Equal(ids, []tweet.ID{stray.Data.ID - 5}) {
			t.Errorf("where the stray lies: %v", ids)
		}
		n, err := b.Count(t.Context(), search.Request{Query: query.All()}, []time.Time{time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil || n[0] != 1 {
			t.Errorf("counted: %v, %v", n, err)
		}
	})
}
