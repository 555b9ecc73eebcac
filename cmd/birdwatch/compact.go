package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"birdwatch/ingest/journal"
)

type compactCommand struct {
	dataFlags
}

// Run takes for good what was deleted. The folder must be free: the files are written anew.
func (c *compactCommand) Run(env *environment) error {
	if err := existing(c.Data); err != nil {
		return err
	}
	// Nobody has streams open that must still be told: content goes without waiting for them.
	n, err := openFree(env, "compact", c.dataFlags, journal.Options{Grace: time.Nanosecond})
	if err != nil {
		return err
	}
	if err := errors.Join(compact(env.ctx, n), n.close()); err != nil {
		return fmt.Errorf("compact stopped; run it again: %w", err)
	}
	_, err = fmt.Fprintln(env.stdout, "what was deleted is out of the files; birdwatch verify --deleted looks for traces")
	return err
}

func compact(ctx context.Context, n *node) error {
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { return n.follow(following) })
	err := n.sweepDue(ctx)
	if err == nil {
		err = n.caughtUp(ctx)
	}
	if err == nil { // an acknowledgement may be a moment behind
		err = n.journal.Acked(ctx, archiveFollower, n.journal.Last())
	}
	cancel()
	if err := errors.Join(err, g.Wait()); err != nil {
		return err
	}
	if err := n.journal.Maintain(ctx); err != nil {
		return err
	}
	err = n.journal.Close()
	if n.journal = nil; err != nil {
		return err
	}
	if err := journal.Compact(ctx, filepath.Join(n.dir, journalFile)); err != nil {
		return err
	}
	return n.archive.Compact(ctx)
}
