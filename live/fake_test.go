package live_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"birdwatch/tweet"
)

// world is a journal and an archive in memory, the archive behind the journal.
type world struct {
	gate    sync.RWMutex // see atOnce
	mu      sync.Mutex
	epoch   string
	base    tweet.Seq // entries[0].Seq - 1
	given   int       // seqs since base
	entries []tweet.Entry
	moved   chan struct{}

	docs    map[tweet.ID]*doc
	applied tweet.Seq

	scans   int // calls of Since
	read    int // entries that it gave
	short   int // so many entries it gives at most; 0: as many as are asked for
	losses  uint64
	looking func(string) // called before the world is asked for something; may be nil
	away    error        // what the archive answers for Content
}

// asked tells looking what is asked for.
func (w *world) asked(what string) {
	w.mu.Lock()
	looking := w.looking
	w.mu.Unlock()
	if looking != nil {
		looking(what)
	}
}

type doc struct {
	first   tweet.Seq
	payload *tweet.Payload // nil: tombstone
}

func newWorld(epoch string, base tweet.Seq) *world {
	return &world{epoch: epoch, base: base, moved: make(chan struct{}), docs: map[tweet.ID]*doc{}, applied: base}
}

func (w *world) Epoch() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.epoch
}

func (w *world) First() tweet.Seq {
	w.asked("first")
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base + 1
}

// atOnce does what the hub sees nothing of before all is done.
func (w *world) atOnce(f func()) {
	w.gate.Lock()
	defer w.gate.Unlock()
	f()
}

func (w *world) Last() tweet.Seq {
	w.gate.RLock()
	defer w.gate.RUnlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last()
}

func (w *world) last() tweet.Seq { return w.base + tweet.Seq(w.given) }

func (w *world) Since(_ context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	w.asked("since")
	w.gate.RLock()
	defer w.gate.RUnlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scans++
	from, _ := slices.BinarySearchFunc(w.entries, after+1, func(e tweet.Entry, seq tweet.Seq) int { return cmp.Compare(e.Seq, seq) })
	if w.short > 0 {
		limit = min(limit, w.short)
	}
	es := slices.Clone(w.entries[from:min(len(w.entries), from+limit)])
	w.read += len(es)
	return es, nil
}

func (w *world) Losses() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.losses
}

func (w *world) Wait(ctx context.Context, after tweet.Seq) error {
	for {
		w.gate.RLock()
		w.mu.Lock()
		moved, last := w.moved, w.last()
		w.mu.Unlock()
		w.gate.RUnlock()
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

func (w *world) Content(_ context.Context, id tweet.ID) ([]tweet.Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var es []tweet.Entry
	for _, e := range w.entries {
		if e.ID == id && e.Payload != nil {
			es = append(es, e)
		}
	}
	return es, nil
}

func (w *world) append(e tweet.Entry) tweet.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given++
	e.Seq = w.last()
	if e.Kind == tweet.KindTweet {
		e.FirstSeq = e.Seq
	}
	w.entries = append(w.entries, e)
	close(w.moved)
	w.moved = make(chan struct{})
	return e.Seq
}

func payload(id tweet.ID, text string) *tweet.Payload {
	return &tweet.Payload{Data: tweet.Tweet{ID: id, Text: text, Lang: "en"}}
}

func (w *world) tweet(id tweet.ID, text string) tweet.Seq {
	p := payload(id, text)
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return w.append(tweet.Entry{Record: tweet.Record{Kind: tweet.KindTweet, ID: id, Payload: b, Tweet: p}})
}

func (w *world) delete(id tweet.ID, first tweet.Seq) {
	w.append(tweet.Entry{FirstSeq: first, Record: tweet.Record{Kind: tweet.KindDelete, ID: id}})
}

// apply moves the archive n entries on.
func (w *world) apply(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		i := int(w.applied - w.base)
		if i < 0 {
			w.applied = w.base
			i = 0
		}
		if i >= len(w.entries) {
			return
		}
		e := w.entries[i]
		switch {
		case e.Kind == tweet.KindDelete:
			if d := w.docs[e.ID]; d != nil {
				d.payload = nil
			}
		case e.Payload != nil && w.docs[e.ID] == nil:
			w.docs[e.ID] = &doc{e.Seq, e.Tweet}
		}
		w.applied = e.Seq
	}
}

// strip takes the content of what is deleted and applied out of the journal.
func (w *world) strip() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.losses++
	for _, e := range w.entries {
		if e.Kind != tweet.KindDelete || e.Seq > w.applied {
			continue
		}
		for i := range w.entries {
			if t := &w.entries[i]; t.ID == e.ID && t.Kind != tweet.KindDelete {
				t.Payload, t.Tweet, t.Stripped = nil, nil, true
			}
		}
	}
}

// merge lets an import give a tweet of the archive another text. The journal does not learn of it.
func (w *world) merge(id tweet.ID, text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.docs[id]
	if d == nil || d.payload == nil {
		return false
	}
	d.payload = payload(id, text)
	return true
}

// imports puts a tweet into the archive alone.
func (w *world) imports(id tweet.ID, text string) tweet.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := max(w.applied, 1)
	w.docs[id] = &doc{first, payload(id, text)}
	return first
}

// purge takes entries away without a trace; worlds with holes can only be read.
func (w *world) purge(from, to tweet.Seq) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.losses++
	w.entries = slices.DeleteFunc(w.entries, func(e tweet.Entry) bool { return e.Seq >= from && e.Seq <= to })
}

// skip makes a hole of n seqs.
func (w *world) skip(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.given += n
}

// rebirth is a new journal: of the old one only what the archive has is left.
func (w *world) rebirth(epoch string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.base, w.entries, w.epoch, w.given = w.last(), nil, epoch, 0
	w.applied = w.base
}

// cut drops the n oldest entries that the archive has.
func (w *world) cut(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = max(0, min(n, int(w.applied-w.base)))
	w.entries = slices.Clone(w.entries[n:])
	w.base += tweet.Seq(n)
	w.given -= n
}

func (w *world) Watermark(context.Context) (tweet.Seq, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.applied, nil
}

// errSilent is an archive that does not even say that it is away.
var errSilent = errors.New("silent")

// goAway sets what the archive answers for Content.
func (w *world) goAway(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = err
}
