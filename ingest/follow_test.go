package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest"
	"birdwatch/tweet"
)

// memoryJournal holds whole entries, for tests with a clock of their own.
type memoryJournal struct {
	mu      sync.Mutex // guards what follows
	epoch   string
	first   tweet.Seq
	entries []tweet.Entry
	acks    []tweet.Seq
	moved   chan struct{}
}

func newMemoryJournal(epoch string, first tweet.Seq) *memoryJournal {
	return &memoryJournal{epoch: epoch, first: first, moved: make(chan struct{})}
}

func (r *memoryJournal) add(n, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range n {
		id := tweet.ID(len(r.entries) + 1)
		rec := sighting(id, 0, "x", false)
		rec.Raw = bytes.Repeat([]byte("x"), size)
		r.entries = append(r.entries, tweet.Entry{Seq: r.first + tweet.Seq(len(r.entries)), Record: rec})
	}
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *memoryJournal) Epoch() string    { return r.epoch }
func (r *memoryJournal) First() tweet.Seq { return r.first }

func (r *memoryJournal) Last() tweet.Seq {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first + tweet.Seq(len(r.entries)) - 1
}

func (r *memoryJournal) Since(_ context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := int(max(after-r.first+1, 0))
	return r.entries[from:min(len(r.entries), from+limit)], nil
}

func (r *memoryJournal) Wait(ctx context.Context, after tweet.Seq) error {
	for r.Last() <= after {
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		if r.Last() > after {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (r *memoryJournal) Ack(_ context.Context, follower string, seq tweet.Seq) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, seq)
	return nil
}

// sink notes what it was given.
type sink struct {
	mu    sync.Mutex // guards what follows
	at    tweet.Position
	sizes []int // of batches, in entries
	bytes []int // and in raw bytes
	got   []tweet.Seq
	tries int
	away  error
}

func (s *sink) set(away error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *sink) Position(context.Context) (tweet.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at, s.away
}

func (s *sink) Apply(_ context.Context, es []tweet.Entry, to tweet.Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries++; s.away != nil {
		return s.away
	}
	bytes := 0
	for _, e := range es {
		s.got = append(s.got, e.Seq)
		bytes += len(e.Raw)
	}
	s.bytes = append(s.bytes, bytes)
	s.sizes, s.at = append(s.sizes, len(es)), to
	return nil
}

// following runs Follow in a bubble of its own clock and gives its log.
func following(t *testing.T, r *memoryJournal, s *sink, during func()) (string, error) {
	t.Helper()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ingest.Follow(ctx, r, "archive", s, slog.New(slog.NewTextHandler(&log, nil))) }()
	synctest.Wait()
	during()
	synctest.Wait()
	cancel()
	err := <-done
	return log.String(), err
}

func TestFollowGoesOnFromTheSinksPlace(t *testing.T) {
	for name, c := range map[string]struct {
		at   tweet.Position
		from tweet.Seq
	}{
		"empty archive":       {tweet.Position{}, 101},
		"within":              {tweet.Position{Epoch: "e", Seq: 103}, 104},
		"of another journal":  {tweet.Position{Epoch: "other", Seq: 90}, 101},
		"before what is kept": {tweet.Position{Epoch: "e", Seq: 7}, 101},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, s := newMemoryJournal("e", 101), &sink{at: c.at}
				r.add(5, 10)
				if log, err := following(t, r, s, func() { r.add(2, 10) }); err != nil || log != "" {
					t.Errorf("%v, %s", err, log)
				}
				if len(s.got) != int(107-c.from+1) || s.got[0] != c.from || s.got[len(s.got)-1] != 107 {
					t.Errorf("got %v, want from %d", s.got, c.from)
				}
				if s.at != (tweet.Position{Epoch: "e", Seq: 107}) || r.acks[len(r.acks)-1] != 107 {
					t.Errorf("at %v, acknowledged %v", s.at, r.acks)
				}
			})
		})
	}
}

func TestFollowBatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newMemoryJournal("e", 1), &sink{}
		r.add(2500, 10)
		r.add(20, 1<<20)
		r.add(1, 20<<20)
		if _, err := following(t, r, s, func() {}); err != nil {
			t.Error(err)
		}
		if len(s.got) != 2521 || s.sizes[0] != 1000 || s.sizes[1] != 1000 {
			t.Errorf("%d entries in %v", len(s.got), s.sizes)
		}
		for i, n := range s.bytes {
			if n > 9<<20 && s.sizes[i] > 1 {
				t.Errorf("batch %d has %d bytes", i, n)
			}
		}
		for i, seq := range s.got {
			if seq != tweet.Seq(i+1) {
				t.Fatalf("entry %d is %d", i, seq)
			}
		}
	})
}

// An archive that is away for an hour gets everything, is asked less and less often, and the log has two lines.
func TestFollowWaitsForAnArchiveThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newMemoryJournal("e", 1), &sink{}
		log, err := following(t, r, s, func() {
			s.set(errors.New("away"))
			r.add(3, 10)
			time.Sleep(time.Hour)
			synctest.Wait()
			if len(r.acks) != 1 || r.acks[0] != 0 {
				t.Errorf("acknowledged %v of what the archive does not have", r.acks)
			}
			if s.tries < 60 || s.tries > 400 {
				t.Errorf("%d tries in an hour", s.tries)
			}
			s.set(nil)
			time.Sleep(time.Minute)
		})
		if err != nil || len(s.got) != 3 {
			t.Errorf("%v, got %v", err, s.got)
		}
		if strings.Count(log, "\n") != 2 || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "away") || !strings.Contains(log, "goes on") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// When nothing works until the end, Follow ends all the same, at once.
func TestFollowEndsWhileTheArchiveIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newMemoryJournal("e", 1), &sink{away: errors.New("away")}
		began := time.Now()
		if _, err := following(t, r, s, func() { time.Sleep(10 * time.Second) }); err != nil {
			t.Error(err)
		}
		if d := time.Since(began); d != 10*time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

// Purged entries leave holes; a follower passes them.
func TestFollowPassesHoles(t *testing.T) {
	j, a := openJournal(t, filepath.Join(t.TempDir(), "journal.db")), newArchive()
	defer j.Close()
	appendAll(t, j, []tweet.Record{sighting(1, 0, "a", false), sighting(2, 0, "b", false), sighting(3, 0, "c", false)})
	if err := j.Purge(t.Context(), []tweet.ID{1, 3}); err != nil {
		t.Fatal(err)
	}
	follow(t, j, a)
	if a.at.Seq != 3 || len(a.docs) != 1 {
		t.Errorf("at %v with %d documents", a.at, len(a.docs))
	}
}

// source gives one batch after another.
type source struct{ batches [][]tweet.Record }

func (s source) Run(ctx context.Context, sink func(context.Context, []tweet.Record) error) error {
	for _, b := range s.batches {
		if err := sink(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// A journal that cannot take anything holds the source back; nothing is lost or taken twice.
func TestRunHoldsTheSourceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took []tweet.ID
		fails := 5
		take := func(_ context.Context, recs []tweet.Record) error {
			if fails > 0 {
				fails--
				return errors.New("disk full")
			}
			for _, r := range recs {
				took = append(took, r.ID)
			}
			return nil
		}
		s := source{[][]tweet.Record{{sighting(1, 0, "a", false)}, {sighting(2, 0, "b", false), sighting(3, 0, "c", false)}}}
		if err := ingest.Run(context.Background(), s, take, quiet()); err != nil || len(took) != 3 {
			t.Errorf("%v, took %v", err, took)
		}
		fails = 1 << 30
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := ingest.Run(ctx, s, take, quiet()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}
