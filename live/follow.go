package live

import (
	"context"
	"time"

	"birdwatch/tweet"
)

// Take is Ready for a subscription at the end: it appends what waits in memory, and what is due, to events, and waits for nothing. Where
// ok is false the subscription has to read the journal behind them: range over Ready.
func (s *Subscription) Take(to []Event) (events []Event, ok bool) {
	had := len(to)
	if !s.opened {
		return to, false
	}
	events, ok = s.take(to)
	if ok {
		if e, is := s.due(); is {
			if n := len(events); n > had {
				events[n-1].More = true
			}
			events = append(events, e)
		}
	}
	if n := len(events); n > had {
		s.place, s.told = events[n-1].Place, s.hub.o.Now()
	}
	return events, ok
}

// take empties the box into events. joined says that there is nothing behind it.
func (s *Subscription) take(events []Event) (_ []Event, joined bool) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, b := range s.box {
		events = append(events, Event{Kind: b.kind, Place: s.at(b.seq), ID: b.id, Item: b.item, Matched: b.matched,
			Queries: s.setAt(b.seq).queries, More: i < len(s.box)-1})
		if b.kind == Delete {
			h.stats.Deletes++
		}
		s.box[i] = nil
	}
	h.stats.Queue -= int64(len(s.box))
	h.stats.Delivered += int64(len(s.box))
	if s.box = s.box[:0]; cap(s.box) > boxKept {
		s.box = nil
	}
	if s.joined {
		s.from = max(s.from, h.last)
	}
	return events, s.joined
}

// boxKept is the largest empty box that is kept for what comes next.
const boxKept = 8

// due gives what time, or the hub's end, has a subscription at the end say. What was taken before was told.
func (s *Subscription) due() (Event, bool) {
	h := s.hub
	h.mu.Lock()
	closed, from, until := h.closed, s.from, s.sets[len(s.sets)-1].set.until
	h.mu.Unlock()
	e := Event{Place: s.at(from)}
	switch now := h.o.Now(); {
	case closed:
		e.Kind = Bye
	case !until.IsZero() && !s.r.Endless && !now.Before(until.Add(endSlack)):
		e.Kind = End
	case now.Sub(s.told) >= h.o.MoveEvery:
		e.Kind = Moved
	default:
		return e, false
	}
	return e, true
}

// wait returns when there may be something to tell, or with ctx's error.
func (s *Subscription) wait(ctx context.Context) error {
	quiet := time.NewTimer(s.told.Add(s.hub.o.MoveEvery).Sub(s.hub.o.Now()))
	defer quiet.Stop()
	var end <-chan time.Time
	if until := s.over(); !until.IsZero() {
		over := time.NewTimer(until.Add(endSlack).Sub(s.hub.o.Now()))
		defer over.Stop()
		end = over.C
	}
	select {
	case <-s.wake:
	case <-s.hub.ended:
	case <-ctx.Done():
		return ctx.Err()
	case <-quiet.C:
	case <-end: // the clock may have been set back since: it is asked again
	}
	return nil
}

// over is when nothing can match any more; zero when that never comes.
func (s *Subscription) over() time.Time {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.r.Endless {
		return time.Time{}
	}
	return s.sets[len(s.sets)-1].set.until
}

// lastSet is a place behind all.
const lastSet = tweet.Seq(1<<63 - 1)
