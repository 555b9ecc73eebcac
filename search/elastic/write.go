package elastic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"birdwatch/search"
	"birdwatch/tweet"
)

// writer is what this process knows because nobody else writes.
type writer struct {
	forget atomic.Bool // somebody else may have written: what was known is to be read again

	busy chan struct{} // holds one while somebody writes, and guards what follows
	known
	pace pace
}

// known is read from the state index.
type known struct {
	loaded  bool
	place   placeDoc
	placeAt version
	scrubs  search.Scrubs
	hidings search.Hidings
	filling map[period]string   // the index that Reindex fills beside a period's own
	present map[period]*present // where it was asked
}

func newWriter() writer { return writer{busy: make(chan struct{}, 1), pace: newPace()} }

// lock waits for its turn to write.
func (w *writer) lock(ctx context.Context) error {
	select {
	case w.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return lost(ctx, ctx.Err())
	}
}

func (w *writer) unlock() { <-w.busy }

// ErrReadOnly is the error of writing to an archive that was opened for reading.
var ErrReadOnly = errors.New("the archive is open for reading only")

// write runs f while nobody else writes, in this process or in another.
func (a *Archive) write(ctx context.Context, what string, f func(context.Context) error) error {
	if a.o.ReadOnly {
		return fault(what, ErrReadOnly)
	}
	if err := a.writer.lock(ctx); err != nil {
		return fault(what, err)
	}
	defer a.writer.unlock()
	err := a.ready(ctx)
	if err == nil {
		err = a.hold(ctx)
	}
	if err == nil {
		err = a.load(ctx)
	}
	if err == nil {
		err = f(ctx)
	}
	return fault(what, err)
}

// persist is write for those who have nobody to try again for them: it does until ctx ends. In between, others may write.
func (a *Archive) persist(ctx context.Context, what string, f func(context.Context) error) error {
	for try := 0; ; try++ {
		err := a.write(ctx, what, f)
		if !worthWaiting(err) {
			return err
		}
		if try == 0 {
			a.o.Logger.Warn("Elasticsearch takes nothing; trying again", "error", err)
		}
		if !wait(ctx, try, waitMost) {
			return err
		}
	}
}

// worthWaiting reports whether an error passes by itself.
func worthWaiting(err error) bool {
	if !errors.Is(err, search.ErrUnavailable) || errors.Is(err, ErrLeased) {
		return false
	}
	e := asServerError(err)
	return e == nil || !isForbidden(e.Status) || passing[e.Type]
}

const (
	waitLeast = 100 * time.Millisecond
	waitMost  = 15 * time.Second
)

// wait waits before try+1: longer each time, never as long as another does. False when ctx ends before.
func wait(ctx context.Context, try int, most time.Duration) bool {
	d := min(waitLeast<<min(try, 20), most)
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// op is one record on its way into the archive.
type op struct {
	entry   *tweet.Entry
	doc     *tweet.Document // of a sighting or a tombstone; nil for other notices
	content []byte          // of doc, made beforehand, used where nothing is merged
	whole   bool            // doc is not one sighting: of two first_seq the lesser holds
	letter  string          // the key of the dead letter that it is; "" for none
	problem error           // why it goes to the dead letters
	change  search.Change
}

// Apply merges entries, in journal order, makes them searchable and then moves the position.
func (a *Archive) Apply(ctx context.Context, entries []tweet.Entry, to tweet.Position) (search.Outcome, error) {
	ops := make([]op, len(entries))
	for i := range entries {
		ops[i].entry, ops[i].doc = &entries[i], search.DocumentOf(&entries[i])
	}
	encode(ops)
	err := a.write(ctx, fmt.Sprintf("apply %d entries up to %s", len(entries), to), func(ctx context.Context) error {
		if err := a.notices(ctx, entries); err != nil {
			return err
		}
		if err := a.merge(ctx, ops, entries); err != nil {
			return err
		}
		if err := a.scrubPresent(ctx, entries); err != nil {
			return err
		}
		if err := a.hidePresent(ctx, entries); err != nil {
			return err
		}
		if err := a.settle(ctx); err != nil {
			return err
		}
		return a.move(ctx, to)
	})
	if err != nil {
		return search.Outcome{}, err
	}
	return outcome(ops), nil
}

func outcome(ops []op) (out search.Outcome) {
	for i := range ops {
		if ops[i].doc != nil {
			out.Add(ops[i].change)
		}
	}
	return out
}

// Import merges sightings that do not come through the journal. While the server is away it waits, until ctx ends. This process finds them
// at once, others within Options.Refresh.
func (a *Archive) Import(ctx context.Context, records []tweet.Record) ([]search.Change, error) {
	ops := make([]op, len(records))
	entries := make([]tweet.Entry, len(records))
	for i := range records {
		entries[i].Record = records[i]
		ops[i].entry, ops[i].doc = &entries[i], tweet.NewDocument(&records[i], 0)
	}
	encode(ops)
	err := a.persist(ctx, fmt.Sprintf("import %d records", len(records)), func(ctx context.Context) error {
		// The position cannot move before all of them are searchable: whoever moves it settles first.
		for i := range ops {
			ops[i].doc.FirstSeq = a.writer.place.Seq
		}
		return a.merge(ctx, ops, nil)
	})
	if err != nil {
		return nil, err
	}
	changes := make([]search.Change, len(ops))
	for i := range ops {
		changes[i] = ops[i].change
	}
	return changes, nil
}

// encode makes what is written of each sighting before the archive is locked, on all processors.
func encode(ops []op) {
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		g.Go(func() error {
			buf := make([]byte, 0, 4096*(len(ops)/workers+1))
			for i := k; i < len(ops); i += workers {
				o := &ops[i]
				if o.doc == nil || o.doc.Tombstone || o.problem != nil {
					continue
				}
				var p *tweet.Payload
				var frame []byte
				if o.entry != nil {
					p, frame = o.entry.Tweet, o.entry.Frame
				}
				from := len(buf)
				buf, o.problem = appendContent(buf, o.doc, p, frame)
				o.content = buf[from:len(buf):len(buf)]
			}
			return nil
		})
	}
	_ = g.Wait() // problems are in the ops
}

// Purge forgets tweets without a trace.
func (a *Archive) Purge(ctx context.Context, ids []tweet.ID) error {
	return a.persist(ctx, fmt.Sprintf("purge %d tweets", len(ids)), func(ctx context.Context) error {
		docs, err := a.read(ctx, ids)
		if err != nil {
			return err
		}
		var items []*item
		for _, d := range docs {
			items = append(items, &item{id: d.ID, period: a.schema.period(d.ID), version: d.Version(), remove: true})
		}
		if err := a.put(ctx, items); err != nil {
			return err
		}
		for _, i := range items {
			if i.state != written {
				return fmt.Errorf("%w: tweet %d changed meanwhile: %w", search.ErrUnavailable, i.id, i.problem)
			}
		}
		if err := a.burn(ctx, ids); err != nil {
			return err
		}
		return a.settle(ctx)
	})
}
