package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"birdwatch/ingest"
	"birdwatch/ingest/coverage"
	"birdwatch/ingest/journal"
	"birdwatch/live"
	"birdwatch/search"
	"birdwatch/tweet"
)

// archiveFollower is the archive writer's name in the journal.
const archiveFollower = "archive"

// node is an open data folder: the journal, the archive, and the lock on both.
type node struct {
	dir     string
	lock    *journal.Lock
	journal *journal.Journal
	ledger  *coverage.Ledger
	archive search.Archive
	trouble atomic.Pointer[trouble] // why the archive does not take what the journal has; nil: it does
	log     *slog.Logger
}

// openNode takes the folder; journal.ErrLocked when another process has it. An archive outside that does not answer is no
// error where the folder has a journal: what comes in waits there.
func openNode(ctx context.Context, f dataFlags, o journal.Options, log *slog.Logger) (n *node, err error) {
	n = &node{dir: f.Data, log: log}
	if err := f.checkElastic(); err != nil {
		return n, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.lock, err = journal.LockFolder(f.Data); err != nil {
		return n, err
	}
	if n.archive, err = f.openArchive(ctx, false, false, log); err != nil {
		return n, err
	}
	name := filepath.Join(f.Data, journalFile)
	_, missing := os.Stat(name)
	stats, err := n.archive.Stats(ctx)
	away := errors.Is(err, search.ErrUnavailable) && f.outside()
	switch {
	case away && missing == nil:
		log.Warn("the archive does not answer; what comes in waits in the journal", "error", err)
	case away:
		return n, fmt.Errorf("the archive has to answer once, for a journal that begins behind it: %w", err)
	case err != nil:
		return n, err
	}
	o.MinSeq, o.Logger = stats.HighestSeq, log
	if n.journal, err = journal.Open(ctx, name, o); err != nil {
		return n, err
	}
	if err := n.rebuildIDs(ctx, stats, away); err != nil {
		return n, err
	}
	if err := n.rebuildNotices(ctx, away); err != nil {
		return n, err
	}
	n.ledger, err = coverage.Open(ctx, n.journal, time.Now, log)
	return n, err
}

// openFree opens a folder for a command that needs it for itself.
func openFree(env *environment, command string, f dataFlags, o journal.Options) (*node, error) {
	n, err := openNode(env.ctx, f, o, env.log)
	if errors.Is(err, journal.ErrLocked) {
		err = usage(fmt.Errorf("%s: %s: %w: stop the server first", command, f.Data, err))
	}
	return n, err
}

// rebuildNotices tells a journal that was made anew, or by an older program, of the notices that the archive has.
func (n *node) rebuildNotices(ctx context.Context, away bool) error {
	const key = "notices"
	done, err := n.journal.State(ctx, key)
	if err != nil || done != nil || away { // next time then
		return err
	}
	var recs []tweet.Record
	for e, err := range n.archive.Notices(ctx) {
		if err != nil {
			return err
		}
		recs = append(recs, e.Record)
	}
	if err := n.journal.RebuildNotices(ctx, recs); err != nil {
		return err
	}
	return n.journal.SetState(ctx, key, []byte("complete"))
}

// rebuildIDs fills a journal that was made anew beside an archive that has tweets.
func (n *node) rebuildIDs(ctx context.Context, stats search.Stats, away bool) error {
	const key = "id-table"
	done, err := n.journal.State(ctx, key)
	switch {
	case err != nil || done != nil:
		return err
	case away:
		return fmt.Errorf("the journal's table of ids is not complete, and the archive that has them does not answer: %w", search.ErrUnavailable)
	}
	if stats.Tweets+stats.Tombstones > 0 {
		n.log.Warn("the journal is new: its table of ids is made from the archive", "documents", stats.Tweets+stats.Tombstones)
		if err := n.journal.Rebuild(ctx, n.known(ctx)); err != nil {
			return err
		}
	}
	return n.journal.SetState(ctx, key, []byte("complete"))
}

func (n *node) known(ctx context.Context) iter.Seq2[journal.Known, error] {
	return func(yield func(journal.Known, error) bool) {
		for i, err := range n.archive.Identities(ctx) {
			if !yield(journal.Known(i), err) || err != nil {
				return
			}
		}
	}
}

func (n *node) close() error {
	var errs []error
	if n.ledger != nil {
		errs = append(errs, n.ledger.Flush(context.Background()))
	}
	if n.journal != nil {
		errs = append(errs, n.journal.Close())
	}
	if n.archive != nil {
		errs = append(errs, n.archive.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Release())
	}
	return errors.Join(errs...)
}

// follow writes the journal into the archive until ctx ends.
func (n *node) follow(ctx context.Context) error {
	return ingest.Follow(ctx, n.journal, archiveFollower, sink{n.archive, &n.trouble}, n.log)
}

// importer puts records straight into the archive.
func (n *node) importer() *ingest.Importer {
	return &ingest.Importer{
		Claim: n.claim,
		Write: func(ctx context.Context, recs []tweet.Record) ([]ingest.Effect, error) {
			changes, err := n.archive.Import(ctx, recs)
			if err != nil {
				return nil, err
			}
			effects := make([]ingest.Effect, len(changes))
			for i, c := range changes {
				effects[i] = [...]ingest.Effect{search.Same: ingest.Same, search.Inserted: ingest.Inserted, search.Updated: ingest.Updated, search.Deleted: ingest.Deleted, search.Refused: ingest.Refused}[c]
			}
			return effects, nil
		},
		Gone: func(ctx context.Context, ids []tweet.ID) ([]bool, error) { return n.journal.Deleted(ctx, ids...) },
		Bury: n.bury,
	}
}

func (n *node) claim(ctx context.Context, recs []tweet.Record) (ingest.Claim, error) {
	batch, err := n.journal.Import(ctx, recs)
	if err != nil {
		return ingest.Claim{}, err
	}
	c := ingest.Claim{Write: make([]*tweet.Record, len(recs)), Gone: make([]bool, len(recs)), Honored: make([]bool, len(recs))}
	for i, v := range batch.Verdicts {
		c.Write[i], c.Gone[i], c.Honored[i] = v.Record, v.Kind == journal.Deleted, v.Kind == journal.Honoured
	}
	c.Confirm = func(ctx context.Context) error { return n.journal.Confirm(ctx, batch) }
	return c, nil
}

// bury writes tombstones over tweets that were deleted while an import wrote them. The journal has their delete entries; the
// archive may have applied them before the import came. The position is the follower's to move.
func (n *node) bury(ctx context.Context, ids []tweet.ID) error {
	at, err := n.archive.Position(ctx)
	if err != nil {
		return err
	}
	again, err := n.journal.DeletedAgain(ctx, ids...)
	if err != nil {
		return err
	}
	es := make([]tweet.Entry, len(ids))
	for i, id := range ids {
		es[i] = tweet.Entry{Seq: at.Seq, FirstSeq: at.Seq, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, Revived: again[i]}}
	}
	_, err = n.archive.Apply(ctx, es, tweet.Position{})
	return err
}

