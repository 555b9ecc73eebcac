package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"birdwatch/ingest"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

type importCommand struct {
	dataFlags `set:"made=; made when missing"`
	serverFlags
	Paths      []string          `arg:"" optional:"" name:"path" help:"Files, folders, or - for standard input; gz, bz2, tar and zip are unpacked."`
	Bundled    bool              `help:"Put the bundled sample in: 425 real tweets."`
	CapturedAt time.Time         `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When the files' tweets were captured (RFC 3339). Default: unknown, which any known time beats."`
	Format     string            `enum:",json,csv,ids,export" default:"" help:"What the files are: json, csv, ids or export. Default: what is found by looking inside."`
	Map        map[string]string `placeholder:"COLUMN=FIELD" help:"What columns of tables are, where their names do not tell; - for none. All by number, from 1: the table has no header."`
	Charset    string            `placeholder:"NAME" help:"Encoding of tables that are not UTF-8. Default: windows-1252."`
	Fills      string            `placeholder:"SOURCE" help:"The files are a record of this source (stream:NAME): they fill its gaps that their tweets reach over. Without it, a gap counts as filled when they hold the tweets that the source delivered just before and after it."`
	Rejects    string            `type:"path" placeholder:"FILE" help:"Keep the bytes of bad records in this file, one a line."`
	Quiet      bool              `short:"q" help:"No progress, only the summary."`
	JSON       bool              `name:"json" help:"The summary as JSON."`
}

// Run imports into the data folder, or streams to the server that has it.
func (c *importCommand) Run(env *environment) error {
	if err := c.check(); err != nil {
		return usage(fmt.Errorf("import: %w", err))
	}
	to, err := c.target(env)
	if err != nil {
		return err
	}
	run := importRun{command: c, env: env, want: to.want, progress: new(format.Progress), bar: newBar(env.stderr, !c.Quiet)}
	if run.account, err = newImportAccount(env.ctx, to.account, run.progress, c.Fills, env.log); err != nil {
		return errors.Join(err, to.release())
	}
	if to.state != nil && !c.Bundled {
		if run.place, err = openCheckpoint(env.ctx, to.state, c.Paths, struct {
			Format, Charset string
			Map             map[string]string
			CapturedAt      time.Time
		}{c.Format, c.Charset, c.Map, c.CapturedAt}); err != nil {
			return errors.Join(err, to.release())
		}
	}
	if c.Rejects != "" {
		f, err := os.Create(c.Rejects)
		if err != nil {
			return errors.Join(usage(fmt.Errorf("rejects: %w", err)), to.release())
		}
		defer f.Close()
		run.rejects = f
	}
	started := time.Now()
	summary, err := to.run(env.ctx, run.records(env.ctx), run.show)
	run.bar.end()
	summary.Add(run.counts)
	run.refer(0)
	if err = errors.Join(err, run.err); err == nil {
		run.filled, err = run.account.write(env.ctx)
	}
	if err == nil {
		err = run.place.done(env.ctx)
	}
	if err := errors.Join(err, to.release()); err != nil {
		run.print(summary, time.Since(started))
		return fmt.Errorf("import stopped; what is in is in, run it again for the rest: %w", err)
	}
	run.print(summary, time.Since(started))
	if summary.Bad > 0 {
		return &codeError{exitBadLines, fmt.Errorf("%d records were bad; all others are in", summary.Bad)}
	}
	return nil
}

func (c *importCommand) check() error {
	if len(c.Paths) == 0 && !c.Bundled {
		return errors.New("name files or folders, - for standard input, or give --bundled")
	}
	if name, ok := strings.CutPrefix(c.Fills, "stream:"); c.Fills != "" && (!ok || name == "") {
		return fmt.Errorf("--fills takes stream:NAME, as birdwatch coverage shows it, not %q", c.Fills)
	}
	for _, p := range c.Paths {
		if _, err := os.Stat(p); p != "-" && err != nil {
			return err
		}
	}
	o := c.options()
	return o.Check()
}

func (c *importCommand) options() format.Options {
	return format.Options{From: "import", Format: c.Format, Map: c.Map, Charset: c.Charset}
}

// importTo takes records and gives the counts of what was done.
type importTo func(ctx context.Context, recs iter.Seq[tweet.Record], progress func(ingest.Summary)) (ingest.Summary, error)

// importTarget is where an import goes.
type importTarget struct {
	run     importTo
	account account
	state   stateKeeper // nil for a server
	want    func(ctx context.Context, ids []tweet.ID) error
	release func() error
}

// target is the data folder itself, or a server.
func (c *importCommand) target(env *environment) (*importTarget, error) {
	if c.Server != "" {
		return c.remote()
	}
	n, err := openNode(env.ctx, c.dataFlags, journal.Options{}, env.log)
	if errors.Is(err, journal.ErrLocked) {
		to, remoteErr := c.remote()
		if remoteErr != nil {
			return nil, errBusy(c.Data, errors.Join(err, remoteErr))
		}
		return to, nil
	}
	if err != nil {
		return nil, err
	}
	// The archive follows the journal meanwhile: the files' notices go that way.
	ctx, cancel := context.WithCancel(env.ctx)
	var g errgroup.Group
	g.Go(func() error { return n.follow(ctx) })
	run := func(ctx context.Context, recs iter.Seq[tweet.Record], progress func(ingest.Summary)) (ingest.Summary, error) {
		s, err := n.importer().Run(ctx, recs, progress)
		if err == nil {
			err = n.sweepDue(ctx)
		}
		if err == nil {
			err = n.caughtUp(ctx)
		}
		if err == nil {
			err = n.journal.Maintain(ctx)
		}
		return s, err
	}
	return &importTarget{run, ownAccount{n.ledger}, n.journal, n.journal.Want, func() error {
		cancel()
		return errors.Join(g.Wait(), n.close())
	}}, nil
}

