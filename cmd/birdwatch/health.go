package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"birdwatch/api"
	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/tweet"
)

// trouble is why the archive takes no entries, and since when.
type trouble struct {
	since time.Time
	err   error
}

// sink is the archive as a follower of the journal. It remembers what hinders it.
type sink struct {
	archive search.Archive
	trouble *atomic.Pointer[trouble]
}

func (s sink) Position(ctx context.Context) (tweet.Position, error) {
	at, err := s.archive.Position(ctx)
	s.note(err)
	return at, err
}

func (s sink) Apply(ctx context.Context, es []tweet.Entry, to tweet.Position) error {
	_, err := s.archive.Apply(ctx, es, to)
	s.note(err)
	return err
}

func (s sink) note(err error) {
	was := s.trouble.Load()
	switch {
	case err == nil && was != nil:
		s.trouble.Store(nil)
	case err != nil && was == nil:
		s.trouble.Store(&trouble{time.Now(), err})
	case err != nil:
		s.trouble.Store(&trouble{was.since, err})
	}
}

// far is how many entries the archive may be behind the journal before the server counts as not ready.
const far = 100_000

// readyTime bounds how long an archive may think before it counts as not answering.
const readyTime = 2 * time.Second

// ready says what holds and what does not.
func (n *node) ready(ctx context.Context) []api.Check {
	checks := []api.Check{{Name: "journal", Ready: true}, {Name: "archive", Ready: true}, {Name: "archive follows journal", Ready: true}}
	fail := func(i int, note string) { checks[i].Ready, checks[i].Note = false, note }
	if _, err := n.journal.State(ctx, "id-table"); err != nil {
		fail(0, "the journal does not answer")
	} else if f := n.journal.Fault(); f != nil {
		fail(0, paused(f))
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	stats, err := n.archive.Stats(ctx)
	switch {
	case err != nil:
		fail(1, explained(err, "the archive does not answer"))
	case stats.Stale:
		checks[1].Note = "the index is of another version of birdwatch: run birdwatch reindex"
	case len(stats.Lacks) > 0:
		checks[1].Note = stats.Engine + " lacks: " + strings.Join(stats.Lacks, "; ")
	}
	if t := n.trouble.Load(); t != nil {
		fail(2, fmt.Sprintf("%s, since %s", explained(t.err, "the archive does not take what the journal has; the log has the reason"), t.since.UTC().Format(time.RFC3339)))
	} else if behind := n.journal.Last() - max(stats.Position.Seq, n.journal.First()-1); err == nil && behind > far {
		fail(2, fmt.Sprintf("the archive is %d entries behind", behind))
	}
	return checks
}

// paused is why nothing is taken in.
func paused(f *journal.Fault) string {
	why := "the journal's file cannot be written; the log has the reason"
	if f.DiskFull {
		why = "the disk is full"
	}
	return fmt.Sprintf("the intake is paused: %s, since %s", why, f.Since.UTC().Format(time.RFC3339))
}

// explained is what may be said of an archive's error to anyone.
func explained(err error, otherwise string) string {
	if text := elastic.Explain(err); text != "" {
		return text
	}
	return otherwise
}
