package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"birdwatch/tweet"
)

// endSlack is how long after a query's until: a subscription ends, for tweets whose way was slow.
const endSlack = time.Minute

// boxed is what waits in memory for subscriptions, which share it: it is not changed.
type boxed struct {
	seq     tweet.Seq
	kind    Kind
	id      tweet.ID
	item    *Item
	matched []int
}

// with gives one that matched these queries too.
func (b *boxed) with(matched []int) *boxed {
	all := b.matched
	for _, m := range matched {
		if !slices.Contains(all, m) {
			all = append(slices.Clip(all), m)
		}
	}
	if len(all) == len(b.matched) {
		return b
	}
	slices.Sort(all) // a copy: there is one more in it
	more := *b
	more.matched = all
	return &more
}

// Subscription is one reader's cursor: history, then the journal. One goroutine at a time uses it, but Hub.SetQueries may be called by any.
type Subscription struct {
	hub   *Hub
	r     Request
	wake  chan struct{} // of Events
	began tweet.Seq     // what has a first_seq up to it may have been sent in history, or before it resumed

	place   Place // of the last event
	told    time.Time
	history bool // history is wanted, from place.Tweet on
	gap     *Event
	opened  bool // history, gap and live were told
	live    bool // was at the end once

	// guarded by hub.mu:
	forgot tweet.Seq // what has a first_seq up to it may have been sent by queries that are not known any more
	sets   []window  // ascending, the present one last; not changed, but replaced
	joined bool
	skip   tweet.Seq // entries up to it were sent before it joined
	box    []*boxed
	from   tweet.Seq // when not joined: everything up to it was sent or lies in box
}

func newSubscription(h *Hub, r Request) *Subscription {
	s := &Subscription{hub: h, r: r, forgot: r.Forgot, told: h.o.Now()}
	if r.Wake == nil {
		s.wake = make(chan struct{}, 1)
	}
	return s
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

// Queries are the present ones.
func (s *Subscription) Queries() []Query {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.sets[len(s.sets)-1].set.queries
}

// Close ends the subscription. It does not interrupt Events; end its context for that.
func (s *Subscription) Close() { s.hub.leave(s) }

func (s *Subscription) poke() {
	if s.r.Wake != nil {
		s.r.Wake()
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// errStop says that whoever ranges wants no more, or that the end was told.
var errStop = errors.New("stopped")

// Events yields what happens, in order, until ctx ends (nothing is yielded then), after End or Bye, or with an error: ErrLagged,
// or what journal or archive failed with. It can be ranged over once, and not where the request has a Wake.
func (s *Subscription) Events(ctx context.Context) iter.Seq2[Event, error] {
	return s.yields(ctx, func(tell func(Event) error) error {
		for {
			if err := s.ready(ctx, tell); err != nil {
				return err
			}
			if err := s.wait(ctx); err != nil {
				return err
			}
		}
	})
}

// Ready yields what there is to tell now: what is left of history, what the journal has, what waits in memory, what is due. It ends when the
// subscription stands at the end (what comes then wakes), and where Events does.
func (s *Subscription) Ready(ctx context.Context) iter.Seq2[Event, error] {
	return s.yields(ctx, func(tell func(Event) error) error { return s.ready(ctx, tell) })
}

func (s *Subscription) yields(ctx context.Context, run func(tell func(Event) error) error) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		tell := func(e Event) error {
			s.place, s.told = e.Place, s.hub.o.Now()
			if !yield(e, nil) || e.Kind == End || e.Kind == Bye {
				return errStop
			}
			return nil
		}
		if err := run(tell); err != nil && err != errStop && ctx.Err() == nil {
			yield(Event{}, err)
		}
	}
}

// open tells history, and what is missing behind it.
func (s *Subscription) open(ctx context.Context, tell func(Event) error) error {
	if s.history {
		if err := s.sendHistory(ctx, tell); err != nil {
			return err
		}
	}
	s.place.Tweet = 0
	if s.gap != nil {
		s.hub.count(func(st *Stats) { st.Gaps++ })
		s.gap.Place, s.gap.Queries = s.at(s.from), s.queriesBetween(s.gap.Since, s.gap.Until)
		if err := tell(*s.gap); err != nil {
			return err
		}
		s.gap = nil
	}
	if s.r.Resume == nil || s.history {
		if err := tell(Event{Kind: Live, Place: s.at(s.from)}); err != nil {
			return err
		}
	}
	s.opened = true
	return nil
}

// ready tells all there is. What tell returns ends it.
func (s *Subscription) ready(ctx context.Context, tell func(Event) error) error {
	if !s.opened {
		if err := s.open(ctx, tell); err != nil {
			return err
		}
	}
	for batch, joined := []Event(nil), false; ; {
		batch, joined = s.take(batch[:0])
		for i := range batch {
			if err := tell(batch[i]); err != nil {
				return err
			}
		}
		if !joined {
			if err := s.catchUp(ctx, tell); err != nil {
				return err
			}
			s.live = true
			continue
		}
		if e, ok := s.due(); ok {
			if err := tell(e); err != nil {
				return err
			}
		}
		if len(batch) == 0 {
			return ctx.Err()
		}
	}
}

// at is the place of an entry.
func (s *Subscription) at(seq tweet.Seq) Place {
	p := s.place
	p.Epoch, p.Seq, p.Tweet = s.hub.journal.Epoch(), seq, 0
	return p
}