// importRun is one import under way.
type importRun struct {
	command  *importCommand
	env      *environment
	progress *format.Progress
	bar      *bar
	rejects  io.Writer
	counts   ingest.Summary // of what never reaches the archive
	// references are tweets that lists of ids name; wanted are those of them that are still to be noted.
	references int64
	wanted     []tweet.ID
	want       func(ctx context.Context, ids []tweet.ID) error
	account    *importAccount
	filled     int // gaps
	place      *checkpoint
	seen       int64 // items
	passed     int64 // records that were in since an interrupted run
	err        error
}

// records gives all records of the paths, and reports what is wrong on the way.
func (r *importRun) records(ctx context.Context) iter.Seq[tweet.Record] {
	o := r.command.options()
	o.Stdin, o.Progress = r.env.stdin, r.progress
	if slices.Contains(r.command.Paths, "-") {
		o.Stdin = r.account.reading(o.Stdin)
	}
	if !r.command.CapturedAt.IsZero() {
		o.CapturedAt = r.command.CapturedAt.UnixMilli()
	}
	return func(yield func(tweet.Record) bool) {
		if r.command.Bundled {
			for rec := range bundled(ctx) {
				if !yield(rec) {
					return
				}
			}
		}
		for it := range r.items(ctx, o) {
			r.account.item(&it)
			switch {
			case it.Err != nil:
				r.reject(it)
			case it.Control != nil:
				r.counts.Passed++
			case it.Reference != 0:
				r.refer(it.Reference)
			}
			if r.seen++; !r.place.item(r.seen, int64(len(it.Records))) {
				r.passed += int64(len(it.Records))
				continue
			}
			for _, rec := range it.Records {
				if !yield(rec) {
					return
				}
			}
		}
		r.err = errors.Join(r.err, ctx.Err())
	}
}

// wantedMost is how many references are noted at once.
const wantedMost = 5000

// refer notes a tweet that is named by its id alone; 0 for none, to note all that are left.
func (r *importRun) refer(id tweet.ID) {
	if id != 0 {
		r.references++
		r.wanted = append(r.wanted, id)
	}
	if len(r.wanted) == 0 || id != 0 && len(r.wanted) < wantedMost {
		return
	}
	r.err = errors.Join(r.err, r.want(r.env.ctx, r.wanted))
	r.wanted = r.wanted[:0]
}

// items are what the paths hold.
func (r *importRun) items(ctx context.Context, o format.Options) iter.Seq[format.Item] {
	if len(r.command.Paths) == 0 {
		return func(func(format.Item) bool) {}
	}
	return format.Files(ctx, r.command.Paths, o)
}

// badShown is how many bad records are shown one by one.
const badShown = 100

func (r *importRun) reject(it format.Item) {
	r.counts.Bad++
	switch {
	case r.counts.Bad <= badShown:
		r.bar.line(fmt.Sprintf("%s: %v", it.Place(), it.Err))
	case r.counts.Bad == badShown+1:
		r.bar.line("further bad records are only counted; --rejects keeps them")
	}
	if r.rejects != nil && len(it.Raw) > 0 {
		_, err := fmt.Fprintf(r.rejects, "%s\n", it.Raw)
		r.err = errors.Join(r.err, err)
	}
}

func (r *importRun) show(s ingest.Summary) {
	read, total := r.progress.Bytes()
	r.bar.show(read, total, s.Read+s.Notices, r.progress.File())
	if err := r.place.written(r.env.ctx, s.Read+s.Notices); err != nil {
		r.env.log.Warn("import cannot note its place", "error", err)
	}
}

func (r *importRun) print(s ingest.Summary, took time.Duration) {
	if r.command.JSON {
		b, err := json.Marshal(s)
		if err == nil {
			fmt.Fprintf(r.env.stdout, "%s\n", b)
		}
		return
	}
	fmt.Fprintf(r.env.stdout, "read %d tweets in %s (%.0f a second): %d new, %d the same, %d updated, %d deleted\n",
		s.Read, took.Round(10*time.Millisecond), float64(s.Read)/max(took.Seconds(), 0.001), s.New, s.Same, s.Updated, s.Deleted)
	if r.passed > 0 {
		fmt.Fprintf(r.env.stdout, "%d records more were in since the last run, which was interrupted\n", r.passed)
	}
	if r.references > 0 {
		fmt.Fprintf(r.env.stdout, "%d tweets were named by their ids alone: birdwatch wanted lists those that have not come\n", r.references)
	}
	if r.filled > 0 {
		fmt.Fprintf(r.env.stdout, "%d gaps of sources are filled: birdwatch coverage tells by what evidence\n", r.filled)
	}
	if s.Notices+s.Passed+s.Refused+s.Bad > 0 {
		fmt.Fprintf(r.env.stdout, "%d notices, %d of them of tweets that were here; %d other messages passed over; %d refused; %d bad\n",
			s.Notices, s.Honored, s.Passed, s.Refused, s.Bad)
	}
}
