package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/query"
	"birdwatch/tweet"
)

type replayCommand struct {
	Paths         []string      `arg:"" optional:"" name:"path" help:"Files of v1.1 tweets; without any, the bundled sample."`
	Listen        string        `default:"127.0.0.1:8081" env:"BIRDWATCH_REPLAY_LISTEN" placeholder:"HOST:PORT" help:"Address to serve at."`
	Speed         float64       `help:"Times the recorded pace."`
	Rate          float64       `help:"Messages a second on each stream. Without speed and rate: as fast as they are read."`
	MaxGap        time.Duration `default:"10s" help:"With --speed, the longest pause."`
	Loop          bool          `help:"Begin again at the end."`
	Once          bool          `help:"Close a stream at the end of the tape. Otherwise it stays open."`
	Renumber      bool          `help:"New ids and the present time for every tweet."`
	Live          bool          `help:"The tape goes on while nobody listens: what is due meanwhile is missed. Needs --rate or --speed."`
	Deletes       float64       `help:"Share of the tweets that are deleted again, 0 to 1."`
	DeleteAfter   time.Duration `default:"10s" help:"Mean time until such a delete."`
	DeleteFirst   float64       `help:"Share of the tweets whose delete notice comes before them."`
	ScrubGeo      float64       `help:"Share of the tweets that are followed by a scrub_geo notice."`
	Limit         float64       `help:"Share of the tweets that are not delivered, and told of by limit notices."`
	Duplicate     float64       `help:"Share of the messages that come once more."`
	Newline       float64       `help:"Share of the messages with a bare line feed inside."`
	Linefeed      float64       `help:"Share of the messages that end with a line feed alone."`
	Garbage       float64       `help:"Share of the messages before which a line stands that is none."`
	Split         float64       `help:"Share of the messages that are sent in pieces, cut anywhere."`
	Scenario      string        `type:"existingfile" placeholder:"FILE" help:"Faults by time: see docs/replay.md."`
	Fault         []string      `sep:"none" placeholder:"LINE" help:"A line of a scenario, such as 'every 30s reset'. May repeat."`
	MaxConnects   int           `help:"Most connections of an account in --connect-window; more are answered 420. 0: no bound."`
	ConnectWindow time.Duration `default:"15m" help:"See --max-connects."`
	KeepAlive     time.Duration `default:"30s" help:"Silence after which a blank line is sent; in v2 at most 20s."`
	Queue         int           `default:"1000" help:"Messages that a reader may leave unread; at 60 % it is warned, at 100 % disconnected."`
	Witness       string        `type:"path" placeholder:"FILE" help:"Write what became of every tweet to this file, one JSON object a line."`
	Seed          uint64        `help:"Of all that is random; 0 takes one by chance."`
}

// Run serves the tape as /1.1/statuses/sample.json and filter.json, and as /2/tweets/search/stream.
func (c *replayCommand) Run(env *environment) (err error) {
	if err := checkPaths(c.Paths, false); err != nil { // a tape is read when a client comes, and fails for the client only
		return usage(fmt.Errorf("replay: %w", err))
	}
	if c.Live && c.Rate == 0 && c.Speed == 0 {
		return usage(errors.New("replay: --live needs --rate or --speed: without a pace nothing is ever due"))
	}
	tape := replay.FromLines(sample.Lines())
	if len(c.Paths) > 0 {
		tape = fileTape(env.ctx, c.Paths)
	}
	o := replay.Options{
		Tape: tape, Pace: replay.Pace{Speed: c.Speed, PerSecond: c.Rate, MaxGap: c.MaxGap}, Loop: c.Loop, CloseAtEnd: c.Once, Resume: true, Live: c.Live,
		Renumber: c.Renumber, DeleteAfter: c.DeleteAfter, Faults: c.faults(), Seed: c.Seed, Logger: env.log, X: xReplay(),
		MaxConnects: c.MaxConnects, ConnectWindow: c.ConnectWindow, KeepAlive: c.KeepAlive, Queue: c.Queue,
	}
	if o.Scenario, err = c.scenario(); err != nil {
		return usage(err)
	}
	if c.Witness != "" {
		tell, end, err := witnessTo(c.Witness)
		if err != nil {
			return usage(err)
		}
		defer func() { err = errors.Join(err, end()) }()
		o.Witness = tell
	}
	player, err := replay.New(o)
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

func (c *replayCommand) faults() replay.Faults {
	return replay.Faults{Limit: c.Limit, Duplicate: c.Duplicate, DeleteFirst: c.DeleteFirst, Deletes: c.Deletes, ScrubGeo: c.ScrubGeo,
		Newline: c.Newline, LineFeed: c.Linefeed, Garbage: c.Garbage, Split: c.Split}
}

// scenario is the file's lines and those of the flags.
func (c *replayCommand) scenario() (*replay.Scenario, error) {
	var lines []byte
	if c.Scenario != "" {
		var err error
		if lines, err = os.ReadFile(c.Scenario); err != nil {
			return nil, err
		}
	}
	return replay.ParseScenario(io.MultiReader(bytes.NewReader(lines), strings.NewReader("\n"+strings.Join(c.Fault, "\n"))))
}

// witnessTo writes fates to a file until end is called.
func witnessTo(name string) (tell func(replay.Fate), end func() error, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex // guards what follows
	w := bufio.NewWriter(f)
	out := json.NewEncoder(w)
	var failed error
	return func(fate replay.Fate) {
			mu.Lock()
			defer mu.Unlock()
			if failed == nil {
				failed = out.Encode(fate)
			}
		}, func() error {
			mu.Lock()
			defer mu.Unlock()
			return errors.Join(failed, w.Flush(), f.Close())
		}, nil
}

// xReplay makes X's form of v1.1 tweets, and its rules queries of ours.
func xReplay() *replay.XOptions {
	return &replay.XOptions{
		Convert: func(line []byte) ([]byte, error) {
			recs, _, err := format.Parse(line, tweet.Provenance{}, 0)
			if err == nil && (len(recs) != 1 || recs[0].Kind != tweet.KindTweet) {
				err = errors.New("no tweet")
			}
			if err != nil {
				return nil, err
			}
			return recs[0].Payload, nil
		},
		Rule: func(value string) (func([]byte) bool, error) {
			q, err := query.Parse(value, time.Now())
			if err != nil {
				return nil, err
			}
			m := query.NewMatcher(q.Expr)
			return func(payload []byte) bool {
				p, err := tweet.Decode(payload)
				if err != nil {
					return false
				}
				var t query.Target
				t.Set(p)
				return m.Match(&t)
			}, nil
		},
	}
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
				if !yield(nil, fmt.Errorf("%s: %w", it.Place(), it.Err)) {
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
