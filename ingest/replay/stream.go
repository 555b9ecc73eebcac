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
	number  uint64
	random  *rand.Rand
	x       *xStream // nil: v1.1
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
	partial bool             // that lap did not begin with its first message
	lull    time.Time        // until then the tape rests
	seen    recent[struct{}] // recorded ids that were sent, in this lap
	deletes deletes          // that are to come
	warned  time.Time        // when the last FALLING_BEHIND was sent
	silent  time.Time        // since when nothing was sent
	from    time.Time        // what was due before is missed

	keepAlive time.Duration
	faults    Faults
	scene     time.Duration // up to which the scenario is played
	stalled   time.Time     // nothing is sent before
	flood     int           // messages that are due at once
	held      []heldMessage
	withheld  int
	toldLimit int
	limitAt   time.Time
}

// scheduled is a message and when it is due; zero is at once.
type scheduled struct {
	message
	due time.Time
}

func (s *Server) newStream(w http.ResponseWriter, p params, acc *account, number uint64, x *xStream) *stream {
	if acc.place.rewriter == nil || !s.o.Resume {
		acc.place = place{rewriter: newRewriter(s.numbers, s.o)}
	}
	now := s.o.Now()
	st := &stream{Server: s, params: p, account: acc, rewrite: acc.place.rewriter, number: number, x: x,
		wire:   &wire{w: w, control: http.NewResponseController(w), delimited: p.delimited, timeout: s.o.WriteTimeout},
		random: rand.New(rand.NewPCG(s.o.Seed, number)), clock: schedule{pace: s.o.Pace, due: now},
		lap: -1, silent: now, faults: s.o.Faults, scene: now.Sub(s.begun)}
	if st.keepAlive = s.o.KeepAlive; x != nil {
		st.keepAlive = min(st.keepAlive, xKeepAlive)
	}
	if s.o.Live && !acc.place.due.IsZero() {
		st.clock.due, st.from = acc.place.due, now.Add(-p.backfill)
	}
	for _, step := range s.o.Scenario.between(-1, st.scene) {
		if step.setting() {
			_ = st.happen(step, st.clock.due) // settings do not fail
		}
	}
	return st
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
		if s.wire.value(s.farewell(d)) == nil {
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
		if err := s.playScene(now); err != nil {
			return err
		}
		if now.Before(s.stalled) {
			if err := s.pause(ctx, now); err != nil {
				return err
			}
			continue
		}
		if err := s.fill(now); err != nil {
			return err
		}
		if err := s.tellLimit(now); err != nil {
			return err
		}
		switch {
		case s.deletes.due(now):
			if err := s.sendDelete(heap.Pop(&s.deletes).(deletion), now); err != nil {
				return err
			}
		case len(s.queue) > 0:
			m := s.queue[0]
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

// warnEvery and warnAt are when FALLING_BEHIND is sent.
const (
	warnEvery = 5 * time.Minute
	warnAt    = 60 // per cent of the queue
)

func (s *stream) warn(now time.Time) error {
	full := len(s.queue) * 100 / s.o.Queue
	if s.x != nil || !s.params.stallWarnings || s.clock.free() || full < warnAt || !s.warned.IsZero() && now.Sub(s.warned) < warnEvery {
		return nil
	}
	s.warned = now
	s.sent.Add(1)
	return s.wire.value(map[string]any{"warning": map[string]any{"code": "FALLING_BEHIND", "percent_full": full,
		"message": "Your connection is falling behind and messages are being queued for delivery to you. Your queue is now over " +
			strconv.Itoa(warnAt) + "% full. You will be disconnected when the queue is full."}})
}

func (s *stream) send(m scheduled, now time.Time) error {
	made := m.due
	if s.clock.free() {
		made = now
	}
	line, id := s.rewrite.apply(&m.message, made)
	if err := s.noticesBefore(&m.message, id, now); err != nil {
		return err
	}
	if s.x != nil {
		var err error
		if line, err = s.x.line(line, &m.message); err != nil {
			return fmt.Errorf("message %d of lap %d: %w", m.index, m.lap, err)
		}
	}
	if err := s.deform(line); err != nil {
		return fmt.Errorf("send message %d of lap %d: %w", m.index, m.lap, err)
	}
	s.sent.Add(1)
	s.silent = now
	s.account.place.moved(&m)
	s.witness(&m.message, id, made, "sent")
	if m.kind != kindTweet {
		return nil
	}
	if s.x == nil && s.chance(s.faults.Deletes) {
		after := time.Duration(s.random.Float64() * 2 * float64(s.o.DeleteAfter))
		heap.Push(&s.deletes, deletion{id: id, userID: m.userID, due: now.Add(after)})
	}
	if err := s.noticesAfter(&m.message, id); err != nil {
		return err
	}
	return s.again(&m.message, line, id, made)
}

// playScene does what the scenario has had in store since it was asked last.
func (s *stream) playScene(now time.Time) error {
	from := s.scene
	s.scene = now.Sub(s.begun)
	for _, step := range s.o.Scenario.between(from, s.scene) {
		if step.action == "refuse" {
			continue
		}
		s.o.Logger.Info("scenario", "stream", s.number, "action", step.action)
		if err := s.happen(step, now); err != nil {
			return err
		}
	}
	return nil
}

// pause says nothing until the stall is over, or the scenario goes on.
func (s *stream) pause(ctx context.Context, now time.Time) error {
	until := s.stalled
	if next := s.o.Scenario.upcoming(s.scene); next >= 0 && s.begun.Add(next).Before(until) {
		until = s.begun.Add(next)
	}
	return sleep(ctx, until.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return endOf(ctx)
	case <-timer.C:
		return nil
	}
}

// wait sends what is buffered and sleeps until something is due. When nothing is for long, a keep-alive is.
func (s *stream) wait(ctx context.Context, now time.Time) error {
	if err := s.wire.flush(); err != nil {
		return err
	}
	until := s.silent.Add(s.keepAlive)
	if s.head != nil && s.head.due.Before(until) {
		until = s.head.due
	}
	if s.lull.After(now) && s.lull.Before(until) {
		until = s.lull
	}
	if len(s.deletes) > 0 && s.deletes[0].due.Before(until) {
		until = s.deletes[0].due
	}
	if next := s.o.Scenario.upcoming(s.scene); next >= 0 && s.begun.Add(next).Before(until) {
		until = s.begun.Add(next)
	}
	if s.withheld > s.toldLimit && s.limitAt.Add(limitEvery).Before(until) {
		until = s.limitAt.Add(limitEvery)
	}
	if err := sleep(ctx, until.Sub(now)); err != nil {
		return err
	}
	if now = s.o.Now(); now.Sub(s.silent) < s.keepAlive {
		return nil
	}
	s.silent = now
	return s.wire.keepAlive()
}
