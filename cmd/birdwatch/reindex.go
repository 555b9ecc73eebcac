package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"birdwatch/ingest/journal"
)

type reindexCommand struct {
	dataFlags
	serverFlags
	Quiet bool `short:"q" help:"No progress."`
}

// Run makes the index again, in the folder or by the server that has it.
func (c *reindexCommand) Run(env *environment) error {
	if err := c.present(c.Data); err != nil {
		return err
	}
	bar := newBar(env.stderr, !c.Quiet)
	started := time.Now()
	err := c.reindex(env, func(done, total int64) { bar.count("tweets", done, total) })
	bar.end()
	if err != nil {
		return fmt.Errorf("reindex stopped; run it again to go on where it was: %w", err)
	}
	fmt.Fprintf(env.stdout, "the index is new, after %s\n", time.Since(started).Round(time.Second))
	return nil
}

// reindex does not open the journal, as an archive that is stale cannot follow it yet.
func (c *reindexCommand) reindex(env *environment, show func(done, total int64)) error {
	if c.Server == "" {
		err := c.here(env.ctx, env, show)
		if !errors.Is(err, journal.ErrLocked) {
			return err
		}
	}
	server, err := c.client(c.Data)
	if err != nil {
		return err
	}
	return server.Reindex(env.ctx, show)
}

func (c *reindexCommand) here(ctx context.Context, env *environment, show func(done, total int64)) (err error) {
	lock, err := journal.LockFolder(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	a, err := c.openArchive(ctx, false, true, env.log)
	if err != nil {
		return err
	}
	return errors.Join(a.Reindex(ctx, show), a.Close())
}
