package api

import (
	"context"
	"time"

	"birdwatch/live"
)

// launch gives a stream a goroutine until it stands at the end and its client has taken all. The caller visits it.
func (c *courier) launch(w *wired) {
	c.mu.Lock()
	ctx := c.ctx
	if ctx == nil {
		c.mu.Unlock()
		c.release(w, true)
		return
	}
	c.tasks.Add(1) // run waits for tasks after it has taken ctx away
	c.mu.Unlock()
	go func() {
		defer c.tasks.Done()
		c.drive(ctx, w)
	}()
}

// drive reads and writes, waiting where it has to, until the stream can be parked or is over.
func (c *courier) drive(ctx context.Context, w *wired) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	w.cancel = cancel
	gone := w.gone
	c.mu.Unlock()
	c.release(w, gone || w.catchUp(ctx))
}

// catchUp writes all there is, in a goroutine that may wait. over: the stream ended, or its client.
func (w *wired) catchUp(ctx context.Context) (over bool) {
	wait := w.s.config.WriteTimeout
	if err := w.wire.flush(nil, wait); err != nil {
		return true
	}
	if w.wire.last.Load() {
		w.wire.finish(wait)
		return true
	}
	buf, late := []byte(nil), time.Time{}
	flush := func() bool {
		buf = w.sealed(buf)
		n := len(buf)
		err := w.wire.flush(buf, wait)
		w.count(n)
		if buf = buf[:0]; cap(buf) > 2*flushSize {
			buf = nil
		}
		return err == nil
	}
	for e, err := range w.sub.Ready(ctx) {
		if err != nil {
			buf = w.broken(buf, err)
			w.wire.last.Store(true)
			flush()
			return true
		}
		if len(buf) == 0 {
			late = time.Now().Add(flushLate)
		}
		buf = w.tell(buf, &e)
		if (!e.More || len(buf) >= flushSize || time.Now().After(late)) && !flush() {
			return true
		}
	}
	if len(buf) > 0 && !flush() {
		return true
	}
	if over = w.wire.last.Load(); over {
		w.wire.finish(wait)
	}
	return over || ctx.Err() != nil
}

// tell is append, which notes that an event is the last.
func (w *wired) tell(dst []byte, e *live.Event) []byte {
	if e.Kind == live.Bye || e.Kind == live.End {
		w.wire.last.Store(true)
	}
	return w.append(dst, e)
}

// visitor is what a worker uses again and again.
type visitor struct {
	courier *courier
	events  []live.Event
	buf     []byte
	bytes   int
}

// visit takes what waits in memory and writes it, without waiting for anyone.
func (v *visitor) visit(w *wired) {
	c := v.courier
	c.mu.Lock()
	beat, gone := w.beat, w.gone
	w.beat = false
	c.mu.Unlock()
	if gone {
		c.release(w, true)
		return
	}
	events, ok := w.sub.Take(v.events[:0])
	v.events = events
	buf := v.buf[:frameRoom]
	for i := range events {
		buf = w.tell(buf, &events[i])
	}
	over := w.wire.last.Load()
	buf = w.appendRate(buf, false)
	if beat && !over { // nothing follows a gzip stream's end
		buf = w.text(buf, w.form.beat())
	}
	clear(events) // what was sent is not held
	if len(buf) > frameRoom {
		buf = w.sealed(buf)
	}
	if v.buf = buf; cap(v.buf) > 1<<20 {
		v.buf = make([]byte, 0, 64<<10)
	}
	n := len(buf) - frameRoom
	v.bytes += n
	w.bytes += int64(n)
	whole, err := w.wire.try(buf)
	switch {
	case err != nil:
		c.release(w, true)
	case over: // what a slow client has not taken yet is written, with the end, by a goroutine that may wait
		if whole {
			whole = w.wire.tryFinish()
		}
		if whole {
			c.release(w, true)
			return
		}
		c.launch(w)
	case !whole:
		c.s.metrics.stalled.Inc()
		c.launch(w)
	case !ok:
		c.launch(w)
	default:
		c.release(w, false)
	}
}

func (v *visitor) count() {
	if v.bytes > 0 {
		v.courier.s.metrics.streamed.Add(float64(v.bytes))
		v.bytes = 0
	}
}

// abandon lets go of a stream whose connection could not be had.
func (c *courier) abandon(w *wired) { c.release(w, true) }

// begin writes a stream's head, and all there is, in the goroutine of its request.
func (c *courier) begin(ctx context.Context, w *wired, head []byte) {
	w.wire.pending = head
	w.count(len(head))
	if err := c.watched.add(w, w.s.config.WriteTimeout); err != nil {
		c.s.log.Warn("a connection is not watched", "request_id", w.id, "error", err)
	}
	c.drive(ctx, w)
}
