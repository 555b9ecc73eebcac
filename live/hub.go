package live

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"birdwatch/query"
	"birdwatch/tweet"
)

// page is how many entries are read from the journal at once.
const page = 512

// Hub matches every entry of the journal once against all subscriptions' queries and hands it to those
// that stand at the end. It never waits for a subscription. Run it before anyone subscribes.
type Hub struct {
	journal Journal
	history History
	o       Options
	target  query.Target // of Run only

	mu      sync.Mutex // guards what follows
	index   *Index
	subs    map[*Subscription]struct{}
	running bool
	closed  bool
	last    tweet.Seq // every entry up to it was handed out
	stats   Stats
}

// member is a subscription in a group: which of its queries it is.
type member struct {
	sub   *Subscription
	query int
}

// NewHub makes a hub; Run starts it.
func NewHub(j Journal, h History, o Options) *Hub {
	o.defaults()
	return &Hub{journal: j, history: h, o: o, index: NewIndex(), subs: map[*Subscription]struct{}{}, last: j.Last()}
}

// Run follows the journal from its end until ctx ends; then it closes the hub.
func (h *Hub) Run(ctx context.Context) error {
	defer h.Close()
	h.mu.Lock()
	h.running = true
	last := h.last
	h.mu.Unlock()
	for {
		if err := h.journal.Wait(ctx, last); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("follow journal: %w", err)
		}
		end := h.journal.Last()
		es, err := h.journal.Since(ctx, last, page)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("follow journal: %w", err)
		}
		if first := h.journal.First(); last+1 < first && len(es) > 0 && es[0].Seq > last+1 {
			h.scatter(es[0].Seq - 1) // entries were cut that the hub never read
		} else if last+1 < first && len(es) == 0 {
			h.scatter(max(last, min(end, first-1)))
		}
		for i := range es {
			if err := h.hand(ctx, &es[i]); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			last = es[i].Seq
		}
		if len(es) == 0 { // purged entries leave holes
			last = max(last, end)
			h.pass(last)
		}
	}
}

func (h *Hub) pass(seq tweet.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = max(h.last, seq)
}

// scatter sends all subscriptions from the end to the journal, where each finds its own gap. The hub goes on behind seq.
func (h *Hub) scatter(seq tweet.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.last = max(h.last, seq) }()
	for s := range h.subs {
		if s.joined {
			s.joined, s.from = false, max(s.from, h.last)
			s.poke()
		}
	}
}

// hand gives one entry to the subscriptions that it concerns.
func (h *Hub) hand(ctx context.Context, e *tweet.Entry) error {
	switch {
	case e.Kind == tweet.KindTweet && !e.Stripped:
		p, err := e.Decoded()
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		h.target.Set(p)
		item := &Item{ID: e.ID, Payload: e.Payload}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.fanOut(e, h.index.Match(&h.target), boxed{seq: e.Seq, kind: Tweet, id: e.ID, item: item})
		return nil
	case deletion(e):
		contents, certain, err := h.contents(ctx, e)
		if err != nil {
			return fmt.Errorf("content of deleted %d: %w", e.ID, err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		b := boxed{seq: e.Seq, kind: Delete, id: e.ID}
		if !certain {
			for s := range h.subs {
				h.offer(s, b, -1)
			}
		}
		for _, p := range contents {
			h.target.Set(p)
			h.fanOut(e, h.index.Match(&h.target), b)
		}
		h.last = e.Seq
		return nil
	}
	h.pass(e.Seq)
	return nil
}

// deletion reports whether subscriptions may have been sent what the entry deletes.
func deletion(e *tweet.Entry) bool {
	return e.Kind == tweet.KindDelete && e.FirstSeq > 0 && !e.Unseen || e.Kind == tweet.KindTweet && e.Stripped
}

// contents are all states of a deleted tweet that can still be had. Without the first one, which decided
// what subscriptions were sent, or without any, it is not certain who was sent it.
func (h *Hub) contents(ctx context.Context, e *tweet.Entry) (ps []*tweet.Payload, certain bool, err error) {
	es, err := h.journal.Content(ctx, e.ID)
	if err != nil {
		return nil, false, err
	}
	for i := range es {
		p, err := es[i].Decoded()
		if err != nil {
			return nil, false, err
		}
		ps = append(ps, p)
		certain = certain || es[i].Kind == tweet.KindTweet
	}
	p, err := h.history.Content(ctx, e.ID)
	if err != nil {
		return ps, false, nil // the archive is away: in doubt, all are told
	}
	if p != nil {
		ps, certain = append(ps, p), true
	}
	return ps, certain, nil
}

// fanOut offers an entry to all members of groups. h.mu is held.
func (h *Hub) fanOut(e *tweet.Entry, groups []*group, b boxed) {
	h.stats.Entries++
	for _, g := range groups {
		h.stats.Matched++
		for _, m := range g.subs {
			h.offer(m.sub, b, m.query)
		}
	}
	h.last = e.Seq
}

// offer puts an entry into a subscription's box; a second match of the same entry adds to the first. h.mu is held.
func (h *Hub) offer(s *Subscription, b boxed, query int) {
	if !s.joined || b.seq <= s.skip {
		return
	}
	if n := len(s.box); n > 0 && s.box[n-1].seq == b.seq {
		last := &s.box[n-1]
		if query >= 0 && !slices.Contains(last.matched, query) {
			last.matched = append(last.matched, query)
			slices.Sort(last.matched)
		}
		return
	}
	if len(s.box) >= h.o.Box {
		// From here it reads the journal, at its own pace, behind what lies in the box.
		s.joined = false
		s.from = b.seq - 1
		h.stats.Behind++
		return
	}
	if query >= 0 {
		b.matched = []int{query}
	}
	s.box = append(s.box, b)
	s.poke()
}

// Subscribe opens a subscription. It has no goroutine: whoever ranges over Events drives it. Close it when done.
func (h *Hub) Subscribe(ctx context.Context, r Request) (*Subscription, error) {
	s := &Subscription{hub: h, r: r, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	for _, q := range r.Queries {
		s.add(q)
	}
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed || !h.running:
		return nil, ErrClosed
	case len(h.subs) >= h.o.MaxSubscriptions:
		return nil, ErrFull
	}
	h.subs[s] = struct{}{}
	h.stats.Queries += int64(len(s.exprs))
	if r.Resume != nil {
		h.stats.Resumed++
	}
	for i, e := range s.exprs {
		g := h.index.Add(e)
		g.subs = append(g.subs, &member{s, i})
		s.groups = append(s.groups, g)
	}
	return s, nil
}

// join puts a subscription that has everything up to after at the end, unless the hub has handed out more. h.mu is not held.
func (h *Hub) join(s *Subscription, after tweet.Seq) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if after < h.last {
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
	for _, g := range s.groups {
		g.subs = slices.DeleteFunc(g.subs, func(m *member) bool { return m.sub == s })
		h.index.Remove(g)
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
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Subscriptions, s.Groups, s.Always, s.Seq = int64(len(h.subs)), int64(len(h.index.groups)), int64(len(h.index.always)), h.last
	return s
}

func (h *Hub) count(f func(*Stats)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.stats)
}
