package source

import (
	"errors"
	"time"
)

// How long to wait before the next connection, as Twitter asked its clients to: an established connection
// that drops is made again at once, once; then network errors wait 250 ms more each time, HTTP
// errors 5 s doubling, 420 a minute doubling. Up to a quarter is added by chance, so that
// clients do not return all together.
const (
	networkStep = 250 * time.Millisecond
	networkMost = 16 * time.Second
	httpFirst   = 5 * time.Second
	httpMost    = 320 * time.Second
	calmFirst   = time.Minute
	calmMost    = 16 * time.Minute
	// healthy is how long a connection must have stood for all before it to be forgotten. A
	// server that accepts and closes is thereby not asked again and again at once.
	healthy = 30 * time.Second
)

type backoff struct {
	dropped             bool // the one reconnect at once is used up
	network, http, calm int  // waits so far
}

// after gives the wait after a connection that ended so.
func (b *backoff) after(e ending, random float64) time.Duration {
	if e.lived >= healthy {
		*b = backoff{}
	}
	d := b.delay(e)
	d += time.Duration(random * float64(d) / 4)
	var se *StatusError
	if errors.As(e.err, &se) {
		d = max(d, min(se.RetryAfter, calmMost))
	}
	return d
}

func (b *backoff) delay(e ending) time.Duration {
	var se *StatusError
	switch {
	case errors.As(e.err, &se) && (se.Code == 420 || se.Code == 429):
		b.calm++
		return doubled(calmFirst, calmMost, b.calm)
	case errors.As(e.err, &se), e.unwelcome():
		b.http++
		return doubled(httpFirst, httpMost, b.http)
	case e.established && !b.dropped:
		b.dropped = true
		return 0
	}
	b.network++
	return min(time.Duration(b.network)*networkStep, networkMost)
}

func doubled(first, most time.Duration, n int) time.Duration {
	return min(first<<min(n-1, 20), most)
}

// ending is how a connection ended.
type ending struct {
	established bool // it was answered 200
	lived       time.Duration
	disconnect  int // the code the server gave; 0 none
	err         error
	number      int64
	retired     bool // another connection has taken over
	stopped     bool // the source was stopped
}

// unwelcome: the server said that this account is to stay away for now: another connection
// of it stands, or has taken over, or its token was revoked. Coming back at once would end that one.
func (e ending) unwelcome() bool {
	switch e.disconnect {
	case 2, 6, 7:
		return true
	}
	return false
}