// before is the place of the last entry that came before a time.
func (n *node) before(ctx context.Context, t time.Time) (live.Place, error) {
	seq, err := n.journal.Before(ctx, t)
	return live.Place{Position: tweet.Position{Epoch: n.journal.Epoch(), Seq: seq}}, err
}

// caughtUp waits until the archive has everything that the journal has now.
func (n *node) caughtUp(ctx context.Context) error {
	last := n.journal.Last() // what comes meanwhile is not waited for
	return waitFor(ctx, func() (bool, error) {
		at, err := n.archive.Position(ctx)
		return at.Epoch == n.journal.Epoch() && at.Seq >= last || n.journal.First() > last, err
	})
}

// status is what the status command prints and GET /2/status answers.
type status struct {
	Version string        `json:"version"`
	Archive search.Stats  `json:"archive"`
	Journal journal.Stats `json:"journal"`
	// BytesATweet is the archive's size on disk, by tweets.
	BytesATweet int64 `json:"bytes_a_tweet"`
	// Behind is how many entries of the journal the archive has still to take.
	Behind tweet.Seq `json:"behind"`
}

func (n *node) status(ctx context.Context) (*status, error) {
	s := &status{Version: versionText()}
	var err error
	if s.Archive, err = n.archive.Stats(ctx); err != nil {
		return nil, err
	}
	if s.Journal, err = n.journal.Stats(ctx); err != nil {
		return nil, err
	}
	if s.Archive.Tweets > 0 {
		s.BytesATweet = s.Archive.Bytes / s.Archive.Tweets
	}
	s.Behind = s.Journal.Last - s.Archive.Position.Seq
	if s.Archive.Position.Epoch != s.Journal.Epoch {
		s.Behind = s.Journal.Last - s.Journal.First + 1
	}
	return s, nil
}

// errBusy explains a folder that another process has, but no server answers for.
func errBusy(dir string, err error) error {
	return fmt.Errorf("%s: %w, which is no server that answers", dir, err)
}
