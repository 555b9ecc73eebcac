package api

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
)

// What is written is sent when no further event is ready, when it is so much, or has waited for so long: entries that a subscription
// reads in the journal may match or not, and pages of history take their time.
const (
	flushSize = 32 << 10
	flushLate = 10 * time.Millisecond
)

// kept is a stream that stays with the HTTP server, in its request's goroutine: over TLS, and over HTTP/2, where one connection has many.
type kept struct {
	streaming
	c   echo.Context
	buf []byte
}

// flush sends what is written. A client that takes nothing for the time of a write is given up; it can resume.
func (k *kept) flush() error {
	w := http.NewResponseController(k.c.Response())
	_ = w.SetWriteDeadline(time.Now().Add(k.s.config.WriteTimeout)) // not all writers have one
	n, err := k.c.Response().Write(k.sealed(k.buf))
	k.count(n)
	if err == nil {
		err = w.Flush()
	}
	if k.buf = k.buf[:0]; cap(k.buf) > 2*flushSize {
		k.buf = nil
	}
	return err
}

// run writes events until the subscription or the client ends. Events are pulled in a goroutine of their own, so that heartbeats go on in silence.
func (k *kept) run(ctx context.Context) {
	defer k.ended()
	defer k.sub.Close()
	k.c.Response().WriteHeader(http.StatusOK)
	k.buf = append(k.buf, k.opened()...)
	if len(k.buf) > 0 && k.flush() != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan pulled)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		pull(ctx, k.sub.Events(ctx), events)
	}()
	defer func() { cancel(); <-done }()
	k.pass(ctx, events)
}

// pass writes what comes.
func (k *kept) pass(ctx context.Context, events <-chan pulled) {
	beat := time.NewTimer(k.s.config.Heartbeat)
	defer beat.Stop()
	late := time.NewTimer(flushLate)
	defer late.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				_ = k.flush() // it is over in any case
				return
			}
			if e.err != nil {
				k.buf = k.broken(k.buf, e.err)
				_ = k.flush()
				return
			}
			if len(k.buf) == 0 {
				late.Reset(flushLate)
			}
			k.buf = k.append(k.buf, &e.event)
			if e.event.More && len(k.buf) < flushSize {
				continue
			}
			if k.rate.owes() {
				late.Reset(rateEvery)
			}
		case <-late.C:
			if k.buf = k.appendRate(k.buf, false); k.rate.owes() {
				late.Reset(rateEvery / 4)
			}
		case <-beat.C:
			k.buf = k.text(k.buf, k.form.beat())
		case <-ctx.Done():
			return
		}
		if len(k.buf) == 0 {
			continue
		}
		if err := k.flush(); err != nil {
			return // the client left, or takes nothing
		}
		beat.Reset(k.s.config.Heartbeat)
	}
}

type pulled struct {
	event live.Event
	err   error
}

func pull(ctx context.Context, events iter.Seq2[live.Event, error], to chan<- pulled) {
	for e, err := range events {
		select {
		case to <- pulled{e, err}:
		case <-ctx.Done():
			return
		}
	}
}
