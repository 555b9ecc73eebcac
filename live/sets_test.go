package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/live"
	"birdwatch/tweet"
)

// changing is a client that changes its queries, is slow at times, and comes and goes.
type changing struct {
	hub    *live.Hub
	r      *rand.Rand
	now    []string      // its queries' texts
	former []live.Former // as the server's answers said
	events []live.Event

	refused int
}

func queriesOf(texts []string) (qs []live.Query) {
	for _, text := range texts {
		q := parse(text)
		q.ID = text
		qs = append(qs, q)
	}
	return qs
}

var someSets = [][]string{{"go"}, {"rust", "go"}, {"zig"}, {}, {"go rust"}, {"rust"}}

func (c *changing) change(s *live.Subscription) {
	next := someSets[c.r.IntN(len(someSets))]
	after, lagged := c.hub.SetQueries(queriesOf(next), s)
	if len(lagged) > 0 {
		c.refused++
		return
	}
	c.former = append(c.former, live.Former{Until: after.Seq, Queries: queriesOf(c.now)})
	c.now = next
}

// once connects, and drives the subscription as the API does: without a goroutine while there is nothing to tell.
func (c *changing) once(ctx context.Context, t *testing.T, n int) {
	wake := make(chan struct{}, 1)
	req := live.Request{Queries: queriesOf(c.now), Former: c.former, Wake: func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}}
	if len(c.events) > 0 {
		req.Resume = &c.events[len(c.events)-1].Place
		for len(req.Former) > 4 && req.Former[0].Until <= req.Resume.Seq {
			req.Forgot, req.Former = req.Former[0].Until, req.Former[1:]
		}
	}
	s, err := c.hub.Subscribe(ctx, req)
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	for range n {
		events, ok := s.Take(nil)
		c.events = append(c.events, events...)
		if !ok {
			for e, err := range s.Ready(ctx) {
				if err != nil {
					t.Error(err)
					return
				}
				c.events = append(c.events, e)
				if c.r.IntN(20) == 0 {
					time.Sleep(30 * time.Millisecond)
				}
			}
		}
		if c.r.IntN(4) == 0 {
			c.change(s)
		}
		select {
		case <-wake:
		case <-time.After(time.Duration(c.r.IntN(20)) * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

// inForce are the queries that the answers said would hold at a place.
func (c *changing) inForce(seq tweet.Seq) []live.Query {
	for _, f := range c.former {
		if seq <= f.Until {
			return f.Queries
		}
	}
	return queriesOf(c.now)
}

// TestQueriesAreReplaced: each entry is matched by the queries that were in force at its place, as the answers told, whether it came
// from memory or from the journal, on one connection or on several; and who was sent a tweet is told that it is deleted.
func TestQueriesAreReplaced(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			w := newWorld("e", 0)
			hub, stop := startHub(t, w, live.Options{Box: 4})
			c := &changing{hub: hub, r: r, now: someSets[0]}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for ctx.Err() == nil {
					c.once(ctx, t, 1+c.r.IntN(80))
				}
			}()
			words := []string{"go", "rust", "zig", "go rust", "go zig"}
			first, texts := map[tweet.ID]tweet.Seq{}, map[tweet.ID]string{}
			feed := rand.New(rand.NewPCG(seed, 8))
			for id := tweet.ID(1); id <= 300; id++ {
				text := words[feed.IntN(len(words))]
				first[id], texts[id] = w.tweet(id, text), text
				if feed.IntN(10) == 0 {
					w.delete(id, first[id])
				}
				if feed.IntN(3) == 0 {
					time.Sleep(time.Duration(feed.IntN(20)) * time.Millisecond)
				}
			}
			time.Sleep(4 * time.Second)
			cancel()
			<-done
			stop()
			c.check(t, w, texts, seed)
		})
	}
}

func (c *changing) check(t *testing.T, w *world, texts map[tweet.ID]string, seed uint64) {
	var want, got []string
	sent := map[tweet.ID]bool{}
	for _, e := range w.entries {
		if e.Seq <= c.events[0].Place.Seq { // it came before the client
			continue
		}
		if e.Kind != tweet.KindTweet {
			if sent[e.ID] {
				want = append(want, fmt.Sprintf("-%d", e.ID))
			}
			continue
		}
		if m := matching(c.inForce(e.Seq), texts[e.ID]); len(m) > 0 {
			sent[e.ID] = true
			want = append(want, fmt.Sprintf("%d%v", e.ID, m))
		}
	}
	for _, e := range c.events {
		switch e.Kind {
		case live.Tweet:
			got = append(got, fmt.Sprintf("%d%v", e.ID, e.Matched))
			if in := c.inForce(e.Place.Seq); len(in) != len(e.Queries) || len(in) > 0 && in[0].ID != e.Queries[0].ID {
				t.Errorf("seed %d: %d came with the queries %v, not %v", seed, e.ID, e.Queries, in)
			}
		case live.Delete: // one too many does no harm
			if sent[e.ID] {
				got = append(got, fmt.Sprintf("-%d", e.ID))
			}
		}
	}
	if c.refused > len(c.former)/4 {
		t.Errorf("seed %d: %d changes were refused, %d made", seed, c.refused, len(c.former))
	}
	if !slices.Equal(got, want) {
		t.Errorf("seed %d, %d changes:\n got %v\nwant %v", seed, len(c.former), got, want)
	}
}

// TestDeletesOfForgottenQueries: after more changes than are kept, the deletion of a tweet that an early query was sent is still told.
func TestDeletesOfForgottenQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		woken := make(chan struct{}, 100)
		s, err := hub.Subscribe(t.Context(), live.Request{Queries: queriesOf([]string{"go"}), Wake: func() { woken <- struct{}{} }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range s.Ready(t.Context()) {
		}
		first := w.tweet(1, "go")
		synctest.Wait()
		for i := range 20 {
			if after, lagged := hub.SetQueries(queriesOf([]string{fmt.Sprint("word", i)}), s); after.Seq != 1 || lagged != nil {
				t.Fatal(after, lagged)
			}
		}
		synctest.Wait()
		if n := hub.Stats().Queries; n > 9 {
			t.Errorf("%d queries are kept", n)
		}
		w.delete(1, first)
		w.apply(2)
		synctest.Wait()
		<-woken
		events, ok := s.Take(nil)
		if !ok {
			t.Fatal("it does not stand at the end")
		}
		check(t, events, "1@e-1", "-1@e-2")
	})
}
