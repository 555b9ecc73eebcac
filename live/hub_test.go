package live_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/live"
	"birdwatch/tweet"
)

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		if _, err := live.NewHub(w, past{w}, live.Options{}).Subscribe(t.Context(), live.Request{}); !errors.Is(err, live.ErrClosed) {
			t.Errorf("a hub that does not run: %v", err)
		}
		hub, stop := startHub(t, w, live.Options{MaxSubscriptions: 2})
		defer stop()
		req := live.Request{Queries: []live.Query{parse("go"), parse("-go"), parse("go")}}
		a, b := read(t, hub, req), read(t, hub, req)
		if _, err := hub.Subscribe(t.Context(), req); !errors.Is(err, live.ErrFull) {
			t.Errorf("a third of two: %v", err)
		}
		w.tweet(1, "go")
		synctest.Wait()
		if st := hub.Stats(); st.Subscriptions != 2 || st.Queries != 6 || st.Groups != 2 || st.Always != 1 || st.Delivered != 2 || st.Matched != 1 || st.Queue != 0 || st.Seq != 1 {
			t.Errorf("%+v", st)
		}
		if es := a.stop(); len(es) != 2 || len(es[1].Matched) != 2 {
			t.Errorf("two of the three queries match: %+v", es)
		}
		b.stop()
		w.tweet(2, "go")
		synctest.Wait()
		if st := hub.Stats(); st.Subscriptions != 0 || st.Queries != 0 || st.Groups != 0 || st.Always != 0 || st.Queue != 0 {
			t.Errorf("all have left: %+v", st)
		}
		read(t, hub, req).stop()
	})
}

// TestLagged: one that fell too far behind is ended, and comes back by its place without losing anything.
func TestLagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{Box: 2, MaxBehind: 50})
		defer stop()
		req := live.Request{Queries: []live.Query{parse("go")}}
		r := read(t, hub, req)
		synctest.Wait()
		r.stall()
		for i := range 200 {
			w.tweet(tweet.ID(i+1), "go")
		}
		synctest.Wait()
		if st := hub.Stats(); st.Queue > 2 || st.Behind != 1 {
			t.Errorf("stalled: %+v", st)
		}
		r.take()
		synctest.Wait()
		es := r.stop()
		if !errors.Is(r.err, live.ErrLagged) {
			t.Fatalf("not lagged: %v, %q", r.err, show(es))
		}
		es = comeBack(t, hub, req, es)
		for i, e := range es[1:] {
			if e.ID != tweet.ID(i+1) {
				t.Fatalf("tweet %d comes at %d", e.ID, i)
			}
		}
		if len(es) != 201 || hub.Stats().Lagged != 1 {
			t.Errorf("%d events, %+v", len(es), hub.Stats())
		}
	})
}

// TestWhoseClock: a subscription ends by the clock that the hub was given.
func TestWhoseClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		var behind atomic.Int64
		behind.Store(int64(24 * time.Hour))
		hub, stop := startHub(t, w, live.Options{Now: func() time.Time { return time.Now().Add(-time.Duration(behind.Load())) }, MoveEvery: 100 * time.Hour})
		defer stop()
		req := live.Request{Queries: []live.Query{parse("go")}, End: time.Now().Add(time.Hour)}
		early, late := read(t, hub, req), read(t, hub, req)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		check(t, early.stop(), "live@e-0")
		behind.Store(0)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		check(t, late.stop(), "live@e-0", "end@e-0")
	})
}

// TestPlaceMovesWhileCatchingUp: a rare query's client that breaks off a long way back does not begin again.
func TestPlaceMovesWhileCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 1000 {
			w.tweet(tweet.ID(i+1), "rust")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		w.looking = func(what string) {
			if what == "since" {
				time.Sleep(4 * time.Minute)
			}
		}
		r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Resume: &live.Place{Position: tweet.Position{Epoch: "e"}}})
		time.Sleep(33 * time.Minute)
		synctest.Wait()
		check(t, r.stop(), "moved@e-384", "moved@e-768")
	})
}

