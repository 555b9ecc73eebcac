package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// endSlack is how long after a query's until: a subscription ends, for tweets whose way was slow.
const endSlack = time.Minute

// boxed is what waits in memory for a subscription.
type boxed struct {
	seq     tweet.Seq
	kind    Kind
	id      tweet.ID
	item    *Item
	matched []int // shared while it is one
}

// add adds a query that the entry matched; m may be nil.
func (b *boxed) add(m *member) {
	switch {
	case m == nil || slices.Contains(b.matched, m.query):
	case len(b.matched) == 0:
		b.matched = m.only
	default:
		b.matched = append(slices.Clone(b.matched), m.query)
		slices.Sort(b.matched)
	}
}

// Subscription is one reader's cursor: history, then the journal. One goroutine at a time uses it.
type Subscription struct {
	hub      *Hub
	r        Request
	exprs    []query.Expr
	matchers []*query.Matcher
	until    time.Time // when nothing can match any more; zero: never
	forever  bool      // a query has no until
	wake     chan struct{}
	ended    chan struct{} // closed by Hub.Close
	began    tweet.Seq     // what has a first_seq up to it may have been sent in history, or before it resumed

	place   Place // of the last event
	told    time.Time
	history bool // history is wanted, from place.Tweet on
	gap     *Event
	live    bool // was at the end once
	groups  []*group

	// guarded by hub.mu:
	joined bool
	skip   tweet.Seq // entries up to it were sent before it joined
	box    []boxed
	from   tweet.Seq // when not joined: everything up to it was sent or lies in box
}

func newSubscription(h *Hub, r Request) *Subscription {
	s := &Subscription{hub: h, r: r, wake: make(chan struct{}, 1), ended: make(chan struct{}), told: h.o.Now()}
	for _, q := range r.Queries {
		s.add(q)
	}
	return s
}

// add takes a query with the request's bounds in it.
func (s *Subscription) add(q Query) {
	es := []query.Expr{q.Expr}
	if !s.r.Start.IsZero() {
		es = append(es, query.Since(s.r.Start))
	}
	until := q.Until
	if !s.r.End.IsZero() {
		es = append(es, query.Until(s.r.End))
		if until.IsZero() || s.r.End.Before(until) {
			until = s.r.End
		}
	}
	e := query.And(es...)
	s.exprs = append(s.exprs, e)
	s.matchers = append(s.matchers, query.NewMatcher(e))
	switch {
	case until.IsZero():
		s.forever = true
	case until.After(s.until):
		s.until = until
	}
}

// begin fixes where the subscription starts.
func (s *Subscription) begin(ctx context.Context) error {
	j := s.hub.journal
	s.place = Place{Position: tweet.Position{Epoch: j.Epoch()}, Instant: s.r.Instant}
	if s.r.Resume != nil {
		s.resume(*s.r.Resume)
		s.began = max(s.r.Resume.Seq, s.from)
		return nil
	}
	s.place.Seq = j.Last()
	if s.r.Backfill > 0 || !s.r.Start.IsZero() {
		w, err := s.hub.history.Watermark(ctx)
		if err != nil {
			return fmt.Errorf("archive's place: %w", err)
		}
		s.place.Seq, s.history = w, true
	}
	s.from, s.began = s.place.Seq, s.place.Seq
	return nil
}

// resume goes on from a client's place. What the journal cannot give from there becomes a gap, told once the rest of history
// is sent: first_seq outlives epochs, entries do not.
func (s *Subscription) resume(at Place) {
	j := s.hub.journal
	s.place.Seq, s.place.Tweet, s.history = at.Seq, at.Tweet, at.Tweet != 0
	s.from = at.Seq
	switch last, first := j.Last(), j.First(); {
	case at.Epoch != j.Epoch():
		s.from = first - 1
		s.gap = &Event{Kind: Gap, Since: min(at.Seq, s.from), Until: s.from}
	case at.Seq > last:
		s.from = last
		s.gap = &Event{Kind: Gap, Since: last, Until: last}
	}
}

// Place is where the subscription stands: that of its last event.
func (s *Subscription) Place() Place { return s.place }

// Close ends the subscription. It does not interrupt Events; end its context for that.
func (s *Subscription) Close() { s.hub.leave(s) }

func (s *Subscription) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// errStop says that whoever ranges wants no more, or that the end was told.
var errStop = errors.New("stopped")

// Events yields what happens, in order, until ctx ends (nothing is yielded then), after End or Bye, or with an error: ErrLagged,
// or what journal or archive failed with. It can be ranged over once.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		tell := func(e Event) error {
			s.place, s.told = e.Place, s.hub.o.Now()
			if !yield(e, nil) || e.Kind == End || e.Kind == Bye {
				return errStop
			}
			return nil
		}
		if err := s.run(ctx, tell); err != errStop && ctx.Err() == nil {
			yield(Event{}, err)
		}
	}
}

// run tells all there is. What tell returns ends it.
func (s *Subscription) run(ctx context.Context, tell func(Event) error) error {
	if s.history {
		if err := s.sendHistory(ctx, tell); err != nil {
			return err
		}
	}
	s.place.Tweet = 0
	if s.gap != nil {
		s.hub.count(func(st *Stats) { st.Gaps++ })
		s.gap.Place = s.at(s.from)
		if err := tell(*s.gap); err != nil {
			return err
		}
	}
	if s.r.Resume == nil || s.history {
		if err := tell(Event{Kind: Live, Place: s.at(s.from)}); err != nil {
			return err
		}
	}
	for {
		if err := s.catchUp(ctx, tell); err != nil {
			return err
		}
		s.live = true
		if err := s.follow(ctx, tell); err != nil {
			return err
		}
	}
}

// at is the place of an entry.
func (s *Subscription) at(seq tweet.Seq) Place {
	p := s.place
	p.Epoch, p.Seq, p.Tweet = s.hub.journal.Epoch(), seq, 0
	return p
}

// match gives the indexes of the queries that a tweet matches.
func (s *Subscription) match(t *query.Target) (matched []int) {
	for i, m := range s.matchers {
		if m.Match(t) {
			matched = append(matched, i)
		}
	}
	return matched
}
