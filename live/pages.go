package live

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

const (
	// leafSize is how many seqs the leaf of a page has.
	leafSize = 128
	// leavesKept bounds what is kept of the journal in memory for those who catch up.
	leavesKept = 64
	// leafFresh is how long a leaf is used, at most.
	leafFresh = 10 * time.Second
	// sweepEvery is how often leaves that are not to be used any more are looked for.
	sweepEvery = time.Second
)

// pages reads the journal for all subscriptions that are catching up: those who stand close together share one scan, and the
// tweets' items.
type pages struct {
	hub    *Hub
	mu     sync.Mutex // guards what follows
	leaves map[tweet.Seq]*leaf
	uses   int
	swept  bool // a sweep is to come
}

// leaf is a stretch of the journal, leafSize seqs from its key on.
type leaf struct {
	used int // guarded by pages.mu

	busy   chan struct{} // holds one: whoever reads the leaf, or looks at it; guards what follows
	made   time.Time
	losses uint64 // the journal's, before it was read
	es     []entry
	tried  *tried    // what queries match of es
	read   tweet.Seq // the last that was read
	next   tweet.Seq // when it was read to its end: behind it the journal goes on; else 0
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

// stretch is what a leaf has behind a place.
type stretch struct {
	es    []entry // all of the leaf
	from  int     // the first of them behind the place
	tried *tried
}

func (x *stretch) behind() []entry { return x.es[x.from:] }

// read gives entries behind a place, in order; none when there are none yet.
func (p *pages) read(ctx context.Context, after tweet.Seq) (stretch, error) {
	for {
		x, next, err := p.look(ctx, after)
		if err != nil || len(x.behind()) > 0 || next <= after {
			return x, err
		}
		after = next
	}
}

// look reads one leaf. Without entries, next is where to look then; it is not above after at the journal's end.
func (p *pages) look(ctx context.Context, after tweet.Seq) (x stretch, next tweet.Seq, err error) {
	start := after / leafSize * leafSize
	l := p.leaf(start)
	select {
	case l.busy <- struct{}{}:
		defer func() { <-l.busy }()
	case <-ctx.Done():
		return x, 0, ctx.Err()
	}
	if p.spent(l) {
		l.made, l.losses = p.hub.o.Now(), p.hub.journal.Losses()
		l.es, l.tried, l.read, l.next = nil, &tried{index: p.hub.index, of: map[groupKey]*verdict{}}, start, 0
	}
	// The journal may give less than was asked for at once.
	for more := true; more; x = l.after(after) {
		if x = l.after(after); len(x.behind()) > 0 || l.next > 0 {
			break
		}
		if more, err = p.load(ctx, l, start+leafSize); err != nil {
			return x, 0, err
		}
	}
	return x, l.next, nil
}

// spent says whether a leaf may hold what is gone by now. l.busy is held.
func (p *pages) spent(l *leaf) bool {
	return l.losses != p.hub.journal.Losses() || p.hub.o.Now().Sub(l.made) >= leafFresh
}

// leaf gives the one that begins behind start, and forgets the oldest when there are too many.
func (p *pages) leaf(start tweet.Seq) *leaf {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uses++
	if l := p.leaves[start]; l != nil {
		l.used = p.uses
		return l
	}
	if len(p.leaves) >= leavesKept { // whoever reads the one that goes still has it
		oldest := slices.MinFunc(slices.Collect(maps.Keys(p.leaves)), func(a, b tweet.Seq) int { return cmp.Compare(p.leaves[a].used, p.leaves[b].used) })
		delete(p.leaves, oldest)
	}
	l := &leaf{busy: make(chan struct{}, 1), used: p.uses}
	p.leaves[start] = l
	if !p.swept {
		p.swept = true
		time.AfterFunc(sweepEvery, p.sweep)
	}
	return l
}

// forget lets go of what is read when an entry hides tweets, or parts of them, that were before it.
func (p *pages) forget(e *tweet.Entry) {
	if e.Kind == tweet.KindTweet || e.Kind == tweet.KindUpdate || e.Kind == tweet.KindDelete {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.leaves) // whoever reads one still has it
}

// sweep forgets what is too old to be used, and comes again while there is anything.
func (p *pages) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		if p.swept = len(p.leaves) > 0; p.swept {
			time.AfterFunc(sweepEvery, p.sweep)
		}
	}()
	for start, l := range p.leaves {
		select {
		case l.busy <- struct{}{}:
			if p.spent(l) {
				delete(p.leaves, start)
			}
			<-l.busy
		default: // in use
		}
	}
}

func (l *leaf) after(after tweet.Seq) stretch {
	from, _ := slices.BinarySearchFunc(l.es, after+1, func(e entry, seq tweet.Seq) int { return cmp.Compare(e.seq, seq) })
	return stretch{l.es[:len(l.es):len(l.es)], from, l.tried}
}

// load reads what a leaf, which ends at end, does not have yet; more says that there was any. l.busy is held.
func (p *pages) load(ctx context.Context, l *leaf, end tweet.Seq) (more bool, err error) {
	j := p.hub.journal
	last := j.Last()
	read, err := j.Since(ctx, l.read, leafSize)
	if err != nil {
		return false, fmt.Errorf("journal after %d: %w", l.read, err)
	}
	if len(l.es) > 0 && j.First() > l.read+1 {
		l.made = time.Time{} // what was cut in its middle is a gap only to who reads the leaf anew
	}
	es, next := l.es, tweet.Seq(0) // others have the first of es, and never see what is appended
	if last >= end && len(read) == 0 {
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
			return false, err
		}
		es = append(es, e)
	}
	if l.es, l.next = es, next; len(es) > 0 {
		l.read = es[len(es)-1].seq
	}
	return len(read) > 0, nil
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
