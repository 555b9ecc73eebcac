package live

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Hub matches every entry of the journal once against all subscriptions' queries and hands it to those
// that stand at the end. It never waits for a subscription. Run it before anyone subscribes.
type Hub struct {
	journal Journal
	history History
	o       Options
	index   *index
	pages   pages
	target  query.Target // of Run only
	rests   atomic.Int64 // until then, Unix nanoseconds, the archive is not asked about deletions

	mu      sync.Mutex // guards what follows
	subs    map[*Subscription]struct{}
	members members
	running bool
	closed  bool
	last    tweet.Seq // every entry up to it was handed out
	begun   tweet.Seq // entries up to it may have been matched already: who joins must have them
	stats   Stats
	arrived int64 // when last came, Unix milliseconds
	forgot  int   // subscriptions that do not know all the queries they had
	started chan struct{}
	ended   chan struct{}
}

// NewHub makes a hub; Run starts it.
func NewHub(j Journal, h History, o Options) *Hub {
	o.defaults()
	hub := &Hub{journal: j, history: h, o: o, index: newIndex(), subs: map[*Subscription]struct{}{}, last: j.Last(), started: make(chan struct{}), ended: make(chan struct{})}
	hub.begun = hub.last
	hub.pages = pages{hub: hub, leaves: map[tweet.Seq]*leaf{}}
	return hub
}

// Started is closed when Run takes subscriptions.
func (h *Hub) Started() <-chan struct{} { return h.started }

// Run follows the journal from its end until ctx ends; then it closes the hub. It is called once.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Close()
	var sealing sync.WaitGroup
	defer sealing.Wait()
	beside, stop := context.WithCancel(ctx)
	defer stop()
	sealing.Go(func() { h.index.seals(beside) })
	h.mu.Lock()
	h.running = true
	last := h.last
	h.mu.Unlock()
	close(h.started)
	for {
		next, err := h.step(ctx, last)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow journal after %d: %w", last, err)
		}
		last = next
	}
}

// Subscribe opens a subscription. It has no goroutine: whoever ranges over Events, or over Ready, drives it. Close it when done.
func (h *Hub) Subscribe(ctx context.Context, r Request) (*Subscription, error) {
	s := newSubscription(h, r)
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	for _, f := range r.Former {
		s.sets = append(s.sets, window{s.newSet(f.Queries), f.Until})
	}
	s.sets = append(s.sets, window{set: s.newSet(r.Queries)})
	s.r.Queries, s.r.Former = nil, nil // the sets have them
	if err := h.enter(s); err != nil {
		for _, w := range s.sets {
			h.release(w.set)
		}
		return nil, err
	}
	return s, nil
}

func (h *Hub) enter(s *Subscription) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed || !h.running:
		return ErrClosed
	case len(h.subs) >= h.o.MaxSubscriptions:
		return ErrFull
	}
	h.subs[s] = struct{}{}
	if s.r.Resume != nil {
		h.stats.Resumed++
	}
	if s.forgot > 0 {
		h.forgot++
	}
	for _, w := range s.sets {
		h.admit(s, w.set)
	}
	return nil
}

// admit makes a subscription a member of its queries' groups. h.mu is held.
func (h *Hub) admit(s *Subscription, of *set) {
	h.stats.Queries += int64(len(of.queries))
	ms := make([]member, len(of.groups))
	for i, g := range of.groups {
		ms[i] = member{sub: s, set: of, query: i}
		h.members.add(g.id, &ms[i])
	}
	of.members = ms
}

// dismiss undoes admit. h.mu is held.
func (h *Hub) dismiss(of *set) {
	h.stats.Queries -= int64(len(of.queries))
	for i, g := range of.groups {
		h.members.remove(g.id, &of.members[i])
	}
	h.release(of)
	of.members = nil
}

// release gives a set's groups back.
func (h *Hub) release(of *set) {
	for _, g := range of.groups {
		h.index.remove(g)
	}
	of.groups = nil
}

// join puts a subscription that has everything up to after at the end, unless more was begun to be handed out. h.mu is not held.
func (h *Hub) join(s *Subscription, after tweet.Seq) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after < h.begun {
		return false
	}
	s.joined, s.skip = true, after
	return true
}

// leave forgets a subscription.
func (h *Hub) leave(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.subs[s]; !ok {
		return
	}
	delete(h.subs, s)
	if s.forgot > 0 {
		h.forgot--
	}
	h.stats.Queue -= int64(len(s.box))
	for _, w := range s.sets {
		h.dismiss(w.set)
	}
	s.joined, s.box = false, nil
}

// Close ends all subscriptions with Bye and lets no new one in. It returns at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	close(h.ended)
	for s := range h.subs {
		s.poke()
	}
}

// Stats gives the present counts.
func (h *Hub) Stats() Stats {
	groups, always := h.index.size()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Subscriptions, s.Groups, s.Always, s.Seq = int64(len(h.subs)), int64(groups), int64(always), h.last
	if s.Lag = max(0, h.journal.Last()-h.last); s.Lag > 0 && h.arrived > 0 {
		s.Late = max(0, h.o.Now().Sub(time.UnixMilli(h.arrived)))
	}
	return s
}

// Arrived is when the journal took an entry that can still be read; zero for others.
func (h *Hub) Arrived(ctx context.Context, seq tweet.Seq) (time.Time, error) {
	es, err := h.journal.Since(ctx, seq-1, 1)
	if err != nil || len(es) == 0 || es[0].Seq != seq {
		return time.Time{}, err
	}
	return time.UnixMilli(es[0].Arrived), nil
}

func (h *Hub) count(f func(*Stats)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.stats)
}
