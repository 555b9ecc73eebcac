package embedded

import (
	"context"
	"database/sql"

	"birdwatch/search"
	"birdwatch/tweet"
)

// op is one record on its way into the archive.
type op struct {
	at      int // its place in the batch
	entry   *tweet.Entry
	doc     *tweet.Document // of a sighting or a tombstone
	ready   *ready          // made beforehand, used where nothing is merged
	problem error           // why it goes to the dead letters
	whole   bool            // doc is a document of an archive, not a single sighting: of two first_seq the lesser is kept
	letter  int64           // the dead letter that is tried again; 0 for none
}

// Apply merges entries, in journal order, and moves the position in the same transaction.
func (a *Archive) Apply(ctx context.Context, entries []tweet.Entry, to tweet.Position) (search.Outcome, error) {
	ops := make([]op, len(entries))
	for i := range entries {
		ops[i] = op{at: i, entry: &entries[i], doc: search.DocumentOf(&entries[i])}
	}
	prepare(ctx, ops)
	a.sealAhead(ctx, ops)
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
		return w.move(to)
	})
	if err != nil {
		return search.Outcome{}, err
	}
	return outcomeOf(ops, changes), nil
}

func outcomeOf(ops []op, changes []search.Change) (out search.Outcome) {
	for i, c := range changes {
		if ops[i].doc != nil || ops[i].problem != nil {
			out.Add(c)
		}
	}
	return out
}

// Import merges sightings that do not come through the journal.
func (a *Archive) Import(ctx context.Context, records []tweet.Record) ([]search.Change, error) {
	ops := make([]op, len(records))
	for i := range records {
		ops[i] = op{at: i, entry: &tweet.Entry{Record: records[i]}, doc: tweet.NewDocument(&records[i], 0)}
	}
	prepare(ctx, ops)
	a.sealAhead(ctx, ops)
	changes := make([]search.Change, len(ops))
	err := a.write(ctx, func(w *writer) error {
		seq, err := w.seq()
		if err != nil {
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

// seq is the position's: the first_seq of what does not come through the journal.
func (w *writer) seq() (seq tweet.Seq, err error) {
	err = w.query("SELECT value FROM meta WHERE key = 'seq'", nil, &seq)
	return seq, err
}

// Purge forgets tweets without a trace.
func (a *Archive) Purge(ctx context.Context, ids []tweet.ID) error {
	return a.write(ctx, func(w *writer) error {
		docs, err := w.load(ids)
		if err != nil {
			return err
		}
		for _, d := range docs {
			w.count(d, -1)
			if err := w.exec("DELETE FROM docs WHERE id = ?", int64(d.ID)); err != nil {
				return err
			}
			if err := w.unindex(int64(d.ID)); err != nil {
				return err
			}
		}
		for _, id := range ids {
			if err := w.forget(int64(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// writer is the archive while its lock is held and a transaction open, and what changes of the state it describes.
type writer struct {
	*Archive
	store
	tweets, tombstones, deadLetters int64  // more or fewer than before
	highest                         int64  // seq that was written or reached
	strays, hidden                  bool   // some were written
	scrubs                          bool   // there are scrub_geo notices
	hides                           bool   // there are notices that may hide tweets
	then                            func() // done when all is committed, before others write; may be nil
}

// write runs f in a transaction. Nothing of it is kept when it fails.
func (a *Archive) write(ctx context.Context, f func(*writer) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fault("write", err)
	}
	switch {
	case a.only:
		return fault("write", ErrReadOnly)
	case a.stmts == nil:
		return fault("write", sql.ErrConnDone)
	}
	w := &writer{Archive: a}
	w.reset()
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fault("begin", err)
	}
	err := w.query("SELECT EXISTS (SELECT 1 FROM geo_scrubs) OR EXISTS (SELECT 1 FROM geo_tweets), EXISTS (SELECT 1 FROM notices)", nil, &w.scrubs, &w.hides)
	if err == nil {
		err = f(w)
	}
	if err == nil {
		err = w.settle()
	}
	if err == nil {
		err = w.describe()
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		_ = w.sealing.Wait() // what was packed is of no use
		// A full disk has rolled back by itself; then this says that there is no transaction.
		_ = w.exec("ROLLBACK")
		return fault("write", err)
	}
	if w.then != nil {
		w.then()
	}
	return nil
}

// describe brings what the archive says of itself up to date.
func (w *writer) describe() error {
	return w.exec(`UPDATE meta SET value = CASE key WHEN 'tweets' THEN value + ? WHEN 'tombstones' THEN value + ? WHEN 'dead_letters' THEN value + ?
		WHEN 'highest' THEN max(value, ?) WHEN 'hidden' THEN max(value, ?) ELSE max(value, ?) END
		WHERE key IN ('tweets', 'tombstones', 'dead_letters', 'highest', 'hidden', 'strays')`,
		w.tweets, w.tombstones, w.deadLetters, w.highest, w.hidden, w.strays)
}

// move moves the position; within one journal it never goes back.
func (w *writer) move(to tweet.Position) error {
	w.highest = max(w.highest, int64(to.Seq))
	var at tweet.Position
	if err := w.query("SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'seq')", nil, &at.Epoch, &at.Seq); err != nil {
		return err
	}
	if to.IsZero() || at == to || at.Epoch == to.Epoch && at.Seq > to.Seq {
		return nil
	}
	return w.exec("UPDATE meta SET value = CASE key WHEN 'epoch' THEN ? ELSE ? END WHERE key IN ('epoch', 'seq')", to.Epoch, int64(to.Seq))
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

// affected is exec that gives the number of rows.
func (w *writer) affected(text string, args ...any) (int64, error) {
	s, err := w.stmt(text)
	if err != nil {
		return 0, err
	}
	r, err := s.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (w *writer) query(text string, args []any, to ...any) error {
	s, err := w.stmt(text)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(to...)
}
