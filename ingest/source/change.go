package source

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// topicChange asks Run for other topics.
type topicChange struct {
	topics Topics
	answer chan error // takes one
}

// ErrRefused wraps why a server did not take what it was asked to change to; the source goes on as before.
var ErrRefused = errors.New("refused by the server")

// Topics are those that the source asks for.
func (s *Stream) Topics() Topics {
	s.asking.Lock()
	defer s.asking.Unlock()
	return s.topics
}

// Change has the source ask for other topics. The present connection stands until a new one does, so that nothing is
// lost between them; when the server refuses the new one, the source stays with the old topics and the error (ErrRefused) says why. It
// returns when it is decided; while nothing is connected, at once. Run must be running.
func (s *Stream) Change(ctx context.Context, t Topics) error {
	if err := t.Check(); err != nil {
		return err
	}
	c := &topicChange{t, make(chan error, 1)}
	select {
	case s.changes <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Stream) set(t Topics) {
	s.asking.Lock()
	defer s.asking.Unlock()
	s.topics = t
}

// farewell is how long a connection that was taken over from may still deliver what it has.
const farewell = 5 * time.Second

// takeOver makes a second connection and ends the first when it stands. It gives the one that is to be attended to now; nil: the
// first.
func (s *Stream) takeOver(ctx context.Context, sink Sink, old *begun, change *topicChange) *begun {
	if !old.isUp() {
		// it asks for what is not wanted any more
		old.cancel(errChanged)
		e := <-old.done
		e.retired = true
		s.ended(e, 0)
		s.set(change.topics)
		change.answer <- nil
		return s.begin(ctx, sink, change.topics)
	}
	next := s.begin(ctx, sink, change.topics)
	select {
	case <-next.up:
	case e := <-next.done:
		if e.established { // it stood for a moment
			next.done <- e
			break
		}
		s.ended(e, never)
		change.answer <- fmt.Errorf("%w: %w", ErrRefused, e.err)
		return nil
	}
	s.set(change.topics)
	change.answer <- nil
	late := time.AfterFunc(farewell, func() { old.cancel(errChanged) })
	defer late.Stop()
	e := <-old.done
	if isSink(e.err) {
		next.cancel(e.err)
	}
	e.retired = true
	s.ended(e, 0)
	return next
}

var errChanged = errors.New("other topics were asked for")

func (c *connection) isUp() bool {
	select {
	case <-c.up:
		return true
	default:
		return false
	}
}

// wait sleeps; a change of topics ends it, as the server may like the new ones better. One that asked for calm is left alone.
func (s *Stream) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		case change := <-s.changes:
			s.set(change.topics)
			change.answer <- nil
			if status := s.State().LastStatus; status != 420 && status != 429 {
				return nil
			}
		}
	}
}

// connectionKey is of the number that a sink's context carries.
type connectionKey struct{}

// WithConnection is the context of a sink's call: it tells which connection the records are of.
func WithConnection(ctx context.Context, number int64) context.Context {
	return context.WithValue(ctx, connectionKey{}, number)
}

// ConnectionOf is the number of the connection that a sink's records are of; 0 where none is told.
func ConnectionOf(ctx context.Context) int64 {
	n, _ := ctx.Value(connectionKey{}).(int64)
	return n
}
