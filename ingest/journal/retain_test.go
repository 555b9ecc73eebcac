package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

func TestSlowFollowerIsToldNotCutOff(t *testing.T) {
	var log bytes.Buffer
	j := open(t, journal.Options{MaxBytes: 10_000, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ack := func(seq tweet.Seq) {
		t.Helper()
		if err := j.Ack(t.Context(), "slow", seq); err != nil {
			t.Fatal(err)
		}
		maintain(t, j)
	}
	for i := range 40 {
		appendAll(t, j, sighting(tweet.ID(i+1), 0, noise(2000), false))
	}
	full := func(want bool, said int) {
		t.Helper()
		s, err := j.Stats(t.Context())
		if err != nil || s.Full != want || s.Followers["slow"] == 0 {
			t.Errorf("stats %+v, %v", s, err)
		}
		if n := strings.Count(log.String(), "follower=slow"); n != said {
			t.Errorf("%d warnings, want %d:\n%s", n, said, log.String())
		}
	}
	ack(3)
	if j.First() != 4 {
		t.Errorf("first is %d", j.First())
	}
	maintain(t, j)
	full(true, 1)
	ack(40)
	full(false, 1)
	if j.First() < 20 {
		t.Errorf("first is %d", j.First())
	}
}

func TestDeletesOfStrangersAreForgotten(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }, KeepUnseen: time.Hour})
	appendAll(t, j, deletion(1, 5), deletion(2, 5), sighting(2, 1, "late", false), sighting(4, 0, "quotes 3", false, 3), deletion(3, 5))
	now = now.Add(2 * time.Hour)
	maintain(t, j)
	same(t, "verdicts", appendAll(t, j, sighting(1, 0, "x", false), sighting(2, 0, "x", false), sighting(3, 0, "x", false)), []string{"new", "deleted", "deleted"})
}

func TestSeqNeverGoesBack(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	path := t.TempDir() + "/journal.db"
	o := journal.Options{Now: func() time.Time { return now }, MaxAge: time.Minute}
	j := openAt(t, path, o)
	appendAll(t, j, sighting(1, 0, "x", false), sighting(2, 0, "x", false))
	now = now.Add(time.Hour)
	maintain(t, j)
	for range 2 {
		if j.First() != 3 || j.Last() != 2 {
			t.Errorf("from %d to %d", j.First(), j.Last())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = openAt(t, path, o)
	}
	same(t, "entries", append(appendAll(t, j, sighting(3, 0, "x", false)), dump(t, j)...), []string{"new", "3 tweet 3"})
}

func TestFileShrinks(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 36 MB")
	}
	now := time.UnixMilli(1_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }})
	for i := range 36 {
		r := sighting(tweet.ID(i+1), 0, "x", false)
		r.Raw = make([]byte, 1<<20)
		rand.NewChaCha8([32]byte{byte(i)}).Read(r.Raw)
		appendAll(t, j, r)
	}
	before, err := j.Pragma("page_count")
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(100 * time.Hour)
	maintain(t, j)
	after, err := j.Pragma("page_count")
	if err != nil || after > before/2 {
		t.Errorf("%d pages were %d, %v", after, before, err)
	}
	if err := j.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Pages read from memory and from the file are the same, and none is larger than it may be.
func TestPages(t *testing.T) {
	j := open(t, journal.Options{})
	var recs []tweet.Record
	for i := range 6000 {
		recs = append(recs, sighting(tweet.ID(i+1), 0, fmt.Sprint(i), false))
	}
	for i := range 12 {
		r := sighting(tweet.ID(10_000+i), 0, "large", false)
		r.Raw = bytes.Repeat([]byte("z"), 4<<20)
		recs = append(recs, r)
	}
	appendAll(t, j, recs...)
	for at := tweet.Seq(0); at < j.Last(); {
		es, err := j.Since(t.Context(), at, 700)
		if err != nil || len(es) == 0 || len(es) > 700 {
			t.Fatalf("%d entries since %d, %v", len(es), at, err)
		}
		bytes := 0
		for _, e := range es {
			if at++; e.Seq != at || e.ID != recs[at-1].ID || string(e.Raw) != string(recs[at-1].Raw) || string(e.Payload) != string(recs[at-1].Payload) {
				t.Fatalf("entry %d is %d of tweet %d", at, e.Seq, e.ID)
			}
			bytes += len(e.Raw)
		}
		if bytes > 40<<20 {
			t.Errorf("a page of %d bytes", bytes)
		}
	}
	if es, err := j.Since(t.Context(), j.Last(), 10); err != nil || len(es) != 0 {
		t.Errorf("behind the end: %v, %v", es, err)
	}
}

func TestAckedWaits(t *testing.T) {
	j := open(t, journal.Options{})
	appendAll(t, j, sighting(1, 0, "x", false), sighting(2, 0, "x", false))
	got := make(chan error, 1)
	go func() { got <- j.Acked(t.Context(), "a", 2) }()
	for _, seq := range []tweet.Seq{0, 1} {
		if err := j.Ack(t.Context(), "a", seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Ack(t.Context(), "b", 2); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		t.Fatalf("acknowledged early: %v", err)
	default:
	}
	if err := j.Ack(t.Context(), "a", 2); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Acked(ctx, "a", 3); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRunMaintainsUntilTheEnd(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	j := open(t, journal.Options{Now: func() time.Time { return now }, MaxAge: time.Second})
	appendAll(t, j, sighting(1, 0, "x", false))
	now = now.Add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- j.Run(ctx, time.Millisecond) }()
	for j.First() != 2 {
		if err := ctx.Err(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
