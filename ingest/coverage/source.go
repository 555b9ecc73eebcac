package coverage

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"birdwatch/tweet"
)

// Source writes the account of one source. Connections are told apart by a number: when one takes over from another, both are
// open for a moment, and there is no gap.
type Source struct {
	l    *Ledger
	name string
	// what follows is guarded by l.mu
	started time.Time
	pulse   func() time.Time
	open    map[int64]*Span // connected ones, by connection
	limits  map[int64]*Span // the newest of each connection
	damage  *Span
	warning *Span
	gap     *Span   // open
	closed  []*Span // the gap closed last, in its parts, while their After grows
	back    *backfill
	ring    ring
	seen    int64 // the last keep-alive
}

// Started says that the source begins to try. pulse tells, whenever it is asked, when the last keep-alive came.
func (s *Source) Started(at time.Time, pulse func() time.Time) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.started, s.pulse = at, pulse
}

// Connected says that a connection stands. asked is what was asked for; back is how far the server was asked to reach back.
func (s *Source) Connected(connection int64, at time.Time, asked string, back time.Duration) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	now := at.UnixMilli()
	s.open[connection] = s.l.add(Span{Source: s.name, Kind: Connected, Begin: now, Seen: now, Seq: s.l.store.Last(), Asked: asked})
	s.seen = max(s.seen, now)
	if s.gap == nil {
		return
	}
	s.settle()
	gap := s.gap
	s.gap, s.closed = nil, []*Span{gap}
	gap.End = max(now, gap.Begin)
	s.l.touch(gap)
	if back > 0 {
		s.reach(gap, now, back)
	}
}

// Asks says that a connection that stands asks for something else from now on.
func (s *Source) Asks(connection int64, at time.Time, asked string) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	c := s.open[connection]
	if c == nil || c.Asked == asked {
		return
	}
	c.End, c.Cause = max(at.UnixMilli(), c.Begin), CauseChanged
	s.l.touch(c)
	s.open[connection] = s.l.add(Span{Source: s.name, Kind: Connected, Begin: c.End, Seen: c.End, Seq: c.Seq, Asked: asked})
}

// Took says that tweets and notices of a connection are on disk.
func (s *Source) Took(connection int64, at time.Time, recs []tweet.Record) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	now := at.UnixMilli()
	if c := s.open[connection]; c != nil {
		c.Count += int64(len(recs))
	}
	for i := range recs {
		if recs[i].Kind != tweet.KindTweet {
			continue
		}
		id := recs[i].ID
		s.ring.add(Arrival{id, now})
		if s.back != nil {
			s.back.took(id)
		}
		for _, g := range s.closed {
			g.After = append(slices.Clip(g.After), id)
			s.l.touch(g)
		}
		if len(s.closed) > 0 && len(s.closed[0].After) >= neighbours {
			s.closed = nil
		}
	}
}

// beat notes the signs of life; l.mu is held.
func (s *Source) beat() {
	s.listen()
	for _, c := range s.open {
		if sure := s.ring.sure(s.seen); c.Seen < sure {
			c.Seen = sure
			s.l.touch(c)
		}
	}
	if s.back != nil && s.l.now().UnixMilli() > s.back.until {
		s.settle()
	}
}

// listen asks for the pulse; l.mu is held.
func (s *Source) listen() {
	if s.pulse != nil {
		s.seen = max(s.seen, s.pulse().UnixMilli())
	}
}

// Missing is how long nothing that is surely all has come; 0 while a connection stands, and before the first.
func (s *Source) Missing() time.Duration {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.gap == nil {
		return 0
	}
	return s.l.now().Sub(time.UnixMilli(s.gap.Begin))
}

// coalesce is how long one span of notices takes more of them in.
const coalesce = time.Minute

// Limited says that the server did not deliver n tweets, since the last time that it said so.
func (s *Source) Limited(connection int64, at time.Time, n int64) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	now := at.UnixMilli()
	last := s.limits[connection]
	if last == nil || now-last.Begin > coalesce.Milliseconds() {
		begin := now
		if last != nil {
			begin = last.End
		} else if c := s.open[connection]; c != nil {
			begin = c.Begin
		}
		last = s.l.add(Span{Source: s.name, Kind: Limit, Begin: begin})
		s.limits[connection] = last
	}
	last.End, last.Count = now, last.Count+n
	s.l.touch(last)
}

// untold notes that a connection whose server held tweets back ended: how many after its last notice, nobody knows. l.mu is held.
func (s *Source) untold(connection, end int64) {
	last := s.limits[connection]
	delete(s.limits, connection)
	if last == nil {
		return
	}
	begin := max(last.Begin, last.End-(s.ring.last-s.ring.sure(0))) // the notice was on its way as long as the tweets are
	if begin < end {
		s.l.add(Span{Source: s.name, Kind: Limit, Begin: begin, End: end, Cause: CauseUntold, Note: "the server held tweets back; how many since its last notice it did not say"})
	}
}

// Warned says that the server gave a warning.
func (s *Source) Warned(at time.Time, text string) {
	s.count(&s.warning, Warning, at, "warning", text)
}

// Damaged says that a message was cut off or not understood.
func (s *Source) Damaged(at time.Time, cause, text string) {
	s.count(&s.damage, Damage, at, cause, text)
}

func (s *Source) count(current **Span, kind Kind, at time.Time, cause, text string) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	now := at.UnixMilli()
	if c := *current; c == nil || c.Cause != cause || now-c.Begin > coalesce.Milliseconds() {
		*current = s.l.add(Span{Source: s.name, Kind: kind, Begin: now, Cause: cause, Note: text})
	}
	c := *current
	c.End, c.Count = now, c.Count+1
	s.l.touch(c)
}

// Refused says that a try to connect failed.
func (s *Source) Refused(at time.Time, cause, text string) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	if s.gap == nil {
		if len(s.open) > 0 { // a second connection was refused, the first stands
			return
		}
		begin := cmp.Or(s.started.UnixMilli(), at.UnixMilli())
		s.gap = s.l.add(Span{Source: s.name, Kind: Gap, Begin: begin, Cause: CauseStarted})
	}
	s.gap.Refusals = maps.Clone(s.gap.Refusals) // what is being written is not to change
	if s.gap.Refusals == nil {
		s.gap.Refusals = map[string]int64{}
	}
	s.gap.Refusals[cause]++
	s.gap.Note = text
	s.l.touch(s.gap)
}

// Ended says that a connection is over. Where no other stands, a gap begins where the last tweet that is surely in was made.
func (s *Source) Ended(connection int64, cause, text string) {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	c := s.open[connection]
	if c == nil {
		return
	}
	s.listen()
	delete(s.open, connection)
	c.End, c.Cause, c.Note = max(c.Begin, s.ring.sure(s.seen)), cause, text
	s.l.touch(c)
	s.untold(connection, c.End)
	gap := Span{Source: s.name, Kind: Gap, Begin: c.End, Cause: cause, Note: text, Before: s.ring.ids()}
	for _, other := range s.open {
		if gap.End == 0 || other.Begin < gap.End {
			gap.End = other.Begin
		}
	}
	switch {
	case gap.End == 0 && s.gap == nil:
		s.settle()
		s.closed = nil
		s.gap = s.l.add(gap)
	case gap.Begin < gap.End: // what was on its way when the other began
		s.l.add(gap)
	}
}
