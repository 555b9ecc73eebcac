package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"birdwatch/search"
	"birdwatch/tweet"
)

// The bits of docs.flags.
const (
	flagPartial   = 1
	flagTombstone = 2
	flagRevived   = 4
	flagRawCut    = 8
)

// op is one record on its way into the archive.
type op struct {
	at      int // its place in the batch
	entry   *tweet.Entry
	doc     *tweet.Document // of a sighting or a tombstone
	ready   *ready          // made beforehand, used where nothing is merged
	problem error           // why it goes to the dead letters
}

// Apply merges entries, in journal order, and moves the position in the same transaction.
func (a *Archive) Apply(ctx context.Context, entries []tweet.Entry, to tweet.Position) (search.Outcome, error) {
	ops := make([]op, len(entries))
	for i := range entries {
		e := &entries[i]
		ops[i] = op{at: i, entry: e}
		switch e.Kind {
		case tweet.KindTweet, tweet.KindUpdate:
			if !e.Stripped {
				ops[i].doc = tweet.NewDocument(&e.Record, cmp.Or(e.FirstSeq, e.Seq))
			}
		case tweet.KindDelete:
			if !e.Unseen {
				ops[i].doc = tweet.NewTombstone(e.ID, cmp.Or(e.FirstSeq, e.Seq), e.CapturedAt)
			}
		}
	}
	prepare(ctx, ops)
	changes := make([]search.Change, len(ops))
	err := a.write(ctx, func(w *writer) error {
		if err := w.merge(ops, changes); err != nil {
			return err
		}
		for i := range entries {
			if err := w.notice(&entries[i]); err != nil {
				return err
			}
		}
		return w.exec("UPDATE meta SET value = CASE key WHEN 'epoch' THEN ? ELSE ? END WHERE key IN ('epoch', 'seq')", to.Epoch, int64(to.Seq))
	})
	var out search.Outcome
	if err != nil {
		return out, err
	}
	for i, c := range changes {
		if ops[i].doc == nil && ops[i].problem == nil {
			continue
		}
		switch c {
		case search.Inserted:
			out.Inserted++
		case search.Updated:
			out.Updated++
		case search.Same:
			out.Same++
		case search.Deleted:
			out.Deleted++
		case search.Refused:
			out.Refused++
		}
	}
	return out, nil
}

// Import merges sightings that do not come through the journal.
func (a *Archive) Import(ctx context.Context, records []tweet.Record) ([]search.Change, error) {
	ops := make([]op, len(records))
	for i := range records {
		ops[i] = op{at: i, entry: &tweet.Entry{Record: records[i]}, doc: tweet.NewDocument(&records[i], 0)}
	}
	prepare(ctx, ops)
	changes := make([]search.Change, len(ops))
	err := a.write(ctx, func(w *writer) error {
		var seq tweet.Seq
		if err := w.query("SELECT value FROM meta WHERE key = 'seq'", nil, &seq); err != nil {
			return err
		}
		for i := range ops {
			ops[i].doc.FirstSeq = seq
		}
		return w.merge(ops, changes)
	})
	if err != nil {
		return nil, err
	}
	return changes, nil
}

