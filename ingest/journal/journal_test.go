package journal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

func open(t testing.TB, o journal.Options) *journal.Journal {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "journal.db"), o)
}

func openAt(t testing.TB, path string, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil && !errors.Is(err, journal.ErrClosed) {
			t.Error(err)
		}
	})
	return j
}

// sighting makes a record; carries are tweets inside it, of which the first is repeated when retweet is set.
func sighting(id tweet.ID, at int64, text string, retweet bool, carries ...tweet.ID) tweet.Record {
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: text}}
	for i, c := range carries {
		typ := "quoted"
		if i == 0 && retweet {
			typ = "retweeted"
		}
		p.Data.ReferencedTweets = append(p.Data.ReferencedTweets, tweet.Reference{Type: typ, ID: c})
		if p.Includes == nil {
			p.Includes = new(tweet.Includes)
		}
		p.Includes.Tweets = append(p.Includes.Tweets, tweet.Tweet{ID: c, Text: fmt.Sprintf("copy of %d", c)})
	}
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, CapturedAt: at, Payload: b, Raw: fmt.Appendf(nil, "raw %d %s", id, text), Provenance: tweet.Provenance{From: "test"}}
}

func deletion(id tweet.ID, at int64) tweet.Record {
	return tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}
}

var kinds = [...]string{journal.New: "new", journal.Update: "update", journal.Same: "same", journal.Deleted: "deleted", journal.Honoured: "honored", journal.Noted: "noted"}

func appendAll(t testing.TB, j *journal.Journal, recs ...tweet.Record) (out []string) {
	t.Helper()
	vs, err := j.Append(t.Context(), recs)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		out = append(out, kinds[v.Kind])
	}
	return out
}

// dump writes entries as "kind id" with first_seq, cut and what is stripped.
func dump(t testing.TB, j *journal.Journal) (out []string) {
	t.Helper()
	es, err := j.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		s := fmt.Sprintf("%d %s %d", e.Seq, e.Kind, e.ID)
		if e.FirstSeq != e.Seq {
			s += fmt.Sprintf(" first %d", e.FirstSeq)
		}
		if len(e.Cut) > 0 {
			s += fmt.Sprintf(" cut %v", e.Cut)
		}
		if e.Unseen {
			s += " unseen"
		}
		if e.Stripped {
			s += " stripped"
		}
		if e.RawCut {
			s += " rawcut"
		}
		out = append(out, s)
	}
	return out
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got %q\nwant %q", what, got, want)
	}
}

func TestVerdicts(t *testing.T) {
	j := open(t, journal.Options{})
	same(t, "verdicts", appendAll(t, j,
		sighting(1, 100, "a", false),   // new
		sighting(1, 100, "a", false),   // same
		sighting(1, 50, "a", false),    // same: older, equal
		sighting(1, 200, "a", false),   // update: newer
		sighting(1, 200, "b", false),   // update: differs
		sighting(1, 150, "a", false),   // update: differs from the newest
		deletion(1, 300),               // honoured
		deletion(1, 300),               // again: nothing more
		deletion(1, 400),               // newer: the tombstone moves
		sighting(1, 500, "c", false),   // deleted, newer
		sighting(1, 500, "c", false),   // deleted, nothing more
		deletion(2, 100),               // never seen: noted
		sighting(2, 50, "late", false), // deleted: makes a tombstone document
		sighting(2, 50, "late", false), // nothing more
		sighting(3, 0, "other", false), // new
	), []string{"new", "same", "same", "update", "update", "update", "honored", "honored", "honored", "deleted", "deleted", "noted", "deleted", "deleted", "new"})
	same(t, "entries", dump(t, j), []string{"1 tweet 1", "2 update 1 first 1", "3 update 1 first 1", "4 update 1 first 1", "5 delete 1 first 1",
		"6 delete 1 first 0", "7 delete 1 first 0", "8 delete 2 first 0", "9 tweet 3"})
}

func TestDeletesCascade(t *testing.T) {
	j := open(t, journal.Options{})
	appendAll(t, j,
		sighting(1, 0, "original", false),
		sighting(2, 0, "RT", true, 1),      // retweet of 1
		sighting(3, 0, "quote", false, 1),  // quotes 1
		sighting(4, 0, "RT q", true, 3, 1), // retweets the quote: carries 3 and 1
		sighting(6, 0, "RT of 5", true, 5), // 5 never came
		sighting(7, 0, "quotes 5", false, 5))
	same(t, "verdicts", appendAll(t, j, deletion(1, 9), deletion(5, 9)), []string{"honored", "honored"})
	same(t, "entries", dump(t, j)[6:], []string{
		"7 delete 1 first 1 cut [3 4]", "8 delete 2 first 2",
		"9 delete 5 first 0 cut [7] unseen", "10 delete 6 first 5"})
	// Whatever comes later with a copy is cut, and a retweet is not kept.
	same(t, "later", appendAll(t, j, sighting(8, 0, "quotes 1 late", false, 1), sighting(9, 0, "RT late", true, 1)), []string{"new", "deleted"})
	es, err := j.Since(t.Context(), 10, 10)
	if err != nil {
		t.Fatal(err)
	}
	if e := es[0]; !e.RawCut || len(e.Raw) != 0 || strings.Contains(string(e.Payload), "copy of 1") {
		t.Errorf("a late quote keeps the copy: %+v %s", e.RawCut, e.Payload)
	}
	if e := es[1]; e.Kind != tweet.KindDelete || e.ID != 9 {
		t.Errorf("a late retweet: %v %d", e.Kind, e.ID)
	}
}

