package replay

import (
	"container/heap"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// stream is one connection, played in the goroutine of its request.
type stream struct {
	*Server
	params  params
	wire    *wire
	random  *rand.Rand
	rewrite *rewriter
	account *account

	next    func() (message, error, bool)
	head    *scheduled  // read from the tape, not yet due
	queue   []scheduled // due
	clock   schedule
	ended   bool             // the tape has
	broken  bool             // by an error
	lap     int              // of the newest message read
	matched int              // in that lap
	seen    recent[struct{}] // recorded ids that were sent, in this lap
	deletes deletes          // that are to come
	warned  time.Time        // when the last FALLING_BEHIND was sent
	silent  time.Time        // since when nothing was sent
}

// scheduled is a message and when it is due; zero is at once.
type scheduled struct {
	message
	due time.Time
}

func (s *Server) newStream(w http.ResponseWriter, p params, acc *account, number uint64) *stream {
	if acc.place.rewriter == nil || !s.o.Resume {
		acc.place = place{rewriter: newRewriter(s.numbers, s.o)}
	}
	now := s.o.Now()
	return &stream{Server: s, params: p, account: acc, rewrite: acc.place.rewriter,
		wire:   &wire{w: w, control: http.NewResponseController(w), delimited: p.delimited, timeout: s.o.WriteTimeout},
		random: rand.New(rand.NewPCG(s.o.Seed, number)), clock: schedule{pace: s.o.Pace, due: now},
		lap: -1, silent: now}
}

// run plays until the client leaves, the tape ends (with CloseAtEnd) or ctx does, and gives the reason.
func (s *stream) run(ctx context.Context) error {
	h := s.wire.w.(http.ResponseWriter).Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache, no-store")
	s.wire.dirty = true
	if err := s.wire.flush(); err != nil {
		return err
	}
	next, stop := iter.Pull2(s.messages)
	defer stop()
	s.next = func() (message, error, bool) { return next() }
	// a write that blocks would not see that it has to end
	defer context.AfterFunc(ctx, s.wire.leave)()
	err := s.play(ctx)
	if d, ok := err.(disconnect); ok {
		s.wire.leave()
		if s.wire.value(map[string]any{"disconnect": map[string]any{"code": d.code, "stream_name": d.name, "reason": d.text}}) == nil {
			_ = s.wire.flush() // the client may be gone
		}
	}
	return err
}

func (s *stream) play(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return endOf(ctx)
		}
		now := s.o.Now()
		if err := s.fill(now); err != nil {
			return err
		}
		switch {
		case s.deletes.due(now):
			if err := s.sendDelete(heap.Pop(&s.deletes).(deletion), now); err != nil {
				return err
			}
		case len(s.queue) > 0:
			m := s.queue[0].message
			if s.queue = s.queue[1:]; len(s.queue) == 0 {
				s.queue = nil
			}
			if err := s.send(m, now); err != nil {
				return err
			}
		case s.broken:
			return errTape
		case s.ended && s.o.CloseAtEnd && len(s.deletes) == 0:
			return s.wire.flush()
		default:
			if err := s.wait(ctx, now); err != nil {
				return err
			}
		}
	}
}

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
	for !s.ended {
		if s.head == nil {
			m, err, ok := s.next()
			if err != nil {
				s.o.Logger.Error("tape", "err", err)
				s.ended, s.broken = true, true
				continue
			}
			if !ok || !s.wanted(&m) {
				s.ended = s.ended || !ok
				continue
			}
			s.head = &scheduled{m, s.clock.next(&m, now)}
		}
		if s.head.due.After(now) || s.clock.free() && len(s.queue) > 0 {
			return nil
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

// wanted decides whether the stream gets the message. A lap in which it got none ends the tape for
// it, as all others would be like it.
func (s *stream) wanted(m *message) bool {
	if m.lap != s.lap {
		if s.lap >= 0 && s.matched == 0 {
			s.ended = true
			return false
		}
		s.lap, s.matched, s.seen = m.lap, 0, recent[struct{}]{}
	}
	f := &s.params.filter
	wanted := false
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
	if wanted {
		s.matched++
	} else {
		s.clock.pass(m)
	}
	return wanted
}

// warnEvery and warnAt are when FALLING_BEHIND is sent.
const (
	warnEvery = 5 * time.Minute
	warnAt    = 60 // per cent of the queue
)

func (s *stream) warn(now time.Time) error {
	full := len(s.queue) * 100 / s.o.Queue
	if !s.params.stallWarnings || s.clock.free() || full < warnAt || !s.warned.IsZero() && now.Sub(s.warned) < warnEvery {
		return nil
	}
	s.warned = now
	s.sent.Add(1)
	return s.wire.value(map[string]any{"warning": map[string]any{"code": "FALLING_BEHIND", "percent_full": full,
		"message": "Your connection is falling behind and messages are being queued for delivery to you. Your queue is now over " +
			strconv.Itoa(warnAt) + "% full. You will be disconnected when the queue is full."}})
}

func (s *stream) send(m message, now time.Time) error {
	line, id := s.rewrite.apply(&m)
	if err := s.wire.message(line); err != nil {
		return fmt.Errorf("send message %d of lap %d: %w", m.index, m.lap, err)
	}
	s.sent.Add(1)
	s.silent = now
	s.account.place.lap, s.account.place.index = m.lap, m.index+1
	if m.kind == kindTweet && s.o.Deletes > 0 && s.random.Float64() < s.o.Deletes {
		after := time.Duration(s.random.Float64() * 2 * float64(s.o.DeleteAfter))
		heap.Push(&s.deletes, deletion{id: id, userID: m.userID, due: now.Add(after)})
	}
	return nil
}

// wait sends what is buffered and sleeps until something is due. When nothing is for long, a keep-alive is.
func (s *stream) wait(ctx context.Context, now time.Time) error {
	if err := s.wire.flush(); err != nil {
		return err
	}
	until := s.silent.Add(s.o.KeepAlive)
	if s.head != nil && s.head.due.Before(until) {
		until = s.head.due
	}
	if len(s.deletes) > 0 && s.deletes[0].due.Before(until) {
		until = s.deletes[0].due
	}
	timer := time.NewTimer(until.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return endOf(ctx)
	case <-timer.C:
	}
	if now = s.o.Now(); now.Sub(s.silent) < s.o.KeepAlive {
		return nil
	}
	s.silent = now
	return s.wire.keepAlive()
}
