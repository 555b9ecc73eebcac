package live

import (
	"context"
	"fmt"
	"iter"
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
	matched []int
}

// Subscription is one reader's cursor: history, then the journal. One goroutine at a time uses it.
type Subscription struct {
	hub      *Hub
	r        Request
	exprs    []query.Expr
	matchers []*query.Matcher
	target   query.Target
	until    time.Time // when nothing can match any more; zero: never
	forever  bool      // a query has no until
	wake     chan struct{}
	ended    chan struct{} // closed by Hub.Close

	place   Place // of the last event
	history bool  // history is wanted, from place.Tweet on
	gap     *Event
	live    bool // was at the end once

	// guarded by hub.mu:
	joined bool
	skip   tweet.Seq // entries up to it were sent before it joined
	box    []boxed
	from   tweet.Seq // when not joined: everything up to it was sent or lies in box
	groups []*group
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
	s.from = s.place.Seq
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

// Events yields what happens, in order, until ctx ends (nothing is yielded then), after End or Bye, or with an error: ErrLagged,
// or what journal or archive failed with. It can be ranged over once.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := s.run(ctx, func(e Event) bool {
			s.place = e.Place
			return yield(e, nil)
		})
		if err != nil && err != errStop && ctx.Err() == nil {
			yield(Event{}, err)
		}
	}
}

// errStop says that whoever ranges wants no more, or that the end was told.
var errStop = fmt.Errorf("stopped")

func (s *Subscription) run(ctx context.Context, yield func(Event) bool) error {
	if s.history {
		if err := s.sendHistory(ctx, yield); err != nil {
			return err
		}
	}
	s.place.Tweet = 0
	if s.gap != nil {
		s.hub.count(func(st *Stats) { st.Gaps++ })
		e := *s.gap
		if e.Place = s.at(s.from); !yield(e) {
			return errStop
		}
	}
	if s.r.Resume == nil || s.history {
		if !yield(Event{Kind: Live, Place: s.at(s.from)}) {
			return errStop
		}
	}
	for {
		if err := s.catchUp(ctx, yield); err != nil {
			return err
		}
		s.live = true
		if err := s.follow(ctx, yield); err != nil {
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

// follow gives what the hub puts into the box, until it overflows.
func (s *Subscription) follow(ctx context.Context, yield func(Event) bool) error {
	quiet := time.NewTimer(s.hub.o.MoveEvery)
	defer quiet.Stop()
	over := s.over()
	if over != nil {
		defer over.Stop()
	}
	for due := none; ; {
		batch, joined, last := s.take()
		for i, b := range batch {
			if !yield(Event{Kind: b.kind, Place: s.at(b.seq), ID: b.id, Item: b.item, Matched: b.matched, More: i < len(batch)-1}) {
				return errStop
			}
		}
		switch {
		case !joined:
			return nil
		case due == Bye || due == End:
			return s.tell(yield, Event{Kind: due, Place: s.at(last)})
		case due == Moved && len(batch) == 0:
			if !yield(Event{Kind: Moved, Place: s.at(last)}) {
				return errStop
			}
		}
		if due == Moved || len(batch) > 0 {
			due = none
			quiet.Reset(s.hub.o.MoveEvery)
		}
		select {
		case <-s.wake:
		case <-s.ended:
			due = Bye
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C:
			due = Moved
		case <-after(over):
			due = End
		}
	}
}

// none is no kind of event.
const none Kind = 255

func (s *Subscription) tell(yield func(Event) bool, e Event) error {
	yield(e)
	return errStop
}

// over is a timer for the moment at which nothing can match any more; nil when that never comes.
func (s *Subscription) over() *time.Timer {
	if s.forever || s.until.IsZero() {
		return nil
	}
	return time.NewTimer(time.Until(s.until.Add(endSlack)))
}

func after(t *time.Timer) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// take empties the box. last is the place up to which, with the box given, everything was given.
func (s *Subscription) take() (batch []boxed, joined bool, last tweet.Seq) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	batch, s.box = s.box, nil
	if s.joined {
		s.from = max(s.from, s.hub.last)
	}
	s.hub.stats.Delivered += int64(len(batch))
	return batch, s.joined, s.from
}
