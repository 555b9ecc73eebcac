package replay

import (
	"context"
	"sync"
	"time"
)

// accounts keeps the connections of one account apart: a newer one ends the older, and too many are refused.
type accounts struct {
	mu   sync.Mutex // guards what follows
	open map[string]*account
}

// account is one pair of consumer key and token.
type account struct {
	connects []time.Time // within the window
	end      context.CancelCauseFunc
	ended    chan struct{} // closed when the newest stream is over
	place    place         // for Resume; belongs to the stream that runs
}

// place is where an account's stream goes on.
type place struct {
	lap, index int // of the next message
	rewriter   *rewriter
	due        time.Time // of the last one; zero: none was
}

func (a *accounts) get(token string) *account {
	acc := a.open[token]
	if acc == nil {
		acc = &account{}
		a.open[token] = acc
	}
	return acc
}

// connect counts a connection and says whether it is within the bound.
func (a *accounts) connect(token string, now time.Time, most int, window time.Duration) bool {
	if most <= 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.get(token)
	for len(acc.connects) > 0 && now.Sub(acc.connects[0]) >= window {
		acc.connects = acc.connects[1:]
	}
	if len(acc.connects) >= most {
		return false
	}
	acc.connects = append(acc.connects, now)
	return true
}

// enter begins a stream: it ends the account's older one and waits until that is over. The context ends
// with errReplaced when a newer one comes. With keep, the account's place outlives its streams.
func (a *accounts) enter(parent context.Context, token string, many, keep bool) (context.Context, *account, func()) {
	if many {
		return parent, &account{}, func() {}
	}
	ctx, end := context.WithCancelCause(parent)
	ended := make(chan struct{})
	a.mu.Lock()
	acc := a.get(token)
	endOlder, older := acc.end, acc.ended
	acc.end, acc.ended = end, ended
	a.mu.Unlock()
	if older != nil {
		endOlder(errReplaced)
		<-older
	}
	return ctx, acc, func() {
		end(nil)
		close(ended)
		a.mu.Lock()
		defer a.mu.Unlock()
		if acc.ended == ended && !keep && len(acc.connects) == 0 {
			delete(a.open, token)
		}
	}
}

// busy reports whether a stream of the account runs.
func (a *accounts) busy(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc := a.open[token]
	if acc == nil || acc.ended == nil {
		return false
	}
	select {
	case <-acc.ended:
		return false
	default:
		return true
	}
}