// Purge forgets tweets without a trace.
func (a *Archive) Purge(ctx context.Context, ids []tweet.ID) error {
	return a.write(ctx, func(w *writer) error {
		for _, id := range ids {
			for _, text := range []string{"DELETE FROM docs WHERE id = ?", "DELETE FROM bodies WHERE id = ?", "DELETE FROM terms WHERE rowid = ?", "DELETE FROM dead_letters WHERE id = ?"} {
				if err := w.exec(text, int64(id)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// writer is the archive while its lock is held and a transaction open.
type writer struct{ *Archive }

// write runs f in a transaction. Nothing of it is kept when it fails.
func (a *Archive) write(ctx context.Context, f func(*writer) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fault("write", err)
	}
	if a.stmts == nil {
		return fault("write", sql.ErrConnDone)
	}
	w := &writer{a}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fault("begin", err)
	}
	err := f(w)
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		// A full disk has rolled back by itself; then this says that there is no transaction.
		_ = w.exec("ROLLBACK")
		return fault("write", err)
	}
	return nil
}

func (w *writer) stmt(text string) (*sql.Stmt, error) {
	if s := w.stmts[text]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	w.stmts[text] = s
	return s, nil
}

func (w *writer) exec(text string, args ...any) error {
	s, err := w.stmt(text)
	if err != nil {
		return err
	}
	_, err = s.Exec(args...)
	return err
}

func (w *writer) query(text string, args []any, to ...any) error {
	s, err := w.stmt(text)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(to...)
}

// merge writes all ops, by id, those of one id in their order.
func (w *writer) merge(ops []op, changes []search.Change) error {
	sorted := make([]*op, 0, len(ops))
	for i := range ops {
		if ops[i].doc != nil || ops[i].problem != nil {
			sorted = append(sorted, &ops[i])
		}
	}
	slices.SortStableFunc(sorted, func(a, b *op) int { return cmp.Compare(a.entry.ID, b.entry.ID) })
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].entry.ID == sorted[0].entry.ID {
			n++
		}
		if err := w.mergeOne(sorted[:n], changes); err != nil {
			return fmt.Errorf("tweet %d: %w", sorted[0].entry.ID, err)
		}
		sorted = sorted[n:]
	}
	return nil
}

// mergeOne writes the ops of one id.
func (w *writer) mergeOne(ops []*op, changes []search.Change) error {
	was, err := w.load(ops[0].entry.ID)
	if err != nil {
		return err
	}
	now, single := was, (*ready)(nil)
	for _, o := range ops {
		if o.problem != nil {
			changes[o.at] = search.Refused
			if err := w.bury(o); err != nil {
				return err
			}
			continue
		}
		if now == nil {
			now, single = o.doc, o.ready
			changes[o.at] = search.Inserted
			if now.Tombstone {
				changes[o.at] = search.Deleted
			}
			continue
		}
		merged, differs, err := now.Merge(o.doc)
		switch {
		case err != nil:
			o.problem = err
			changes[o.at] = search.Refused
			if err := w.bury(o); err != nil {
				return err
			}
			continue
		case merged.Tombstone:
			changes[o.at] = search.Deleted
		case differs:
			changes[o.at] = search.Updated
		}
		if differs {
			now, single = merged, nil
		}
	}
	if now == was {
		return nil
	}
	if now, single, err = w.scrubbed(now, single); err != nil {
		return err
	}
	return w.put(was, now, single)
}

// load reads the document of an id; nil when there is none.
func (w *writer) load(id tweet.ID) (*tweet.Document, error) {
	d := &tweet.Document{ID: id}
	var flags int
	err := w.query("SELECT first_seq, at, body_at, flags FROM docs WHERE id = ?", []any{int64(id)}, &d.FirstSeq, &d.At, &d.BodyAt, &flags)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	setFlags(d, flags)
	if d.Tombstone {
		return d, nil
	}
	var frame []byte
	if err := w.query("SELECT frame FROM bodies WHERE id = ?", []any{int64(id)}, &frame); err != nil {
		return nil, err
	}
	return d, setContent(d, frame)
}

func setFlags(d *tweet.Document, flags int) {
	d.Partial, d.Tombstone, d.Revived, d.RawCut = flags&flagPartial != 0, flags&flagTombstone != 0, flags&flagRevived != 0, flags&flagRawCut != 0
}

func flagsOf(d *tweet.Document) (flags int) {
	for i, set := range [...]bool{d.Partial, d.Tombstone, d.Revived, d.RawCut} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

func setContent(d *tweet.Document, frame []byte) error {
	c, err := tweet.Unpack(frame)
	if err != nil {
		return err
	}
	d.Payload, d.Raw, d.Figures, d.Provenance = c.Payload, c.Raw, c.Figures, c.Provenance
	return nil
}

// bury puts what cannot be indexed where it can be looked at.
func (w *writer) bury(o *op) error {
	c := o.entry.Content()
	frame, err := c.Pack()
	if err != nil {
		return err
	}
	return w.exec("INSERT INTO dead_letters (seq, id, reason, frame) VALUES (?, ?, ?, ?)", int64(o.entry.Seq), int64(o.entry.ID), o.problem.Error(), frame)
}
