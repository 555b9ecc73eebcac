package live

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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
	running bool
	closed  bool
	last    tweet.Seq // every entry up to it was handed out
	begun   tweet.Seq // entries up to it may have been matched already: who joins must have them
	stats   Stats
}

// member is a subscription in a group: which of its queries it is.
type member struct {
	sub   *Subscription
	query int
	only  []int // that query alone; shared by events
}

// NewHub makes a hub; Run starts it.
func NewHub(j Journal, h History, o Options) *Hub {
	o.defaults()
	hub := &Hub{journal: j, history: h, o: o, index: newIndex(), subs: map[*Subscription]struct{}{}, last: j.Last()}
	hub.begun = hub.last
	hub.pages = pages{hub: hub, leaves: map[tweet.Seq]*leaf{}}
	return hub
}

// Run follows the journal from its end until ctx ends; then it closes the hub.
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

// Subscribe opens a subscription. It has no goroutine: whoever ranges over Events drives it. Close it when done.
func (h *Hub) Subscribe(ctx context.Context, r Request) (*Subscription, error) {
	s := newSubscription(h, r)
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	for _, e := range s.exprs {
		s.groups = append(s.groups, h.index.add(e))
	}
	if err := h.enter(s); err != nil {
		for _, g := range s.groups {
			h.index.remove(g)
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
	h.stats.Queries += int64(len(s.exprs))
	if s.r.Resume != nil {
		h.stats.Resumed++
	}
	for i, g := range s.groups {
		g.subs = append(g.subs, &member{s, i, []int{i}})
	}
	return nil
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
	h.stats.Queries -= int64(len(s.exprs))
	h.stats.Queue -= int64(len(s.box))
	for _, g := range s.groups {
		g.subs = slices.DeleteFunc(g.subs, func(m *member) bool { return m.sub == s })
		h.index.remove(g)
	}
	s.joined, s.box, s.groups = false, nil, nil
}

// Close ends all subscriptions with Bye and lets no new one in. It returns at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for s := range h.subs {
		close(s.ended)
	}
}

// Stats gives the present counts.
func (h *Hub) Stats() Stats {
	groups, always := h.index.size()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Subscriptions, s.Groups, s.Always, s.Seq = int64(len(h.subs)), int64(groups), int64(always), h.last
	return s
}

func (h *Hub) count(f func(*Stats)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.stats)
}
