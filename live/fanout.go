package live

import (
	"context"
	"fmt"

	"birdwatch/tweet"
)

// page is how many entries the hub reads from the journal at once.
const page = 512

// step waits for entries behind a place and hands them out.
func (h *Hub) step(ctx context.Context, last tweet.Seq) (tweet.Seq, error) {
	if err := h.journal.Wait(ctx, last); err != nil {
		return last, err
	}
	end := h.journal.Last()
	es, err := h.journal.Since(ctx, last, page)
	if err != nil {
		return last, err
	}
	if first := h.journal.First(); last+1 < first { // entries were cut that the hub never read
		if len(es) > 0 {
			end = es[0].Seq - 1
		}
		if cut := min(end, first-1); cut > last {
			h.scatter(cut)
		}
	}
	if len(es) == 0 { // purged entries leave holes
		h.begin(end)
		h.pass(end)
		return max(last, end), nil
	}
	h.begin(es[len(es)-1].Seq)
	for i := range es {
		if err := h.hand(ctx, &es[i]); err != nil {
			return last, err
		}
		last = es[i].Seq
	}
	h.index.tune(1 + len(es)/4)
	return last, nil
}

// begin says that entries up to seq are going to be matched. Whoever joins from now on, perhaps after its queries were looked
// for, must have read them.
func (h *Hub) begin(seq tweet.Seq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = max(h.begun, seq)
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
	for s := range h.subs {
		if s.joined {
			s.joined, s.from = false, max(s.from, h.last)
			s.poke()
		}
	}
	h.last, h.begun = max(h.last, seq), max(h.begun, seq)
}

// hand gives one entry to the subscriptions that it concerns.
func (h *Hub) hand(ctx context.Context, e *tweet.Entry) error {
	h.pages.forget(e)
	switch {
	case e.Kind == tweet.KindTweet && !e.Stripped:
		p, err := e.Decoded()
		if err != nil {
			h.count(func(s *Stats) { s.Spoilt++ })
			h.scatter(e.Seq)
			return nil
		}
		started := h.o.Now()
		groups := h.index.matchTweet(p, &h.target)
		took := h.o.Now().Sub(started)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.stats.MatchTime += took
		h.fanOut(groups, boxed{seq: e.Seq, kind: Tweet, id: e.ID, item: &Item{ID: e.ID, Payload: e.Payload}})
		h.handed(e)
	case deletion(e):
		v, err := h.versions(ctx, e)
		if err != nil {
			return fmt.Errorf("content of deleted %d: %w", e.ID, err)
		}
		h.retract(e, v)
	default:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.handed(e)
	}
	return nil
}

// handed: h.mu is held.
func (h *Hub) handed(e *tweet.Entry) {
	h.stats.Entries++
	h.last, h.arrived = e.Seq, e.Arrived
}

// retract tells a deletion to all who may have been sent what it deletes.
func (h *Hub) retract(e *tweet.Entry, v *versions) {
	var groups []uint32
	for _, t := range v.targets {
		groups = append(groups, h.index.match(t)...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	b := boxed{seq: e.Seq, kind: Delete, id: e.ID}
	h.fanOut(groups, b)
	if v.all || !v.stored || h.forgot > 0 {
		for s := range h.subs {
			if v.doubt(s.began) || v.first <= s.forgot {
				h.offer(s, &b)
			}
		}
	}
	h.handed(e)
}

// fanOut offers an entry to all members of groups. h.mu is held.
//
// A group that went since it was found has no members. Its id may be another group's by now, but only of a deletion's targets: ids
// become free within a match, so that none found by the last one is. Who has joined since begin has the entry (skip); of the others, one
// told too many does no harm.
func (h *Hub) fanOut(groups []uint32, b boxed) {
	for _, id := range groups {
		first := h.members.of(id)
		if first == nil {
			continue
		}
		h.stats.Matched++
		var shared *boxed // by members of whose queries it has the same index
		query := -1
		for m := first; m != nil; m = m.next {
			if b.kind == Tweet && m.sub.setAt(b.seq) != m.set {
				continue // a deletion goes to all who may have had the tweet by any of their queries
			}
			if m.query != query {
				one := b
				one.matched, query = m.alone(), m.query
				shared = &one
			}
			h.offer(m.sub, shared)
		}
	}
}

// offer puts an entry into a subscription's box; a second match of the same entry adds to the first. h.mu is held.
func (h *Hub) offer(s *Subscription, b *boxed) {
	if !s.joined || b.seq <= s.skip {
		return
	}
	n := len(s.box)
	if n > 0 && s.box[n-1].seq == b.seq {
		s.box[n-1] = s.box[n-1].with(b.matched)
		return
	}
	if n >= h.o.Box {
		// From here it reads the journal, at its own pace, behind what lies in the box.
		s.joined = false
		s.from = b.seq - 1
		h.stats.Behind++
		return
	}
	s.box = append(s.box, b)
	h.stats.Queue++
	if n == 0 {
		s.poke()
	}
}
