package api

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// courier brings events to streams that have left the HTTP server (see wire.go). A stream that has nothing to tell has no goroutine: the
// hub wakes it, one of a few goroutines takes what waits and writes it in one go. Only while it reads history or the journal, or its client
// is slower than the network's buffers, has it one of its own.
type courier struct {
	s     *Server
	slots [][]*wired // every stream is in one; a slot's turn comes once a heartbeat
	work  chan struct{}
	begun chan struct{}  // closed when run begins
	tasks sync.WaitGroup // goroutines of single streams

	mu      sync.Mutex // guards what follows, and the states of all streams. Nothing is called while it is held
	ctx     context.Context
	queue   rounds
	next    int      // the slot of the next stream
	came    int      // streams so far
	owing   []*wired // those that have left tweets out and have to tell
	watched watch
}

// The states of a stream.
const (
	parked   = iota // nobody is at it; a wake queues it
	queued          // it waits for a visit
	visited         // somebody is at it: what comes is noted
	finished        // it is closed
)

// wired is a stream with a connection of its own.
type wired struct {
	streaming
	wire       wire
	descriptor int32 // of the connection, where it is watched
	slot, at   int   // its slot, and where in it

	// guarded by courier.mu:
	state  uint8
	again  bool   // it was woken while it was visited
	beat   bool   // a heartbeat is due
	gone   bool   // the client left, or everyone has to
	owes   bool   // it is in owing
	cancel func() // ends what its goroutine waits for; nil without one
}

const mostSlots = 64

// carriers is how many goroutines write to streams at once. Writing keeps a processor busy without a pause where there are many clients, so one
// is left to take in what comes: what has come meanwhile goes out with one write a client.
func carriers() int { return max(1, runtime.GOMAXPROCS(0)-1) }

func newCourier(s *Server) *courier {
	n := min(mostSlots, max(1, int(s.config.Heartbeat/time.Millisecond)))
	return &courier{s: s, slots: make([][]*wired, n), work: make(chan struct{}, carriers()), begun: make(chan struct{})}
}

// run works until ctx ends and all streams are closed.
func (c *courier) run(ctx context.Context) error {
	watched, err := newWatch(c.lost)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.ctx, c.watched = ctx, watched
	c.mu.Unlock()
	close(c.begun)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range carriers() {
		all.Go(func() { c.carry(stop) })
	}
	all.Go(watched.run)
	all.Go(func() { c.tidy(stop) })
	c.tick(ctx)
	c.mu.Lock()
	c.ctx = nil // no stream comes any more
	c.mu.Unlock()
	for _, slot := range c.slots {
		c.mu.Lock()
		streams := append([]*wired(nil), slot...)
		c.mu.Unlock()
		for _, w := range streams {
			c.lost(w)
		}
	}
	c.tasks.Wait()
	for c.open() > 0 { // those that are being visited
		time.Sleep(time.Millisecond)
	}
	close(stop)
	watched.end()
	all.Wait()
	return nil
}

func (c *courier) open() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, slot := range c.slots {
		n += len(slot)
	}
	return n
}

// tick gives every slot its turn until ctx ends.
func (c *courier) tick(ctx context.Context) {
	every := time.NewTicker(c.s.config.Heartbeat / time.Duration(len(c.slots)))
	defer every.Stop()
	rates := time.NewTicker(rateEvery / 4)
	defer rates.Stop()
	for turn := 0; ; {
		select {
		case <-every.C:
			c.beat(turn % len(c.slots))
			turn++
		case <-rates.C:
			c.dun()
		case <-ctx.Done():
			return
		}
	}
}

func (c *courier) beat(slot int) {
	var busy []*wired
	c.mu.Lock()
	for _, w := range c.slots[slot] {
		if w.cancel != nil {
			busy = append(busy, w)
			continue
		}
		w.beat = true
		c.push(w)
	}
	c.mu.Unlock()
	c.signal()
	for _, w := range busy {
		w.wire.beat(w.streaming.beat())
	}
}

// dun lets those visit that have to tell what they left out.
func (c *courier) dun() {
	c.mu.Lock()
	for _, w := range c.owing {
		w.owes = false
		c.push(w)
	}
	clear(c.owing)
	c.owing = c.owing[:0]
	c.mu.Unlock()
	c.signal()
}

// push queues a stream. first: none was queued. c.mu is held.
func (c *courier) push(w *wired) (first bool) {
	switch w.state {
	case parked:
		w.state = queued
		return c.queue.put(w)
	case visited:
		w.again = true
	}
	return false
}

func (c *courier) signal() {
	select {
	case c.work <- struct{}{}:
	default:
	}
}

// wake is the hub's call: there is more to tell.
func (w *wired) wake() {
	c := w.s.courier
	c.mu.Lock()
	first := c.push(w)
	c.mu.Unlock()
	if first {
		c.signal()
	}
}

// enlist takes a stream in, which is being visited: release lets go of it. It waits for run to begin. False when no stream is taken any more.
func (c *courier) enlist(asked context.Context, w *wired) (ctx context.Context, ok bool) {
	select {
	case <-c.begun:
	case <-asked.Done():
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		return nil, false
	}
	c.came++
	c.next = (c.next + 1) % len(c.slots)
	w.slot, w.at, w.state = c.next, len(c.slots[c.next]), visited
	c.slots[w.slot] = append(c.slots[w.slot], w)
	return c.ctx, true
}

// lost is the watcher's call, and that of the end: a stream's client is not there any more.
func (c *courier) lost(w *wired) {
	c.mu.Lock()
	w.gone = true
	cancel := w.cancel
	c.push(w) // nothing where it is closed already
	c.mu.Unlock()
	if cancel != nil {
		cancel()
		w.wire.interrupt()
	}
	c.signal()
}

// release ends a visit: the stream is closed, parked, or queued once more.
func (c *courier) release(w *wired, over bool) {
	c.mu.Lock()
	w.cancel = nil
	if over = over || w.gone; !over {
		w.state = parked
		again := w.again
		if again {
			w.again = false
			c.push(w)
		}
		if w.rate.owes() && !w.owes {
			w.owes = true
			c.owing = append(c.owing, w)
		}
		c.mu.Unlock()
		if again { // whoever queues tells: those at the queue may all be asleep
			c.signal()
		}
		return
	}
	w.state = finished
	last := len(c.slots[w.slot]) - 1
	moved := c.slots[w.slot][last]
	c.slots[w.slot][w.at], moved.at = moved, w.at
	c.slots[w.slot][last] = nil
	c.slots[w.slot] = c.slots[w.slot][:last]
	c.mu.Unlock()
	c.watched.remove(w)
	w.sub.Close()
	w.wire.close()
	w.ended()
}
