package live

import (
	"context"
	"time"

	"birdwatch/tweet"
)

// follow gives what the hub puts into the box, until it overflows.
func (s *Subscription) follow(ctx context.Context, tell func(Event) error) error {
	quiet := time.NewTimer(s.hub.o.MoveEvery)
	defer quiet.Stop()
	over := s.over()
	if over != nil {
		defer over.Stop()
	}
	for due := none; ; {
		batch, joined, last := s.take()
		for i, b := range batch {
			if err := tell(Event{Kind: b.kind, Place: s.at(b.seq), ID: b.id, Item: b.item, Matched: b.matched, More: i < len(batch)-1}); err != nil {
				return err
			}
		}
		switch {
		case !joined:
			return nil
		case due == Bye || due == End || due == Moved && len(batch) == 0:
			if err := tell(Event{Kind: due, Place: s.at(last)}); err != nil {
				return err
			}
		}
		if due == Moved || len(batch) > 0 {
			quiet.Reset(s.hub.o.MoveEvery)
		}
		var err error
		if due, err = s.wait(ctx, quiet, over); err != nil {
			return err
		}
	}
}

// none is no kind of event.
const none Kind = 255

// wait returns when there may be something to tell, which is no event of the journal's or what it says.
func (s *Subscription) wait(ctx context.Context, quiet, over *time.Timer) (Kind, error) {
	var end <-chan time.Time
	if over != nil {
		end = over.C
	}
	select {
	case <-s.wake:
	case <-s.ended:
		return Bye, nil
	case <-ctx.Done():
		return none, ctx.Err()
	case <-quiet.C:
		return Moved, nil
	case <-end:
		left := s.until.Add(endSlack).Sub(s.hub.o.Now())
		if left <= 0 {
			return End, nil
		}
		over.Reset(left) // the clock was set back, or stood still
	}
	return none, nil
}

// over is a timer for the moment at which nothing can match any more; nil when that never comes.
func (s *Subscription) over() *time.Timer {
	if s.forever || s.until.IsZero() {
		return nil
	}
	return time.NewTimer(s.until.Add(endSlack).Sub(s.hub.o.Now()))
}

// take empties the box. last is the place up to which, with the box given, everything was given.
func (s *Subscription) take() (batch []boxed, joined bool, last tweet.Seq) {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	batch, s.box = s.box, nil
	if s.joined {
		s.from = max(s.from, h.last)
	}
	h.stats.Queue -= int64(len(batch))
	h.stats.Delivered += int64(len(batch))
	for i := range batch {
		if batch[i].kind == Delete {
			h.stats.Deletes++
		}
	}
	return batch, s.joined, s.from
}
