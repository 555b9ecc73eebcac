package source

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// reporter keeps a source's state and tells what happens.
type reporter struct {
	name    string
	now     func() time.Time
	observe func(Event)
	log     *slog.Logger

	mu       sync.Mutex // guards what follows
	state    State
	standing int // connections; two while one takes over

	telling sync.Mutex // held while observe is called
}

// Name is the configured one.
func (r *reporter) Name() string { return r.name }

// State gives the present state.
func (r *reporter) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// change changes the state under its lock.
func (r *reporter) change(f func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.state)
}

// tell logs an event and hands it to the observer.
func (r *reporter) tell(e Event) {
	e.Source, e.At = r.name, r.now()
	log := r.log.Info
	switch e.Kind {
	case Connecting:
		log = r.log.Debug
	case Disconnected, Failed, Limited, Disconnecting, Warning, Refused, Truncated:
		log = r.log.Warn
	}
	log("stream "+e.Kind.String(), "source", e.Source, "status", e.Status, "cause", e.Cause, "delay", e.Delay, "count", e.Count,
		"text", e.Text, "err", e.Err)
	r.telling.Lock()
	defer r.telling.Unlock()
	r.observe(e)
}

// attempt begins a try to connect and gives its number.
func (r *reporter) attempt() (number int64) {
	r.change(func(s *State) {
		s.Attempts++
		s.Next = time.Time{}
		number = s.Attempts
	})
	r.tell(Event{Kind: Connecting, Connection: number})
	return number
}

// connected reports that a connection stands.
func (r *reporter) connected(number int64, status int, asked string, back time.Duration) time.Time {
	now := r.now()
	r.change(func(s *State) {
		if r.standing++; !s.Connected {
			s.Connected, s.Since = true, now
		}
		s.LastMessage, s.Idle = now, now
		s.Connects++
	})
	r.tell(Event{Kind: Connected, Connection: number, Status: status, Asked: asked, Back: back})
	return now
}

// never is the wait for a connection that is not made.
const never time.Duration = -1

// ended reports the end of a connection and the wait for the next.
func (r *reporter) ended(e ending, delay time.Duration) {
	now := r.now()
	r.change(func(s *State) {
		if e.established {
			r.standing--
		}
		if s.Connected && r.standing == 0 {
			s.Connected, s.Since = false, now
		}
		s.LastError = e.err.Error()
		if delay != never {
			s.Next = now.Add(delay)
		}
	})
	ev := Event{Kind: Failed, Connection: e.number, Err: e.err, Cause: e.cause(), Delay: max(delay, 0)}
	if e.established {
		ev.Kind = Disconnected
	}
	var se *StatusError
	if errors.As(e.err, &se) {
		ev.Status = se.Code
	}
	r.tell(ev)
}

// cause is the word for an ending: see Event.
func (e ending) cause() string {
	var se *StatusError
	switch {
	case e.retired:
		return "changed"
	case isSink(e.err):
		return "intake"
	case errors.Is(e.err, ErrSpent):
		return "spent"
	case e.stopped:
		return "stopped"
	case errors.As(e.err, &se):
		return fmt.Sprintf("http-%d", se.Code)
	case e.disconnect != 0:
		return fmt.Sprintf("disconnect-%d", e.disconnect)
	case errors.Is(e.err, errStall):
		return "stall"
	case errors.Is(e.err, errEnd):
		return "closed"
	case errors.Is(e.err, syscall.ECONNRESET), errors.Is(e.err, io.ErrUnexpectedEOF), errors.Is(e.err, syscall.EPIPE):
		return "reset"
	case errors.Is(e.err, errTooLong):
		return "damage"
	}
	var told *ToldError
	if errors.As(e.err, &told) {
		return told.word()
	}
	return "network"
}
