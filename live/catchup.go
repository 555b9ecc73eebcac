package live

import (
	"context"

	"birdwatch/tweet"
)

// catchUp reads the journal from where the subscription stands until it is at the end and has joined the others there.
func (s *Subscription) catchUp(ctx context.Context, tell func(Event) error) error {
	h := s.hub
	for !h.join(s, s.from) {
		if s.live && h.journal.Last()-s.from > h.o.MaxBehind {
			h.count(func(st *Stats) { st.Lagged++ })
			return ErrLagged
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		events, end, err := s.readOn(ctx)
		if err != nil {
			return err
		}
		if err := s.sendEvents(events, tell); err != nil {
			return err
		}
		s.from = max(s.from, end)
		if s.isEnded() {
			return tell(Event{Kind: Bye, Place: s.at(s.from)})
		}
		if h.o.Now().Sub(s.told) >= h.o.MoveEvery {
			if err := tell(Event{Kind: Moved, Place: s.at(s.from), More: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOn reads entries behind s.from, up to end, and gives the events of them. While a slow reader takes those, they alone are
// held, not what was read.
func (s *Subscription) readOn(ctx context.Context) (events []Event, end tweet.Seq, err error) {
	end = s.hub.journal.Last()
	x, err := s.hub.pages.read(ctx, s.from)
	if err != nil {
		return nil, 0, err
	}
	first := s.hub.journal.First() // asked after the entries were read: what was cut meanwhile shows
	until := first - 1
	if es := x.behind(); len(es) > 0 {
		until, end = min(until, es[0].seq-1), es[len(es)-1].seq
	}
	if until > s.from { // else what is missing was purged, and no gap
		events = append(events, Event{Kind: Gap, Place: s.at(until), Since: s.from, Until: until, Queries: s.queriesBetween(s.from, until)})
	}
	return append(events, s.sift(&x)...), end, nil
}

// sift makes events of the entries that concern the subscription.
func (s *Subscription) sift(x *stretch) (events []Event) {
	sets, forgot := s.windows() // of after the entries were read
	m := matching{x: x, sets: sets}
	for i := x.from; i < len(x.es); i++ {
		e := &x.es[i]
		out := Event{Place: s.at(e.seq), ID: e.id}
		switch {
		case e.spoilt:
			out.Kind, out.ID, out.Since, out.Until, out.Queries = Gap, 0, e.seq-1, e.seq, setAt(sets, e.seq).queries
		case e.target != nil:
			window := windowAt(sets, e.seq)
			if out.Matched = m.queries(i, window); len(out.Matched) == 0 {
				continue
			}
			out.Kind, out.Item, out.Queries = Tweet, e.item, sets[window].set.queries
		case e.gone != nil:
			if !e.gone.doubt(s.began) && e.gone.first > forgot && !m.any(i) {
				continue
			}
			out.Kind = Delete
		default:
			continue
		}
		events = append(events, out)
	}
	return events
}

// sendEvents gives events that were read in the journal.
func (s *Subscription) sendEvents(events []Event, tell func(Event) error) error {
	var told [Bye + 1]int64
	defer func() {
		s.hub.count(func(st *Stats) {
			st.Delivered += told[Tweet] + told[Delete]
			st.Deletes += told[Delete]
			st.Gaps += told[Gap]
		})
	}()
	for i := range events {
		if s.isEnded() {
			return tell(Event{Kind: Bye, Place: s.at(s.from)})
		}
		e := events[i]
		events[i] = Event{} // what was taken is not held
		e.More = i < len(events)-1
		told[e.Kind]++
		s.from = e.Place.Seq
		if err := tell(e); err != nil {
			return err
		}
	}
	return nil
}
