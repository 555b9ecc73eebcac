package elastic

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"birdwatch/search"
)

// ErrLeased is what a *LeasedError is.
var ErrLeased = errors.New("another process writes the archive")

// LeasedError says who writes the archive, and until when unless it gives another sign of life. It is search.ErrUnavailable too.
type LeasedError struct {
	Owner string
	Until time.Time
}

func (e *LeasedError) Error() string {
	return fmt.Sprintf("%v: %s, until %s", ErrLeased, e.Owner, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap gives what errors.Is finds.
func (e *LeasedError) Unwrap() []error { return []error{ErrLeased, search.ErrUnavailable} }

// lease is this process's right to write: a document of the state index that is only ever changed over the state that was read.
type lease struct {
	token   string // tells this opening of the archive from all others
	stop    context.CancelFunc
	stopped chan struct{}

	mu    sync.Mutex // guards what follows
	held  bool
	until time.Time
	at    version
}

func newLease() lease { return lease{token: rand.Text()} }

type leaseDoc struct {
	Kind  string `json:"kind"`
	Owner string `json:"owner"`
	Token string `json:"token"`
	Until int64  `json:"until"` // Unix milliseconds, by the owner's clock
}

// leaseTries is how often a lease is fought for that others change at the same time.
const leaseTries = 5

// hold makes sure that this process may write, for half a lease's time at least. It comes before everything that is written: a process that was stopped
// has to find out that another took its place.
func (a *Archive) hold(ctx context.Context) error {
	l := &a.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held && a.wall().Before(l.until.Add(-a.o.Lease/2)) {
		return nil
	}
	err := a.take(ctx)
	if l.held && errors.Is(err, search.ErrUnavailable) && a.wall().Before(l.until) {
		return nil // it lasts a little longer
	}
	return err
}

// takeLease takes the lease, or lengthens it, whatever this process believes to have.
func (a *Archive) takeLease(ctx context.Context) error {
	a.lease.mu.Lock()
	defer a.lease.mu.Unlock()
	return a.take(ctx)
}

// wall is the time of the clock on the wall: the monotonic one stands still while a machine sleeps.
func (a *Archive) wall() time.Time { return a.now().Round(0) }

// take is takeLease; a.lease.mu is held.
func (a *Archive) take(ctx context.Context) (err error) {
	l := &a.lease
	for range leaseTries {
		now := a.wall()
		if l.held {
			if err = a.writeLease(ctx, now, l.at); !isConflict(err) {
				return err
			}
			l.held = false
		}
		var found leaseDoc
		at, err := a.readState(ctx, "lease", &found)
		if err != nil {
			return fmt.Errorf("lease: %w", err)
		}
		if found.Token != "" && found.Token != l.token {
			if until := time.UnixMilli(found.Until); found.Owner != a.o.Owner && now.Before(until) {
				return &LeasedError{found.Owner, until}
			}
			a.o.Logger.Info("taking the archive over", "from", found.Owner)
		}
		if found.Token != l.token {
			a.writer.forget.Store(true) // others may have written since
		}
		if err = a.writeLease(ctx, now, at); !isConflict(err) {
			return err
		}
	}
	return fmt.Errorf("%w: lease: %w", search.ErrUnavailable, err)
}

func (a *Archive) writeLease(ctx context.Context, now time.Time, over version) error {
	l := &a.lease
	until := now.Add(a.o.Lease)
	at, err := a.writeState(ctx, "lease", leaseDoc{"lease", a.o.Owner, l.token, until.UnixMilli()}, over)
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	l.held, l.until, l.at = true, until, at
	return nil
}

// keepLease gives signs of life until dropLease, which Close calls: no goroutine outlives the archive.
func (a *Archive) keepLease() {
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	a.lease.stop, a.lease.stopped = stop, stopped
	go func() {
		defer close(stopped)
		tick := time.NewTicker(max(a.o.Lease/4, time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				a.signOfLife(ctx)
			}
		}
	}()
}

// signOfLife lengthens a lease that is held. One that was lost comes back by writing alone.
func (a *Archive) signOfLife(ctx context.Context) {
	l := &a.lease
	l.mu.Lock()
	never, held := l.until.IsZero(), l.held
	l.mu.Unlock()
	if never {
		if a.ready(ctx) != nil {
			return // whoever reads or writes hears of it
		}
	} else if !held {
		return
	}
	if err := a.hold(ctx); errors.Is(err, ErrLeased) {
		a.o.Logger.Error("the right to write the archive is lost", "error", err)
	}
}

// dropLease ends the signs of life and gives the lease back. It waits for what is being written.
func (a *Archive) dropLease(ctx context.Context) {
	l := &a.lease
	if l.stop == nil {
		return
	}
	l.stop()
	<-l.stopped
	l.stop = nil
	if a.writer.lock(ctx) != nil {
		return // it runs out
	}
	defer a.writer.unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held {
		return
	}
	l.held = false
	if _, err := a.call(ctx, http.MethodDelete, "/"+a.schema.state()+"/_doc/lease?"+l.at.condition(), nil); err != nil {
		a.o.Logger.Warn("the right to write the archive was not given back; it runs out", "error", err)
	}
}

// version is a state of one document of the state index.
type version struct {
	SeqNo  int64 `json:"_seq_no"`
	Term   int64 `json:"_primary_term"`
	absent bool
}

// condition are the parameters of a write that only goes over just that state.
func (v version) condition() string {
	if v.absent {
		return "op_type=create"
	}
	return fmt.Sprintf("if_seq_no=%d&if_primary_term=%d", v.SeqNo, v.Term)
}

// readState reads a document of the state index. One that is absent leaves `to` as it was.
func (a *Archive) readState(ctx context.Context, id string, to any) (version, error) {
	body, err := a.call(ctx, http.MethodGet, "/"+a.schema.state()+"/_doc/"+id, nil)
	if e := asServerError(err); e != nil && e.has("index_not_found_exception") {
		return version{}, errNoState
	}
	if isMissing(err) {
		return version{absent: true}, nil
	}
	if err != nil {
		return version{}, err
	}
	var found struct {
		version
		Source json.RawMessage `json:"_source"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return version{}, fmt.Errorf("the server Elasticsearch: %s: %w", id, err)
	}
	if err := json.Unmarshal(found.Source, to); err != nil {
		return version{}, fmt.Errorf("the server Elasticsearch: %s: %w", id, err)
	}
	return found.version, nil
}

// errNoState says that there is no state index: the archive was not written yet, or a stranger took it away.
var errNoState = fmt.Errorf("%w: the archive's state index", errGone)

// writeState writes a document of the state index over just the state `over`, else it is a conflict.
func (a *Archive) writeState(ctx context.Context, id string, doc any, over version) (version, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return version{}, err
	}
	body, err := a.call(ctx, http.MethodPut, "/"+a.schema.state()+"/_doc/"+id+"?"+over.condition(), b)
	if err != nil {
		return version{}, err
	}
	var now version
	if err := json.Unmarshal(body, &now); err != nil {
		return version{}, fmt.Errorf("the server Elasticsearch: %s: %w", id, err)
	}
	return now, nil
}
