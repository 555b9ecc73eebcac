package replay

import "time"

// messages is the tape, lap after lap, from the account's place.
func (s *stream) messages(yield func(message, error) bool) {
	from := s.account.place
	for lap := 0; ; lap++ {
		n := 0
		for raw, err := range s.o.Tape {
			if err != nil {
				yield(message{}, err)
				return
			}
			index := n
			n++
			if lap == 0 && index < from.index {
				continue
			}
			m := parseMessage(raw)
			m.lap, m.index = from.lap+lap, index
			if !yield(m, nil) {
				return
			}
		}
		if !s.o.Loop || n == 0 {
			return
		}
	}
}

// fill moves what is due from the tape to the queue; without a pace, one message only.
func (s *stream) fill(now time.Time) error {
	for !s.ended && !now.Before(s.lull) {
		if s.head == nil {
			m, err, ok := s.next()
			if err != nil {
				s.o.Logger.Error("tape", "err", err)
				s.ended, s.broken = true, true
				continue
			}
			if !ok || !s.wanted(&m, now) {
				s.ended = s.ended || !ok
				continue
			}
			s.head = &scheduled{m, s.clock.next(&m, now)}
			if s.flood > 0 {
				s.flood--
				s.clock.due, s.head.due = now, now
			}
			if s.head.due.Before(s.from) {
				s.pass("missed")
				continue
			}
		}
		if s.head.due.After(now) || s.clock.free() && len(s.queue) > 0 {
			return nil
		}
		if s.withhold(&s.head.message, s.head.due) {
			s.pass("")
			continue
		}
		if len(s.queue) >= s.o.Queue {
			return errStalled
		}
		s.queue = append(s.queue, *s.head)
		s.head = nil
		if err := s.warn(now); err != nil {
			return err
		}
	}
	return nil
}

// pass leaves out the message that comes next. The fate is told, if there is a word for it.
func (s *stream) pass(fate string) {
	if fate != "" {
		s.witness(&s.head.message, 0, s.head.due, fate)
	}
	s.account.place.moved(s.head)
	s.head = nil
}

// moved notes that a message is behind the account.
func (p *place) moved(m *scheduled) { p.lap, p.index, p.due = m.lap, m.index+1, m.due }

// lullTime is how long a tape of which no rule wants anything rests after a lap.
const lullTime = time.Second

// wanted decides whether the stream gets the message. A whole lap in which it got none ends the tape for
// it, as all others would be like it, unless the rules change.
func (s *stream) wanted(m *message, now time.Time) bool {
	if m.lap != s.lap {
		switch none := s.lap >= 0 && s.matched == 0 && !s.partial; {
		case none && s.x == nil:
			s.ended = true
			return false
		case none:
			s.lull = now.Add(lullTime)
		}
		s.partial = s.lap < 0 && m.index > 0
		s.lap, s.matched, s.seen = m.lap, 0, recent[struct{}]{}
	}
	f := &s.params.filter
	wanted := false
	switch {
	case s.x != nil:
		wanted = m.kind == kindTweet && s.x.match(m)
	default:
		wanted = s.wants(m, f)
	}
	if wanted {
		s.matched++
	} else {
		s.clock.pass(m)
	}
	return wanted
}

// wants decides by the parameters of v1.1.
func (s *stream) wants(m *message, f *filter) (wanted bool) {
	switch m.kind {
	case kindTweet:
		if wanted = f.match(m.raw); wanted && !f.all {
			s.seen.put(m.id, struct{}{})
		}
	case kindDelete, kindNotice:
		_, sent := s.seen.get(m.id)
		wanted = f.all || sent || f.follow[m.userID]
	case kindOther:
		wanted = f.all
	}
	return wanted
}