// TestHubLearns: queries that stood there before the first tweet are posted under what the stream turns out to have rarely.
func TestHubLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		q := parse("extraordinarily rare")
		r := read(t, hub, live.Request{Queries: []live.Query{q}})
		for i := range 100 {
			w.tweet(tweet.ID(i+1), "extraordinarily common")
		}
		synctest.Wait()
		if p := live.IndexOf(hub).Pivots(q.Expr); len(p) != 1 || p[0] != "rare" {
			t.Errorf("posted under %q", p)
		}
		r.stop()
	})
}

// TestSpoiltEntry: an entry that cannot be read is told as a gap, to those at the end and those who come later, and ends nothing.
func TestSpoiltEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		req := live.Request{Queries: []live.Query{parse("go")}}
		r := read(t, hub, req)
		w.tweet(1, "go")
		synctest.Wait()
		w.append(tweet.Entry{Record: tweet.Record{Kind: tweet.KindTweet, ID: 2, Payload: []byte("{")}})
		w.tweet(3, "go")
		synctest.Wait()
		es := r.stop()
		check(t, es, "live@e-0", "1@e-1", "gap 1..2@e-2", "3@e-3")
		check(t, comeBack(t, hub, req, es[:1]), "live@e-0", "1@e-1", "gap 1..2@e-2", "3@e-3")
		if st := hub.Stats(); st.Spoilt != 1 || st.Gaps != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// TestCrowd: many clients come, stall, go and return at random while tweets come, are deleted and archived, and each has it all in the end.
func TestCrowd(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { crowd(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func crowd(t *testing.T, r *rand.Rand) {
	w := newWorld("e", 0)
	l := newLedger(w)
	hub, stop := startHub(t, w, live.Options{Box: 4})
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	clients := make([]*client, 40)
	var all sync.WaitGroup
	for i := range clients {
		clients[i] = &client{hub: hub, r: rand.New(rand.NewPCG(r.Uint64(), 2)), backfill: i % 3 * 10}
		clients[i].query = parse([]string{"go", "rust -go", "", "\"go rust\" OR zig"}[i%4])
		all.Go(func() { clients[i].live(t, ctx) })
	}
	for range 1500 {
		switch n := r.IntN(20); {
		case n < 14:
			l.tweet(texts[r.IntN(len(texts))])
		case n < 16:
			l.delete(r.IntN(1 << 20))
		case n < 19:
			w.apply(8)
		default:
			w.strip()
		}
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
		}
	}
	cancel()
	all.Wait()
	for i, c := range clients {
		l.events, l.err = c.events, c.err
		if err := l.judge([]live.Query{c.query}); err != nil {
			t.Fatalf("client %d: %.2000s", i, err)
		}
	}
	if st := hub.Stats(); st.Subscriptions+st.Groups+st.Queue != 0 || st.Behind == 0 {
		t.Errorf("%+v", st)
	}
}

// client is one of a crowd.
type client struct {
	hub      *live.Hub
	r        *rand.Rand
	query    live.Query
	backfill int
	events   []live.Event
	err      error
}

// live comes and goes until ctx ends, and once more to take what is left.
func (c *client) live(t *testing.T, ctx context.Context) {
	for c.err == nil {
		last := ctx.Err() != nil
		c.once(t, last)
		if last {
			return
		}
		time.Sleep(time.Duration(c.r.IntN(300)) * time.Millisecond)
	}
}

func (c *client) once(t *testing.T, last bool) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(c.r.IntN(500))*time.Millisecond)
	if last { // in fake time all there is comes before the clock moves
		cancel()
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	}
	defer cancel()
	req := live.Request{Queries: []live.Query{c.query}, Backfill: c.backfill}
	if n := len(c.events); n > 0 {
		req.Resume = &c.events[n-1].Place
	}
	s, err := c.hub.Subscribe(ctx, req)
	if err != nil {
		c.err = err
		return
	}
	defer s.Close()
	for e, err := range s.Events(ctx) {
		if err != nil {
			c.err = err
			return
		}
		c.events = append(c.events, e)
		if !last && c.r.IntN(30) == 0 {
			time.Sleep(time.Duration(c.r.IntN(50)) * time.Millisecond)
		}
	}
}
