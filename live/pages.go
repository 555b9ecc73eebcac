package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

const (
	// leafSize is how many seqs the leaf of a page has.
	leafSize = 128
	// leavesKept bounds what is kept of the journal in memory for those who catch up.
	leavesKept = 16
	// leafFresh is how long a leaf is used: what is deleted or purged must not stay in it.
	leafFresh = time.Second
)

// pages reads the journal for all subscriptions that are catching up: those who stand close together share one scan, and the
// tweets' items.
type pages struct {
	hub    *Hub
	mu     sync.Mutex // guards what follows
	leaves map[tweet.Seq]*leaf
}

// leaf is a stretch of the journal, leafSize seqs from its key on.
type leaf struct {
	busy chan struct{} // holds one: whoever reads the leaf, or looks at it; guards what follows
	made time.Time
	es   []entry
	next tweet.Seq // when it was read to its end: behind it the journal goes on; else 0
}

// entry is what subscriptions need of the journal's. Not to be changed.
type entry struct {
	seq    tweet.Seq
	id     tweet.ID
	item   *Item         // of a tweet
	target *query.Target // of a tweet
	gone   *versions     // of a deletion
	spoilt bool          // cannot be read
}

// read gives entries behind a place, in order; none when there are none yet.
func (p *pages) read(ctx context.Context, after tweet.Seq) ([]entry, error) {
	for {
		es, next, err := p.look(ctx, after)
		if err != nil || len(es) > 0 || next <= after {
			return es, err
		}
		after = next
	}
}

// look reads one leaf. Without entries, next is where to look then; it is not above after at the journal's end.
func (p *pages) look(ctx context.Context, after tweet.Seq) (es []entry, next tweet.Seq, err error) {
	start := after / leafSize * leafSize
	l := p.leaf(start)
	select {
	case l.busy <- struct{}{}:
		defer func() { <-l.busy }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	fresh := func() bool { return p.hub.o.Now().Sub(l.made) < leafFresh }
	if es = l.after(after); !fresh() || len(es) == 0 && l.next == 0 {
		if err := p.load(ctx, l, start); err != nil {
			return nil, 0, err
		}
		es = l.after(after)
	}
	return es, l.next, nil
}

// leaf gives the one that begins behind start, and forgets the oldest when there are too many.
func (p *pages) leaf(start tweet.Seq) *leaf {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.leaves[start]; l != nil {
		return l
	}
	if len(p.leaves) >= leavesKept {
		clear(p.leaves) // whoever reads one still has it
	}
	l := &leaf{busy: make(chan struct{}, 1)}
	p.leaves[start] = l
	return l
}

// sweep forgets what is too old to be used.
func (p *pages) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for start, l := range p.leaves {
		select {
		case l.busy <- struct{}{}:
			if p.hub.o.Now().Sub(l.made) >= leafFresh {
				delete(p.leaves, start)
			}
			<-l.busy
		default: // in use
		}
	}
}

func (l *leaf) after(after tweet.Seq) []entry {
	for i := range l.es {
		if l.es[i].seq > after {
			return l.es[i:len(l.es):len(l.es)]
		}
	}
	return nil
}

// load reads the leaf anew. l.busy is held.
func (p *pages) load(ctx context.Context, l *leaf, start tweet.Seq) error {
	j, end := p.hub.journal, start+leafSize
	made, last := p.hub.o.Now(), j.Last()
	read, err := j.Since(ctx, start, leafSize)
	if err != nil {
		return fmt.Errorf("journal after %d: %w", start, err)
	}
	es, next := make([]entry, 0, len(read)), tweet.Seq(0)
	if last >= end {
		next = end
	}
	for i := range read {
		if read[i].Seq > end {
			next = read[i].Seq - 1 // a hole ends there
			break
		}
		if read[i].Seq == end {
			next = end
		}
		e, err := p.hub.prepare(ctx, &read[i])
		if err != nil {
			return err
		}
		es = append(es, e)
	}
	l.made, l.es, l.next = made, es, next
	return nil
}

// prepare makes of an entry what subscriptions need.
func (h *Hub) prepare(ctx context.Context, e *tweet.Entry) (entry, error) {
	out := entry{seq: e.Seq, id: e.ID}
	switch {
	case e.Kind == tweet.KindTweet && !e.Stripped:
		p, err := e.Decoded()
		if err != nil {
			out.spoilt = true
			return out, nil
		}
		out.item, out.target = &Item{ID: e.ID, Payload: e.Payload}, new(query.Target)
		out.target.Set(p)
	case deletion(e):
		var err error
		if out.gone, err = h.versions(ctx, e); err != nil {
			return entry{}, fmt.Errorf("content of deleted %d: %w", e.ID, err)
		}
	}
	return out, nil
}
