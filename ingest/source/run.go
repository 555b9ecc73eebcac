package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	//lint:ignore SA1019 its author has left it; what it lacks is made good around it
	"github.com/dghubble/go-twitter/twitter"

	"birdwatch/tweet"
)

// Run listens until ctx ends, whose error it then gives, or until the sink fails. Everything else, a refused
// request too, is reported and tried again: credentials and servers get well. Records come in the order of the stream,
// with the message's bytes as Raw; the sink is called with as many as have come.
func (s *Stream) Run(ctx context.Context, sink Sink) error {
	var b backoff
	for {
		e := s.connect(ctx, sink)
		if ctx.Err() != nil {
			s.ended(e, never)
			return ctx.Err()
		}
		if isSink(e.err) {
			s.ended(e, never)
			return fmt.Errorf("source %s: %w", s.c.Name, e.err)
		}
		delay := b.after(e, s.c.Random())
		s.ended(e, delay)
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// connect makes one connection by the library, and stays until it is over.
func (s *Stream) connect(parent context.Context, sink Sink) ending {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	c := &connection{Stream: s, ctx: ctx, cancel: cancel,
		sink: func(recs []tweet.Record) error { return sink(parent, recs) }}
	c.stall = time.AfterFunc(s.c.Stall, func() { cancel(errStall) })
	defer c.stall.Stop()
	s.change(func(st *State) { st.Attempts++; st.Next = time.Time{} })
	s.tell(Event{Kind: Connecting})
	stream, err := s.stream(&gate{connection: c})
	if err != nil {
		return ending{err: err}
	}
	c.demux().HandleChan(stream.Messages)
	// Only now, once, and from here: before the end of Messages, Stop would wait for a message that
	// nobody takes, and it reads what the library's goroutine writes; a second time it panics.
	stream.Stop()
	return c.ending()
}

// stream asks the library for one. Parameters of its own making, such as delimited=length which
// its decoder cannot read, are not to be had.
func (s *Stream) stream(g *gate) (*twitter.Stream, error) {
	client := twitter.NewClient(&http.Client{Transport: g})
	stall := true
	if s.c.Sample {
		return client.Streams.Sample(&twitter.StreamSampleParams{StallWarnings: &stall, Language: s.c.Language})
	}
	return client.Streams.Filter(&twitter.StreamFilterParams{StallWarnings: &stall, Language: s.c.Language,
		Track: s.c.Track, Follow: s.c.Follow, Locations: s.c.Locations, FilterLevel: s.c.FilterLevel})
}

// demux counts what the library recognised and hears what the server says of itself.
func (c *connection) demux() twitter.SwitchDemux {
	d := twitter.NewSwitchDemux()
	notice := func() { c.change(func(s *State) { s.Notices++ }) }
	other := func() { c.change(func(s *State) { s.Others++ }) }
	d.Tweet = func(*twitter.Tweet) { c.change(func(s *State) { s.Tweets++ }) }
	d.StatusDeletion = func(*twitter.StatusDeletion) { notice() }
	d.LocationDeletion = func(*twitter.LocationDeletion) { notice() }
	d.StatusWithheld = func(*twitter.StatusWithheld) { notice() }
	d.UserWithheld = func(*twitter.UserWithheld) { notice() }
	d.DM = func(*twitter.DirectMessage) { other() }
	d.FriendsList = func(*twitter.FriendsList) { other() }
	d.Event = func(*twitter.Event) { other() }
	d.StreamLimit = c.limit
	d.StreamDisconnect = c.disconnecting
	d.Warning = func(w *twitter.StallWarning) {
		c.change(func(s *State) { s.Warnings++ })
		c.tell(Event{Kind: Warning, Text: w.Code + ": " + w.Message, Count: int64(w.PercentFull)})
	}
	d.Other = func(message any) {
		if err, ok := message.(error); ok {
			c.fail(err)
			return
		}
		other()
	}
	return d
}

// limit: the server counts up from the connection's beginning.
func (c *connection) limit(l *twitter.StreamLimit) {
	c.end.Lock()
	more := max(0, l.Track-c.limited)
	c.limited += more
	c.end.Unlock()
	c.change(func(s *State) { s.Limited += more })
	c.tell(Event{Kind: Limited, Count: more})
}

func (c *connection) disconnecting(d *twitter.StreamDisconnect) {
	c.end.Lock()
	c.disconnect = int(d.Code)
	c.end.Unlock()
	c.change(func(s *State) { s.Disconnect = Disconnect{d.Code, d.Reason} })
	c.tell(Event{Kind: Disconnecting, Status: int(d.Code), Text: d.Reason})
}

func (c *connection) ending() ending {
	c.end.Lock()
	defer c.end.Unlock()
	e := ending{established: !c.opened.IsZero(), disconnect: c.disconnect, err: c.err}
	if e.established {
		e.lived = c.c.Now().Sub(c.opened)
	}
	if e.err == nil {
		e.err = errEnd
	}
	return e
}

// never is the wait for a connection that is not made.
const never time.Duration = -1

// ended reports the end of a connection and the wait for the next.
func (s *Stream) ended(e ending, delay time.Duration) {
	now := s.c.Now()
	s.change(func(st *State) {
		if st.Connected {
			st.Connected, st.Since = false, now
		}
		st.LastError = e.err.Error()
		if delay != never {
			st.Next = now.Add(delay)
		}
	})
	ev := Event{Kind: Failed, Err: e.err, Delay: max(delay, 0)}
	if e.established {
		ev.Kind = Disconnected
	}
	var se *StatusError
	if errors.As(e.err, &se) {
		ev.Status = se.Code
	}
	s.tell(ev)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
