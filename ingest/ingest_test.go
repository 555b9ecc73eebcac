package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest"
	"birdwatch/tweet"
)

// record is a journal in memory.
type record struct {
	mu    sync.Mutex
	first tweet.Seq
	last  tweet.Seq
	acked tweet.Seq
	moved chan struct{}
}

func (r *record) Epoch() string { return "e" }

func (r *record) First() tweet.Seq { r.mu.Lock(); defer r.mu.Unlock(); return r.first }

func (r *record) Last() tweet.Seq { r.mu.Lock(); defer r.mu.Unlock(); return r.last }

func (r *record) grow(n tweet.Seq) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last += n
	close(r.moved)
	r.moved = make(chan struct{})
}

func (r *record) Since(_ context.Context, after tweet.Seq, limit int) (es []tweet.Entry, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := max(after+1, r.first); s <= r.last && len(es) < limit; s++ {
		es = append(es, tweet.Entry{Seq: s})
	}
	return es, nil
}

func (r *record) Wait(ctx context.Context, after tweet.Seq) error {
	for {
		r.mu.Lock()
		moved, last := r.moved, r.last
		r.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *record) Ack(_ context.Context, _ string, seq tweet.Seq) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked = seq
	return nil
}

// store is a sink that can be away.
type store struct {
	mu    sync.Mutex
	at    tweet.Position
	got   []tweet.Seq
	away  bool
	tries int
}

func (s *store) Position(context.Context) (tweet.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at, nil
}

func (s *store) Apply(_ context.Context, es []tweet.Entry, to tweet.Position) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tries++; s.away {
		return errors.New("away")
	}
	for _, e := range es {
		s.got = append(s.got, e.Seq)
	}
	s.at = to
	return nil
}

func TestFollowOutlivesASinkThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &record{first: 1, last: 2500, moved: make(chan struct{})}
		s := &store{at: tweet.Position{Epoch: "e", Seq: 100}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ingest.Follow(ctx, j, "store", s, slog.New(slog.DiscardHandler)) }()
		synctest.Wait()
		if s.at.Seq != 2500 || j.acked != 2500 || len(s.got) != 2400 || !slices.IsSorted(s.got) {
			t.Fatalf("at %v, acknowledged %d, got %d", s.at, j.acked, len(s.got))
		}
		s.mu.Lock()
		s.away, s.tries = true, 0
		s.mu.Unlock()
		j.grow(10)
		time.Sleep(time.Hour) // fake time
		s.mu.Lock()
		if s.tries < 50 || s.tries > 1000 {
			t.Errorf("%d tries in an hour", s.tries)
		}
		s.away = false
		s.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait() // orders what follows behind the follower's work
		if s.at.Seq != 2510 || len(s.got) != 2410 {
			t.Errorf("at %v after it came back, got %d", s.at, len(s.got))
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFollowOfAnotherJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &record{first: 501, last: 510, moved: make(chan struct{})}
		s := &store{at: tweet.Position{Epoch: "old", Seq: 500}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ingest.Follow(ctx, j, "store", s, slog.New(slog.DiscardHandler)) }()
		synctest.Wait()
		if want := (tweet.Position{Epoch: "e", Seq: 510}); s.at != want || len(s.got) != 10 {
			t.Errorf("at %v, got %v", s.at, s.got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		// A journal that was put back to an older state would give places twice.
		s.at = tweet.Position{Epoch: "e", Seq: 999}
		if err := ingest.Follow(t.Context(), j, "store", s, slog.New(slog.DiscardHandler)); err == nil {
			t.Error("followed a journal that ends before the sink's place")
		}
	})
}

func sightings(n int) iter.Seq[tweet.Record] {
	return func(yield func(tweet.Record) bool) {
		for i := range n {
			if !yield(tweet.Record{Kind: tweet.KindTweet, ID: tweet.ID(n - i)}) {
				return
			}
		}
	}
}

func TestImporterCounts(t *testing.T) {
	confirmed := 0
	var buried []tweet.ID
	im := ingest.Importer{
		Claim: func(_ context.Context, recs []tweet.Record) (ingest.Claim, error) {
			c := ingest.Claim{Write: make([]*tweet.Record, len(recs)), Gone: make([]bool, len(recs)), Honored: make([]bool, len(recs)),
				Confirm: func(context.Context) error { confirmed++; return nil }}
			for i := range recs {
				switch {
				case i > 0 && recs[i].ID < recs[i-1].ID:
					return c, fmt.Errorf("a batch is not sorted by id")
				case recs[i].ID%10 == 0:
					c.Gone[i] = true
				case recs[i].ID%10 != 1:
					c.Write[i] = &recs[i]
				}
			}
			return c, nil
		},
		Write: func(_ context.Context, recs []tweet.Record) ([]ingest.Effect, error) {
			effects := make([]ingest.Effect, len(recs))
			for i, r := range recs {
				effects[i] = []ingest.Effect{2: ingest.Inserted, 3: ingest.Updated, 4: ingest.Same, 5: ingest.Deleted, 6: ingest.Refused, 7: ingest.Inserted, 8: ingest.Inserted, 9: ingest.Inserted}[r.ID%10]
			}
			return effects, nil
		},
		Gone: func(_ context.Context, ids []tweet.ID) ([]bool, error) {
			gone := make([]bool, len(ids))
			for i, id := range ids {
				gone[i] = id == 17
			}
			return gone, nil
		},
		Bury: func(_ context.Context, ids []tweet.ID) error { buried = append(buried, ids...); return nil },
	}
	s, err := im.Run(t.Context(), sightings(5000), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (ingest.Summary{Read: 5000, New: 2000, Same: 1000, Updated: 500, Deleted: 1000, Refused: 500}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if confirmed != 3 || !slices.Equal(buried, []tweet.ID{17}) {
		t.Errorf("%d batches confirmed, buried %v", confirmed, buried)
	}
	broken := errors.New("broken")
	im.Write = func(context.Context, []tweet.Record) ([]ingest.Effect, error) { return nil, broken }
	confirmed = 0
	if _, err := im.Run(t.Context(), sightings(5000), nil); !errors.Is(err, broken) || confirmed != 0 {
		t.Errorf("a write that fails: %v, %d confirmed", err, confirmed)
	}
}
