package api

import "time"

// rounds are the streams that wait for a visit. They are visited in rounds: who is woken during one has its turn in the next, which begins a little
// later when the one before was long. So where more comes than can be written one by one, a stream's events gather meanwhile and leave in one
// write, and what comes in finds a processor. Not for concurrent use.
type rounds struct {
	now     []*wired // of this round
	taken   int      // of now
	visited int      // taken, and not done yet
	later   []*wired // of the next
	began   time.Time
	rests   time.Time // when the next may begin
}

const (
	// shortRound is followed by no pause.
	shortRound = time.Millisecond
	// longestPause is as late as events may be for it.
	longestPause = 10 * time.Millisecond
)

// put gives a stream its turn in the next round. first: nobody else has one yet.
func (r *rounds) put(w *wired) (first bool) {
	r.later = append(r.later, w)
	return len(r.later) == 1
}

// take appends to batch those that are to be visited now, up to a number; done tells when they were. more: there are others now. Where none is to be
// visited but some have a turn in the next round, rest is how long until that may begin; 0 when it waits for done.
func (r *rounds) take(batch []*wired, most int, at time.Time) (_ []*wired, more bool, rest time.Duration) {
	if r.taken == len(r.now) {
		if r.visited > 0 || len(r.later) == 0 {
			return batch, false, 0
		}
		if rest = r.rests.Sub(at); rest > 0 {
			return batch, false, min(rest, longestPause)
		}
		r.now, r.later, r.began = r.later, r.now, at
	}
	n := min(most, len(r.now)-r.taken)
	batch = append(batch, r.now[r.taken:r.taken+n]...)
	r.taken, r.visited = r.taken+n, r.visited+n
	return batch, r.taken < len(r.now), 0
}

// done says that n streams were visited. again: that was a round's last, and there is a next.
func (r *rounds) done(n int, at time.Time) (again bool) {
	if r.visited -= n; r.visited > 0 || r.taken < len(r.now) {
		return false
	}
	clear(r.now) // some may be closed
	r.now, r.taken = r.now[:0], 0
	if took := at.Sub(r.began); took >= shortRound {
		r.rests = at.Add(min(took/4, longestPause))
	}
	return len(r.later) > 0
}

// batchMost is how many streams a worker takes at once.
const batchMost = 64

// carry visits streams until stop.
func (c *courier) carry(stop <-chan struct{}) {
	v := &visitor{courier: c, buf: make([]byte, 0, 64<<10)}
	var batch []*wired
	for {
		c.mu.Lock()
		taken, more, rest := c.queue.take(batch[:0], batchMost, time.Now())
		batch = taken
		for _, w := range batch {
			w.state = visited
		}
		c.mu.Unlock()
		if more {
			c.signal()
		}
		for i, w := range batch {
			v.visit(w)
			batch[i] = nil
		}
		v.count()
		if n := len(batch); n > 0 {
			c.mu.Lock()
			again := c.queue.done(n, time.Now())
			c.mu.Unlock()
			if again {
				c.signal()
			}
			continue
		}
		var rested <-chan time.Time
		if rest > 0 {
			rested = time.After(rest)
		}
		select {
		case <-c.work:
		case <-rested:
		case <-stop:
			return
		}
	}
}
