package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
)

type replayCommand struct {
	Paths       []string      `arg:"" optional:"" name:"path" help:"Files of v1.1 tweets; without any, the bundled sample."`
	Listen      string        `default:"127.0.0.1:8081" env:"BIRDWATCH_REPLAY_LISTEN" placeholder:"HOST:PORT" help:"Address to serve at."`
	Speed       float64       `help:"Times the recorded pace."`
	Rate        float64       `help:"Messages a second on each stream. Without speed and rate: as fast as they are read."`
	MaxGap      time.Duration `default:"10s" help:"With --speed, the longest pause."`
	Loop        bool          `help:"Begin again at the end."`
	Once        bool          `help:"Close a stream at the end of the tape. Otherwise it stays open."`
	Renumber    bool          `help:"New ids and the present time for every tweet."`
	Deletes     float64       `help:"Share of the tweets that are deleted again, 0 to 1."`
	DeleteAfter time.Duration `default:"10s" help:"Mean time until such a delete."`
	Seed        uint64        `help:"Of all that is random; 0 takes one by chance."`
}

// Run serves the tape as /1.1/statuses/sample.json and filter.json.
func (c *replayCommand) Run(env *environment) error {
	tape := replay.FromLines(sample.Lines())
	if len(c.Paths) > 0 {
		tape = fileTape(env.ctx, c.Paths)
	}
	player, err := replay.New(replay.Options{
		Tape: tape, Pace: replay.Pace{Speed: c.Speed, PerSecond: c.Rate, MaxGap: c.MaxGap}, Loop: c.Loop, CloseAtEnd: c.Once, Resume: true,
		Renumber: c.Renumber, Deletes: c.Deletes, DeleteAfter: c.DeleteAfter, Seed: c.Seed, Logger: env.log,
	})
	if err != nil {
		return usage(err)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return usage(fmt.Errorf("listen: %w", err))
	}
	env.log.Info("replaying", "stream", "http://"+l.Addr().String()+"/1.1/statuses/sample.json")
	return playUntil(env.ctx, l, player)
}

// playUntil serves a player until ctx ends, which ends its streams.
func playUntil(ctx context.Context, l net.Listener, player http.Handler) error {
	s := &http.Server{Handler: player, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if s.Shutdown(ending) != nil {
			s.Close()
		}
	})
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// fileTape reads files each time that the tape is played.
func fileTape(ctx context.Context, paths []string) replay.Tape {
	return func(yield func([]byte, error) bool) {
		var items iter.Seq[format.Item] = format.Files(ctx, paths, format.Options{})
		for it := range items {
			if it.Err != nil {
				if !yield(nil, fmt.Errorf("%s:%d: %w", it.File, it.Pos, it.Err)) {
					return
				}
				continue
			}
			for _, r := range it.Records {
				if !yield(r.Raw, nil) {
					return
				}
			}
		}
	}
}
