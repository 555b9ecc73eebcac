package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/tweet"
)

type copyCommand struct {
	From  string       `required:"" placeholder:"DIR|URL" help:"Data folder, or URL of the Elasticsearch, that has the archive. It may be in use."`
	To    string       `required:"" placeholder:"DIR|URL" help:"Where it is to be as well; a folder is made when missing. Nothing else may be writing there."`
	With  elasticFlags `embed:"" prefix:"elastic-"`
	Quiet bool         `short:"q" help:"No progress."`
}

// copyRounds bounds how often what changed during a round is copied by a further one.
const copyRounds = 10

// Run copies until both hold the same, or the source changes faster than that.
func (c *copyCommand) Run(env *environment) (err error) {
	from, to := dataFlags{With: c.With}.at(c.From), dataFlags{With: c.With}.at(c.To)
	if c.From == c.To {
		return usage(errors.New("copy: --from and --to are the same"))
	}
	source, err := openSource(env, &from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, release, err := openTarget(env, &to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return c.copy(env, source, target)
}

// openSource opens an archive to read, whoever writes it.
func openSource(env *environment, f *dataFlags) (search.Archive, error) {
	if !f.outside() {
		if err := existing(f.Data); err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(f.Data, archiveFile)); err != nil {
			return nil, usage(fmt.Errorf("copy: %w", err))
		}
	}
	return f.openArchive(env.ctx, true, false, env.log)
}

// openTarget opens an archive to write.
func openTarget(env *environment, f *dataFlags) (a search.Archive, release func() error, err error) {
	unlock := func() error { return nil }
	if !f.outside() {
		lock, err := journal.LockFolder(f.Data)
		if err != nil {
			return nil, nil, usage(fmt.Errorf("copy to %s: %w", f.Data, err))
		}
		unlock = lock.Release
	}
	if a, err = f.openArchive(env.ctx, false, false, env.log); err != nil {
		return nil, nil, errors.Join(err, unlock())
	}
	return a, func() error { return errors.Join(a.Close(), unlock()) }, nil
}

func (c *copyCommand) copy(env *environment, source, target search.Archive) error {
	bar := newBar(env.stderr, !c.Quiet)
	defer bar.end()
	for round := 1; ; round++ {
		// The place first: what the source takes after it, the target takes again from the journal.
		at, err := source.Position(env.ctx)
		if err != nil {
			return err
		}
		stats, err := source.Stats(env.ctx)
		if err != nil {
			return err
		}
		r := copyRound{source: source, target: target, show: func(done int64) { bar.count("documents", done, stats.Tweets+stats.Tombstones) }}
		if err := r.run(env.ctx); err != nil {
			return fmt.Errorf("copy stopped; run it again to go on, what is there is there: %w", err)
		}
		if err := r.finish(env.ctx, at); err != nil {
			return err
		}
		bar.end()
		fmt.Fprintf(env.stdout, "round %d: %d documents, %d copied; checksum %016x here, %016x there\n", round, r.here.n, r.copied, r.here.sum, r.there.sum)
		if r.copied == 0 || round == copyRounds {
			return c.conclude(env, &r, stats, at)
		}
	}
}

// conclude says how the two stand.
func (c *copyCommand) conclude(env *environment, r *copyRound, stats search.Stats, at tweet.Position) error {
	if r.extra > 0 {
		fmt.Fprintf(env.stdout, "%d further documents are only in %s\n", r.extra, c.To)
	}
	if stats.DeadLetters > 0 {
		fmt.Fprintf(env.stdout, "%d dead letters stay where they are: birdwatch deadletters list\n", stats.DeadLetters)
	}
	if r.copied > 0 {
		return fmt.Errorf("%s is written to faster than it can be copied: the last round still found %d documents to copy. Start the server on %s with the same journal: it takes the rest from there", c.From, r.copied, c.To)
	}
	place := "before any journal"
	if !at.IsZero() {
		place = "up to " + at.String() + " of the journal"
	}
	if r.ahead > 0 {
		fmt.Fprintf(env.stdout, "all %d documents are in %s, %s; %d of them are newer there\n", r.here.n, c.To, place, r.ahead)
		return nil
	}
	if r.here != r.there {
		return errors.New("the checksums differ although nothing was left to copy")
	}
	fmt.Fprintf(env.stdout, "equal: %d documents, %s\n", r.here.n, place)
	return nil
}

// copyRound compares two archives by id and copies what differs. It is as good for a first copy as for the last check: what
// was copied before it was broken off is found equal.
type copyRound struct {
	source, target search.Archive
	show           func(done int64)
	here, there    checksum // of the source's documents, as they are in each
	copied         int64
	extra          int64         // only in the target
	ahead          int64         // in both, with more in the target
	scrubs         search.Scrubs // of the target
}

// checksum is the same in whatever order documents come.
type checksum struct {
	n   int64
	sum uint64
}

func (c *checksum) add(sum uint64) { c.n, c.sum = c.n+1, c.sum+sum }

// copyPage is how many documents are read and compared at once.
const copyPage = 1000

func (r *copyRound) run(ctx context.Context) error {
	for e, err := range r.target.Notices(ctx) {
		if err != nil {
			return fmt.Errorf("notices of the target: %w", err)
		}
		r.scrubs.Take(&e.Record)
	}
	theirs := walker{archive: r.target}
	var pairs []pair
	settle := func() error {
		some := pairs
		pairs = nil
		return r.settle(ctx, some)
	}
	extra := func(d *tweet.Document) error { // there may be any number of them between two of the source's
		if pairs = append(pairs, pair{nil, d}); len(pairs) < copyPage {
			return nil
		}
		return settle()
	}
	for after := tweet.ID(0); ; {
		docs, err := r.source.Documents(ctx, after, copyPage)
		if err != nil {
			return err
		}
		for _, d := range docs {
			there, err := theirs.at(ctx, d.ID, extra)
			if err != nil {
				return err
			}
			if r.differ(d, there) {
				pairs = append(pairs, pair{d, there})
			}
		}
		if err := settle(); err != nil {
			return err
		}
		r.show(r.here.n)
		if len(docs) < copyPage {
			break
		}
		after = docs[len(docs)-1].ID
	}
	if err := theirs.rest(ctx, extra); err != nil {
		return err
	}
	return settle()
}

// differ adds a document to the checksums, and says whether the target's is another, or none.
func (r *copyRound) differ(d, there *tweet.Document) bool {
	sum := d.Checksum()
	r.here.add(sum)
	if there == nil {
		return true
	}
	theirs := there.Checksum()
	r.there.add(theirs)
	return theirs != sum
}

// finish copies the notices, which later documents have to obey, and moves the target's place.
func (r *copyRound) finish(ctx context.Context, at tweet.Position) error {
	var batch []tweet.Entry
	for e, err := range r.source.Notices(ctx) {
		if err != nil {
			return fmt.Errorf("copy notices: %w", err)
		}
		batch = append(batch, e)
	}
	if len(batch) == 0 && at.IsZero() {
		return nil
	}
	if _, err := r.target.Apply(ctx, batch, at); err != nil {
		return fmt.Errorf("copy notices: %w", err)
	}
	return nil
}

// walker walks an archive by id beside another walk.
type walker struct {
	archive search.Archive
	page    []*tweet.Document
	after   tweet.ID
	ended   bool
}

// at gives the document of the id, nil for none, and to before those that lie before it since the last call. Ids ascend.
func (d *walker) at(ctx context.Context, id tweet.ID, before func(*tweet.Document) error) (doc *tweet.Document, err error) {
	for {
		for len(d.page) > 0 && d.page[0].ID < id {
			if err := before(d.page[0]); err != nil {
				return nil, err
			}
			d.page = d.page[1:]
		}
		if len(d.page) > 0 || d.ended {
			break
		}
		if err := d.more(ctx); err != nil {
			return nil, err
		}
	}
	if len(d.page) > 0 && d.page[0].ID == id {
		doc, d.page = d.page[0], d.page[1:]
	}
	return doc, nil
}

func (d *walker) more(ctx context.Context) (err error) {
	if d.page, err = d.archive.Documents(ctx, d.after, copyPage); err != nil {
		return err
	}
	if d.ended = len(d.page) < copyPage; len(d.page) > 0 {
		d.after = d.page[len(d.page)-1].ID
	}
	return nil
}

// rest gives the documents that are left.
func (d *walker) rest(ctx context.Context, each func(*tweet.Document) error) error {
	for {
		for _, left := range d.page {
			if err := each(left); err != nil {
				return err
			}
		}
		if d.page = nil; d.ended {
			return nil
		}
		if err := d.more(ctx); err != nil {
			return err
		}
	}
}