// A tweet that was met as a retweet of two others is deleted once.
func TestDeletesMeetAgain(t *testing.T) {
	j := open(t, journal.Options{})
	appendAll(t, j, sighting(1, 0, "a", false), sighting(2, 0, "RT", true, 1), sighting(3, 0, "RT", true, 1), sighting(3, 1, "RT", true, 2), sighting(1, 1, "RT", true, 3))
	appendAll(t, j, deletion(1, 9))
	same(t, "entries", dump(t, j)[5:], []string{"6 delete 1 first 1", "7 delete 2 first 2", "8 delete 3 first 3"})
}

func TestStripTakesContentAway(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{Now: func() time.Time { return now }, Grace: time.Second})
	appendAll(t, j, sighting(1, 0, "SECRETWORD", false), sighting(2, 0, "quote", false, 1), sighting(1, 5, "SECRETWORD again", false), deletion(1, 9))
	if err := j.Ack(t.Context(), "archive", 3); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	check := func(want ...string) {
		t.Helper()
		if err := j.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "entries", dump(t, j), want)
	}
	check("1 tweet 1", "2 tweet 2", "3 update 1 first 1", "4 delete 1 first 1 cut [2]") // a follower is before the delete
	if err := j.Ack(t.Context(), "archive", 4); err != nil {
		t.Fatal(err)
	}
	check("1 tweet 1 stripped", "2 tweet 2 rawcut", "3 update 1 first 1 stripped", "4 delete 1 first 1 cut [2]")
	if es, err := j.Content(t.Context(), 1); err != nil || len(es) != 0 {
		t.Errorf("content of a stripped tweet: %v, %v", es, err)
	}
	es, err := j.Content(t.Context(), 2)
	if err != nil || len(es) != 1 || strings.Contains(string(es[0].Payload), "copy of 1") {
		t.Errorf("content of the holder: %v, %v", es, err)
	}
}

func TestRetentionStopsAtTheSlowest(t *testing.T) {
	now := time.UnixMilli(1_000_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }, MaxAge: time.Hour})
	for i := range 10 {
		appendAll(t, j, sighting(tweet.ID(i+1), 0, "x", false))
		now = now.Add(10 * time.Minute)
	}
	ends := func(first, last tweet.Seq) {
		t.Helper()
		if err := j.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if j.First() != first || j.Last() != last {
			t.Errorf("journal reaches from %d to %d, want %d to %d", j.First(), j.Last(), first, last)
		}
	}
	if err := j.Ack(t.Context(), "slow", 2); err != nil {
		t.Fatal(err)
	}
	ends(3, 10)
	if err := j.Ack(t.Context(), "slow", 10); err != nil {
		t.Fatal(err)
	}
	ends(5, 10) // those of the last hour
	now = now.Add(24 * time.Hour)
	ends(11, 10)
	same(t, "verdicts", appendAll(t, j, sighting(1, 0, "x", false), sighting(99, 0, "x", false)), []string{"same", "new"})
	ends(11, 11)
}

func TestSizeIsBounded(t *testing.T) {
	j := open(t, journal.Options{MaxBytes: 20_000})
	for i := range 400 {
		appendAll(t, j, sighting(tweet.ID(i+1), 0, strings.Repeat(fmt.Sprint(i), 50), false))
	}
	if err := j.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	es, err := j.Since(t.Context(), j.First()-1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for _, e := range es {
		bytes += len(e.Frame)
	}
	if bytes > 20_500 || bytes < 10_000 {
		t.Errorf("%d bytes are kept of at most 20,000 and one entry", bytes)
	}
}

func TestPurgeLeavesNoTrace(t *testing.T) {
	now := time.UnixMilli(1_000_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }})
	appendAll(t, j, sighting(1, 0, "old", false), deletion(1, 3), sighting(2, 0, "old", false))
	now = now.Add(2 * time.Hour)
	appendAll(t, j, sighting(3, 0, "young", false))
	ids, err := j.Older(t.Context(), "test", now.Add(-time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(ids); !slices.Equal(ids, []tweet.ID{1, 2}) {
		t.Fatalf("older: %v", ids)
	}
	if err := j.Purge(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	same(t, "entries", dump(t, j), []string{"4 tweet 3"})
	same(t, "as if never seen", appendAll(t, j, sighting(1, 0, "old", false), sighting(2, 0, "old", false)), []string{"new", "new"})
}
