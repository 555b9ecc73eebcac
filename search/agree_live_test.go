package search_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"
)

// tape is a journal in memory.
type tape struct {
	mu      sync.Mutex
	entries []tweet.Entry
	moved   chan struct{}
}

func (j *tape) Epoch() string    { return "e" }
func (j *tape) First() tweet.Seq { return 1 }
func (*tape) Losses() uint64     { return 0 }

func (j *tape) Last() tweet.Seq {
	j.mu.Lock()
	defer j.mu.Unlock()
	return tweet.Seq(len(j.entries))
}

func (j *tape) Since(_ context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries[after:min(len(j.entries), int(after)+limit)]), nil
}

func (j *tape) Wait(ctx context.Context, after tweet.Seq) error {
	for {
		j.mu.Lock()
		n, moved := tweet.Seq(len(j.entries)), j.moved
		j.mu.Unlock()
		if n > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (j *tape) Content(context.Context, tweet.ID) ([]tweet.Entry, error) { return nil, nil }

func (j *tape) append(r tweet.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq := tweet.Seq(len(j.entries) + 1)
	j.entries = append(j.entries, tweet.Entry{Seq: seq, FirstSeq: seq, Record: r})
	close(j.moved)
	j.moved = make(chan struct{})
}

// nothing is an archive without tweets.
type nothing struct{}

func (nothing) Watermark(context.Context) (tweet.Seq, error) { return 0, nil }
func (nothing) Matches(context.Context, live.HistoryRequest) ([]live.Item, bool, error) {
	return nil, false, nil
}
func (nothing) Content(context.Context, tweet.ID) (*tweet.Payload, error) { return nil, nil }

// TestLiveAgrees: many random queries stand while the real tweets come; each subscription is sent what the Matcher finds.
func TestLiveAgrees(t *testing.T) {
	recs, k, v := world(t)
	j := &tape{moved: make(chan struct{})}
	hub := live.NewHub(j, nothing{}, live.Options{Box: len(recs) + 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running, following sync.WaitGroup
	following.Go(func() { _ = hub.Run(ctx) })
	defer following.Wait()
	defer cancel()
	type asked struct {
		e         query.Expr
		want, got map[tweet.ID]int
	}
	var all []*asked
	var got atomic.Int64 // of all
	matches := int64(0)
	for i := range setting("BIRDWATCH_AGREE_LIVE", 400) {
		a := &asked{querytest.Exprs(v).Example(i), map[tweet.ID]int{}, map[tweet.ID]int{}}
		for _, i := range k.matches(a.e) {
			a.want[k.ids[i]]++
		}
		matches += int64(len(a.want))
		all = append(all, a)
		s := subscribe(t, ctx, hub, a.e)
		running.Go(func() {
			defer s.Close()
			for e, err := range s.Events(ctx) {
				if err != nil {
					return
				}
				if e.Kind == live.Tweet {
					a.got[e.Item.ID]++
					got.Add(1)
				}
			}
		})
	}
	for _, r := range recs {
		j.append(r)
	}
	// A hub that closes leaves what it had not sent to those that resume: all must have come before.
	for end := time.Now().Add(time.Minute); hub.Stats().Seq < j.Last() || hub.Stats().Queue > 0 || got.Load() < matches && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // goroutines of the hub work
	}
	hub.Close()
	running.Wait()
	for _, a := range all {
		if !maps.Equal(a.want, a.got) {
			t.Errorf("%s: live %d, matcher %d", a.e, len(a.got), len(a.want))
		}
	}
	t.Logf("%d queries over %d tweets, %d matches", len(all), len(recs), matches)
	if matches == 0 {
		t.Error("nothing matches")
	}
}

// subscribe waits until the hub runs.
func subscribe(t *testing.T, ctx context.Context, hub *live.Hub, e query.Expr) *live.Subscription {
	t.Helper()
	for {
		s, err := hub.Subscribe(ctx, live.Request{Queries: []live.Query{{Expr: e}}})
		if err == nil {
			return s
		}
		if err != live.ErrClosed {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
