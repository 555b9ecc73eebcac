package api_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the clock of all tests' servers.
var noon = time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)

// world is a small journal and archive in memory: every entry is searchable at once.
type world struct {
	mu      sync.Mutex // guards what follows
	epoch   string
	base    tweet.Seq // entries up to it were cut
	entries []tweet.Entry
	docs    []*tweet.Document
	changed chan struct{}
	state   *state
	fails   error // what archive answers fail with

	slow    bool // no search ends before its time is up
	failing atomic.Pointer[failure]
}

// failure is one that comes after some searches. It is set while requests may still be under way.
type failure struct {
	left atomic.Int64 // searches that work
	err  error
}

func newWorld() *world {
	return &world{epoch: "e1", changed: make(chan struct{}), state: &state{kept: map[string][]byte{}}}
}

// add takes a tweet in and gives its seq.
func (w *world) add(p *tweet.Payload) tweet.Seq {
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seq := w.last() + 1
	r := tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, Payload: b, CapturedAt: noon.UnixMilli(), Raw: []byte(`{"id_str":"` + p.Data.ID.String() + `"}`)}
	w.append(tweet.Entry{Seq: seq, FirstSeq: seq, Record: r})
	w.docs = append(w.docs, tweet.NewDocument(&r, seq))
	return seq
}

// note is add for a tweet that says only so much.
func (w *world) note(id tweet.ID, text string) tweet.Seq {
	return w.add(&tweet.Payload{Data: tweet.Tweet{ID: id, Text: text, CreatedAt: noon.Add(time.Duration(id) * time.Second).Format(tweet.TimeLayout)}})
}

func (w *world) delete(id tweet.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, d := range w.docs {
		if d.ID == id && !d.Tombstone {
			seq := w.last() + 1
			w.append(tweet.Entry{Seq: seq, FirstSeq: d.FirstSeq, Record: tweet.Record{Kind: tweet.KindDelete, ID: id}})
			w.docs[i] = tweet.NewTombstone(id, d.FirstSeq, noon.UnixMilli())
		}
	}
}

func (w *world) append(e tweet.Entry) {
	w.entries = append(w.entries, e)
	close(w.changed)
	w.changed = make(chan struct{})
}

// cut takes the oldest entries away, as retention does.
func (w *world) cut(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries, w.base = w.entries[n:], w.base+tweet.Seq(n)
}

func (w *world) last() tweet.Seq { return w.base + tweet.Seq(len(w.entries)) }

func (w *world) Epoch() string { return w.epoch }

func (w *world) First() tweet.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.base + 1
}

func (*world) Losses() uint64 { return 0 }

func (w *world) Last() tweet.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last()
}

func (w *world) Since(_ context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	from := max(0, int(after-w.base))
	return slices.Clone(w.entries[from:min(len(w.entries), from+limit)]), nil
}

func (w *world) Wait(ctx context.Context, after tweet.Seq) error {
	for {
		w.mu.Lock()
		last, changed := w.last(), w.changed
		w.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) sightings(id tweet.ID) (es []tweet.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.entries {
		if e.ID == id && e.Kind == tweet.KindTweet {
			es = append(es, e)
		}
	}
	return es
}

func (w *world) Content(_ context.Context, id tweet.ID) ([]tweet.Entry, error) {
	return w.sightings(id), nil
}

// matches are the documents that a request asks for, newest first; created_at is checked by the query.
func (w *world) matches(r search.Request) (hits []search.Hit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := r.Query
	if !r.Start.IsZero() {
		e = query.And(e, query.Since(r.Start))
	}
	if !r.End.IsZero() {
		e = query.And(e, query.Until(r.End))
	}
	m, target := query.NewMatcher(e), new(query.Target)
	for _, d := range w.docs {
		switch {
		case d.Tombstone, d.ID <= r.AfterID, r.BeforeID != 0 && d.ID >= r.BeforeID,
			r.AfterSeq != nil && d.FirstSeq <= *r.AfterSeq, r.UntilSeq != nil && d.FirstSeq > *r.UntilSeq:
			continue
		}
		p, err := tweet.Decode(d.Payload)
		if err != nil {
			panic(err)
		}
		if target.Set(p); m.Match(target) {
			h := search.Hit{ID: d.ID, FirstSeq: d.FirstSeq, Payload: d.Payload}
			if r.Sort != query.CreatedAt {
				h.Value = target.Figures[r.Sort]
			}
			hits = append(hits, h)
		}
	}
	slices.SortFunc(hits, behind)
	if r.After != nil {
		after := search.Hit{ID: r.After.ID, Value: r.After.Value}
		hits = slices.DeleteFunc(hits, func(h search.Hit) bool { return behind(h, after) <= 0 })
	}
	return hits
}

// behind orders hits, the greatest value first, of equal ones the newest.
func behind(a, b search.Hit) int {
	return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(b.ID, a.ID))
}

func (w *world) Search(ctx context.Context, r search.Request) (search.Page, error) {
	if f := w.failing.Load(); f != nil && f.left.Add(-1) < 0 {
		return search.Page{}, f.err
	}
	if w.slow {
		<-ctx.Done()
		return search.Page{}, ctx.Err()
	}
	if w.fails != nil {
		return search.Page{}, w.fails
	}
	hits := w.matches(r)
	if r.Ascending {
		slices.Reverse(hits)
	}
	n := min(r.Limit, len(hits))
	return search.Page{Hits: hits[:n], More: n < len(hits)}, ctx.Err()
}

func (w *world) Count(_ context.Context, r search.Request, buckets []time.Time) ([]int64, error) {
	if w.fails != nil {
		return nil, w.fails
	}
	counts := make([]int64, len(buckets)-1)
	for i := range counts {
		r.Start, r.End = buckets[i], buckets[i+1]
		counts[i] = int64(len(w.matches(r)))
	}
	return counts, nil
}

func (w *world) Facets(_ context.Context, r search.Request, facets []search.Facet, limit int) (f search.FacetResult, err error) {
	hits := w.matches(r)
	if f.Tweets = len(hits); f.Tweets > 0 {
		f.Oldest = hits[f.Tweets-1].ID
	}
	tally := search.NewTally(facets...)
	for _, h := range hits {
		p, err := tweet.Decode(h.Payload)
		if err != nil {
			return f, err
		}
		tally.Add(p)
	}
	f.Values = tally.Top(limit)
	return f, w.fails
}

func (w *world) Get(_ context.Context, ids ...tweet.ID) (docs []*tweet.Document, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		for _, d := range w.docs {
			if d.ID == id {
				docs = append(docs, d)
			}
		}
	}
	return docs, w.fails
}

// past is the world as a hub's history.
type past struct{ *world }

func (p past) Watermark(context.Context) (tweet.Seq, error) { return p.Last(), p.fails }

func (p past) Matches(ctx context.Context, r live.HistoryRequest) (items []live.Item, more bool, err error) {
	page, err := p.Search(ctx, search.Request{Query: r.Query, Start: r.Start, End: r.End, UntilSeq: &r.Until, AfterID: r.AfterID,
		BeforeID: r.BeforeID, Ascending: !r.Newest, Limit: r.Limit})
	for _, h := range page.Hits {
		items = append(items, live.Item{ID: h.ID, Payload: h.Payload})
	}
	return items, page.More, err
}

func (p past) Content(_ context.Context, id tweet.ID) (*tweet.Payload, error) {
	docs, err := p.Get(context.Background(), id)
	if err != nil || len(docs) == 0 || docs[0].Tombstone {
		return nil, err
	}
	return tweet.Decode(docs[0].Payload)
}
