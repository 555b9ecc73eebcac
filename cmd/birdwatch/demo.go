package main

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"time"

	"birdwatch/api"
	"birdwatch/ingest"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/live"
	"birdwatch/tweet"
)

type demoCommand struct {
	Listen string  `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address of the page; loopback only."`
	Data   string  `type:"path" placeholder:"DIR" help:"Folder of the demo's data, kept between runs. Default: birdwatch/demo in the user's cache folder."`
	Rate   float64 `default:"2" help:"Replayed tweets a second."`
}

const (
	demoSource = "demo"
	// demoKeep is how long replayed copies are kept: the bundled tweets stay, their copies go.
	demoKeep = time.Hour
)

// Run imports the bundled tweets once, replays them for ever, and serves the page.
func (c *demoCommand) Run(env *environment) error {
	data, err := c.folder()
	if err != nil {
		return err
	}
	r, err := begin(env, dataFlags{Data: data}, nil, api.Config{Addr: c.Listen, PageMayWrite: true}, journal.Options{}, live.Options{})
	if err != nil {
		return err
	}
	if err := r.bundle(env.ctx); err != nil {
		return fmt.Errorf("%w", joinAbandon(r, err))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return joinAbandon(r, err)
	}
	player, err := replay.New(replay.Options{
		Tape: replay.FromLines(sample.Lines()), Pace: replay.Pace{PerSecond: c.Rate}, Loop: true, Renumber: true, Resume: true,
		Source: `<a href="https://example.org/birdwatch">BirdWatch replay</a>`, Faults: replay.Faults{Deletes: 0.02}, DeleteAfter: 30 * time.Second, Logger: env.log,
	})
	if err != nil {
		return joinAbandon(r, err)
	}
	stream, err := r.listen(demoSource, streamFlags{URL: "http://" + l.Addr().String(), ConsumerKey: "demo", ConsumerSecret: "demo", Token: "demo", TokenSecret: "demo"})
	if err != nil {
		return joinAbandon(r, err)
	}
	r.sources = append(r.sources, stream, r.purgeCopies, func(ctx context.Context) error { return playUntil(ctx, l, player) })
	fmt.Fprintf(env.stdout, `BirdWatch is at %s

Try:
  %s/?q=lang:ja
  %s/?q=%%23BreakingMyTwitter+OR+has:media
  curl -N '%s/2/tweets/search/live?query=&backfill=3'

The data is in %s. Interrupt (Ctrl-C) to stop.
`, r.url, r.url, r.url, r.url, data)
	return r.serve()
}

func joinAbandon(r *running, err error) error {
	if closeErr := r.abandon(); closeErr != nil {
		return fmt.Errorf("%w (and closing: %w)", err, closeErr)
	}
	return err
}

func (c *demoCommand) folder() (string, error) {
	if c.Data != "" {
		return c.Data, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usage(fmt.Errorf("no cache folder, give --data: %w", err))
	}
	return filepath.Join(cache, "birdwatch", "demo"), nil
}

// bundle imports the bundled tweets, once.
func (r *running) bundle(ctx context.Context) error {
	const key = "bundled"
	done, err := r.journal.State(ctx, key)
	if err != nil || done != nil {
		return err
	}
	s, err := r.importer().Run(ctx, bundled(ctx), nil)
	if err != nil {
		return fmt.Errorf("bundled tweets: %w", err)
	}
	r.log.Info("bundled tweets are in", "tweets", s.Read)
	return r.journal.SetState(ctx, key, []byte("imported"))
}

func bundled(ctx context.Context) iter.Seq[tweet.Record] {
	lines := bytes.Join(collect(sample.Lines()), []byte("\n"))
	return func(yield func(tweet.Record) bool) {
		for it := range format.Read(ctx, bytes.NewReader(lines), format.Options{From: "sample"}) {
			for _, rec := range it.Records {
				if !yield(rec) {
					return
				}
			}
		}
	}
}

func collect[T any](s iter.Seq[T]) (all []T) {
	for v := range s {
		all = append(all, v)
	}
	return all
}

// purgeCopies forgets replayed tweets that are older than an hour, without a tombstone and without an event.
func (r *running) purgeCopies(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := r.purgeOlder(ctx, time.Now().Add(-demoKeep)); err != nil && ctx.Err() == nil {
			r.log.Error("purge of old replayed tweets", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *running) purgeOlder(ctx context.Context, t time.Time) error {
	for {
		ids, err := r.journal.Older(ctx, "stream:"+demoSource, t, 500)
		if err != nil || len(ids) == 0 {
			return err
		}
		// The archive first: what a crash leaves behind is still listed by the journal.
		if err := r.archive.Purge(ctx, ids); err != nil {
			return err
		}
		if err := r.journal.Purge(ctx, ids); err != nil {
			return err
		}
	}
}

var _ ingest.Journal = (*journal.Journal)(nil)
