// Package ingest moves tweets: sources and files in, through the journal, to its followers.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"birdwatch/tweet"
)

// Source gives records as they come, until ctx ends. What sink returned nil for is safe; a sink that blocks holds the source back.
type Source interface {
	Run(ctx context.Context, sink func(context.Context, []tweet.Record) error) error
}

// Run takes a source's records into the journal until ctx ends. take is the journal's Append; while it fails (a full
// disk) the source is held back.
func Run(ctx context.Context, s Source, take func(context.Context, []tweet.Record) error, log *slog.Logger) error {
	return s.Run(ctx, func(ctx context.Context, recs []tweet.Record) error {
		return persist(ctx, log, "intake", func() error { return take(ctx, recs) })
	})
}

// persist tries until it works or ctx ends. It logs when trouble begins and when it is over.
func persist(ctx context.Context, log *slog.Logger, what string, f func() error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 30*time.Second
	for trouble := false; ; trouble = true {
		err := f()
		if err == nil {
			if trouble {
				log.Info(what + " goes on")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var lasting *Lasting
		if errors.As(err, &lasting) {
			return lasting.Err
		}
		if !trouble {
			log.Error(what+" is held up; it is tried again until it works", "error", err)
		}
		if err := Pause(ctx, wait.NextBackOff()); err != nil {
			return err
		}
	}
}

// Lasting wraps an error that trying again does not mend.
type Lasting struct{ Err error }

func (l *Lasting) Error() string { return l.Err.Error() }
func (l *Lasting) Unwrap() error { return l.Err }

// Journal is what followers and imports need of the journal.
type Journal interface {
	Epoch() string
	First() tweet.Seq
	Last() tweet.Seq
	Since(ctx context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error)
	Wait(ctx context.Context, after tweet.Seq) error
	Ack(ctx context.Context, follower string, seq tweet.Seq) error
}

// Sink is a durable follower that keeps its own place, in the transaction in which it takes entries.
type Sink interface {
	// Position is its place; zero before the first entry.
	Position(ctx context.Context) (tweet.Position, error)
	// Apply takes entries, in order, and moves the place to `to`. Entries that came before are taken again without harm.
	Apply(ctx context.Context, entries []tweet.Entry, to tweet.Position) error
}

// The bounds of a batch that a follower is given.
const (
	batchMost  = 1000
	batchBytes = 8 << 20
)

// A follower that takes each entry of a quick stream by itself spends more on its transactions than on the entries: after a small batch it
// lets some gather.
const (
	batchSmall = 200
	gatherFor  = 50 * time.Millisecond
)

// Follow gives the journal's entries to a sink until ctx ends, from the sink's own place. When the sink is away it waits
// and tries again, for as long as it takes. name is the follower's in the journal.
func Follow(ctx context.Context, j Journal, name string, sink Sink, log *slog.Logger) error {
	var at tweet.Position
	err := persist(ctx, log, name, func() (err error) { at, err = place(ctx, j, name, sink); return err })
	for err == nil {
		if err = j.Wait(ctx, at.Seq); err != nil {
			break
		}
		began, from := time.Now(), at.Seq
		err = persist(ctx, log, name, func() error {
			next, err := step(ctx, j, name, sink, at)
			if err == nil {
				at = next
			}
			return err
		})
		if err == nil && at.Seq-from < batchSmall {
			_ = Pause(ctx, gatherFor-time.Since(began)) // where ctx ends, Wait says so
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follower %s: %w", name, err)
}

// Pause waits, at most until ctx ends: then it returns with its error.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// place is where a sink goes on. Its place in another journal says nothing here: this one begins above all
// that the sink has.
func place(ctx context.Context, j Journal, name string, sink Sink) (tweet.Position, error) {
	at, err := sink.Position(ctx)
	if err != nil {
		return at, err
	}
	if at.Epoch != j.Epoch() {
		at = tweet.Position{Epoch: j.Epoch(), Seq: j.First() - 1}
	}
	if at.Seq > j.Last() {
		return at, &Lasting{fmt.Errorf("it stands at %s, the journal ends at %d: the journal was put back to an older state", at, j.Last())}
	}
	return at, j.Ack(ctx, name, at.Seq)
}

func step(ctx context.Context, j Journal, name string, sink Sink, at tweet.Position) (tweet.Position, error) {
	end := j.Last()
	es, err := j.Since(ctx, at.Seq, batchMost)
	if err != nil {
		return at, err
	}
	bytes := 0
	for i := range es {
		if bytes += len(es[i].Payload) + len(es[i].Raw); bytes > batchBytes && i > 0 {
			es = es[:i]
			break
		}
	}
	at.Seq = end // purged entries leave holes
	if len(es) > 0 {
		at.Seq = es[len(es)-1].Seq
	}
	if err := sink.Apply(ctx, es, at); err != nil {
		return at, err
	}
	return at, j.Ack(ctx, name, at.Seq)
}
