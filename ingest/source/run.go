package source

import (
	"context"
	"fmt"
	"net/http"
	"time"

	//lint:ignore SA1019 its author has left it; what it lacks is made good around it
	"github.com/dghubble/go-twitter/twitter"

	"birdwatch/tweet"
)

// Run listens until ctx ends, whose error it then gives, or until the sink fails. Everything else, a refused
// request too, is reported and tried again: credentials and servers get well. Records come in the order of the stream,
// with the message's bytes as Raw; the sink is called with as many as have come, by two connections at once while one takes
// over from the other.
func (s *Stream) Run(ctx context.Context, sink Sink) error {
	var b backoff
	for {
		e := s.attend(ctx, sink)
		if ctx.Err() != nil {
			e.stopped = true
			s.ended(e, never)
			return ctx.Err()
		}
		if isSink(e.err) {
			s.ended(e, never)
			return fmt.Errorf("source %s: %w", s.c.Name, e.err)
		}
		delay := b.after(e, s.c.Random())
		s.ended(e, delay)
		if err := s.wait(ctx, delay); err != nil {
			return err
		}
	}
}

// attend makes a connection and stays until it is over, or until the one that took over from it is.
func (s *Stream) attend(ctx context.Context, sink Sink) ending {
	current := s.begin(ctx, sink, s.Topics())
	for {
		select {
		case e := <-current.done:
			return e
		case change := <-s.changes:
			if next := s.takeOver(ctx, sink, current, change); next != nil {
				current = next
			}
		}
	}
}

// begun is a connection that runs. Whoever has it waits for done.
type begun struct {
	*connection
	done chan ending
}

func (s *Stream) begin(parent context.Context, sink Sink, topics Topics) *begun {
	ctx, cancel := context.WithCancelCause(parent)
	c := &connection{Stream: s, ctx: ctx, cancel: cancel, topics: topics, up: make(chan struct{}),
		sink: func(number int64, recs []tweet.Record) error { return sink(WithConnection(parent, number), recs) }}
	b := &begun{c, make(chan ending, 1)}
	go func() {
		defer cancel(nil)
		e := c.connect()
		e.number = c.number
		b.done <- e
	}()
	return b
}

// connect makes the connection by the library, and stays until it is over.
func (c *connection) connect() ending {
	c.stall = time.AfterFunc(c.c.Stall, func() { c.cancel(errStall) })
	defer c.stall.Stop()
	c.number = c.attempt()
	stream, err := c.stream(&gate{connection: c})
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
func (c *connection) stream(g *gate) (*twitter.Stream, error) {
	client := twitter.NewClient(&http.Client{Transport: g})
	stall := true
	if t := c.topics; !t.Sample {
		return client.Streams.Filter(&twitter.StreamFilterParams{StallWarnings: &stall, Language: t.Language,
			Track: t.Track, Follow: t.Follow, Locations: t.Locations, FilterLevel: t.FilterLevel})
	}
	return client.Streams.Sample(&twitter.StreamSampleParams{StallWarnings: &stall, Language: c.topics.Language})
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
		c.tell(Event{Kind: Warning, Connection: c.number, Text: w.Code + ": " + w.Message, Count: int64(w.PercentFull)})
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
	c.tell(Event{Kind: Limited, Connection: c.number, Count: more})
}

func (c *connection) disconnecting(d *twitter.StreamDisconnect) {
	c.end.Lock()
	c.disconnect = int(d.Code)
	c.end.Unlock()
	c.change(func(s *State) { s.Disconnect = Disconnect{d.Code, d.Reason} })
	c.tell(Event{Kind: Disconnecting, Connection: c.number, Status: int(d.Code), Text: d.Reason})
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
