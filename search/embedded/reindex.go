package embedded

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"birdwatch/query"
	"birdwatch/tweet"
)

// An index is made in the table terms_next, beside terms, which searches go on to use. It grows by id: up to next.upTo it has what
// terms has, since writes go to both; what lies above comes later. When it reaches the end the tables change their names in one
// transaction. meta holds how far it is: 'reindex' the id, 'reindex_done' the number of documents, 'reindex_analysis' its analysis.

// next is how far the index is that is being made. Archive.mu guards it.
type next struct {
	upTo    int64          // the greatest id done
	touched map[int64]bool // ids above that were written since Reindex began to read; nil while it does not
}

// findNext finds an index that a former process began.
func (a *Archive) findNext(ctx context.Context) error {
	var upTo *int64
	err := a.conn.QueryRowContext(ctx, "SELECT (SELECT value FROM meta WHERE key = 'reindex')").Scan(&upTo)
	if err == nil && upTo != nil {
		a.next = &next{upTo: *upTo}
	}
	return err
}

// index writes the terms of a tweet.
func (w *writer) index(id int64, text string) error {
	if w.both(id) {
		if err := w.exec("INSERT INTO terms_next (rowid, t) VALUES (?, ?)", id, text); err != nil {
			return err
		}
	}
	return w.exec("INSERT INTO terms (rowid, t) VALUES (?, ?)", id, text)
}

// unindex removes the terms of a tweet.
func (w *writer) unindex(id int64) error {
	if w.both(id) {
		if err := w.exec("DELETE FROM terms_next WHERE rowid = ?", id); err != nil {
			return err
		}
	}
	return w.exec("DELETE FROM terms WHERE rowid = ?", id)
}

// both reports whether a tweet belongs into both indexes; else it remembers that it was written.
func (w *writer) both(id int64) bool {
	if w.next == nil {
		return false
	}
	if id > w.next.upTo && w.next.touched != nil {
		w.next.touched[id] = true
	}
	return id <= w.next.upTo
}

// The bounds of one step of Reindex, during which nothing else is written.
const (
	stepMost  = 1000
	stepBytes = 16 << 20
)

// errUnderWay: one at a time.
var errUnderWay = errors.New("the index is being made already")

// Reindex makes the index again, and the figures of every document, from the documents. It works in short transactions; broken off, by
// whatever, it goes on where it was.
func (a *Archive) Reindex(ctx context.Context, progress func(done, total int64)) error {
	if !a.making.TryLock() {
		return fmt.Errorf("reindex: %w", errUnderWay)
	}
	defer a.making.Unlock()
	if progress == nil {
		progress = func(done, total int64) {}
	}
	finished, err := a.beginNext(ctx)
	for err == nil && !finished {
		var s state
		if s, err = readState(ctx, a.state); err != nil {
			break
		}
		var done int64
		if done, finished, err = a.stepNext(ctx); err == nil {
			total := s.Tweets + s.Tombstones
			progress(min(done, total), total)
		}
	}
	if err == nil {
		err = a.sweep(ctx)
	}
	return fault("reindex", err)
}

// beginNext makes the table, or finds it. finished says that another Reindex was broken off when all was done but the sweeping.
func (a *Archive) beginNext(ctx context.Context) (finished bool, err error) {
	var analysis int
	var unswept, begun bool
	err = a.read.QueryRowContext(ctx, `SELECT ifnull((SELECT value FROM meta WHERE key = 'reindex_analysis'), -1),
		EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'swept_data'), EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'terms_next')`).Scan(&analysis, &unswept, &begun)
	if err != nil || analysis == analysisVersion {
		return false, err
	}
	if unswept {
		if err := a.sweep(ctx); err != nil {
			return false, err
		}
		if s, err := readState(ctx, a.state); err != nil || !s.Stale {
			return true, err
		}
	}
	if begun { // by a program of another analysis: it is of no use
		err := a.write(ctx, func(w *writer) error {
			w.then = func() { a.next = nil }
			return w.run("DELETE FROM meta WHERE key IN ('reindex', 'reindex_done', 'reindex_analysis')", unmake("terms_next"))
		})
		if err == nil {
			err = a.sweep(ctx)
		}
		if err != nil {
			return false, err
		}
	}
	return false, a.write(ctx, func(w *writer) error {
		w.then = func() { a.next = &next{} }
		return w.run(fullText("terms_next"), fmt.Sprintf("INSERT INTO meta VALUES ('reindex', 0), ('reindex_done', 0), ('reindex_analysis', %d)", analysisVersion))
	})
}

// stepNext takes the next documents by id. They are read and analysed while others write; what those wrote of them is read again.
func (a *Archive) stepNext(ctx context.Context) (done int64, finished bool, err error) {
	a.mu.Lock()
	if a.next == nil { // closed and opened again, or never begun
		a.mu.Unlock()
		return 0, false, errors.New("no index is being made")
	}
	a.next.touched = map[int64]bool{}
	after := a.next.upTo
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.next != nil {
			a.next.touched = nil
		}
	}()
	ops, last, err := a.readNext(ctx, tweet.ID(after))
	if err != nil {
		return 0, false, err
	}
	prepare(ctx, ops)
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	err = a.write(ctx, func(w *writer) error {
		n, err := w.extendNext(ops, last)
		if err != nil {
			return err
		}
		if err := w.query("UPDATE meta SET value = value + ? WHERE key = 'reindex_done' RETURNING value", []any{n}, &done); err != nil {
			return err
		}
		if finished = last == math.MaxInt64; finished {
			w.then = func() { a.next = nil }
			return w.swap()
		}
		w.then = func() { a.next.upTo = last }
		return w.exec("UPDATE meta SET value = ? WHERE key = 'reindex'", last)
	})
	return done, finished, err
}

// readNext reads documents and says up to which id it has all: the greatest there can be at the end.
func (a *Archive) readNext(ctx context.Context, after tweet.ID) (ops []op, last int64, err error) {
	last = math.MaxInt64
	bytes := 0
	err = a.look(ctx, "read", func(v *view) error {
		return documents(ctx, v.tx, "WHERE d.id > ? ORDER BY d.id LIMIT ?", []any{int64(after), stepMost}, func(d *tweet.Document) bool {
			ops = append(ops, op{at: len(ops), doc: d, entry: &tweet.Entry{Record: tweet.Record{ID: d.ID}}})
			if bytes += len(d.Payload) + len(d.Raw); len(ops) == stepMost || bytes > stepBytes {
				last = int64(d.ID)
				return false
			}
			return true
		})
	})
	return ops, last, err
}

// extendNext writes the terms and figures of documents, those that were written meanwhile as they are now. n is how many there were.
func (w *writer) extendNext(ops []op, last int64) (n int64, err error) {
	var again []tweet.ID
	for id := range w.next.touched {
		if id <= last {
			again = append(again, tweet.ID(id))
		}
	}
	for i := range ops {
		o := &ops[i]
		if w.next.touched[int64(o.doc.ID)] {
			continue
		}
		n++
		if err := w.extendBy(o.doc, o.ready, o.problem); err != nil {
			return 0, err
		}
	}
	slices.Sort(again)
	for len(again) > 0 {
		some := again[:min(len(again), stepMost)]
		docs, err := w.load(some)
		if err != nil {
			return 0, err
		}
		for _, id := range some {
			d := docs[id]
			if d == nil {
				continue // purged
			}
			n++
			var r *ready
			if !d.Tombstone {
				r, err = makeReady(d, nil, nil)
			}
			if err := w.extendBy(d, r, err); err != nil {
				return 0, err
			}
		}
		again = again[len(some):]
	}
	return n, nil
}

func (w *writer) extendBy(d *tweet.Document, r *ready, problem error) error {
	if problem != nil {
		return fmt.Errorf("tweet %d: %w", d.ID, problem)
	}
	if d.Tombstone {
		return w.putRow(d, [query.NumFigures]int64{}, inPlace)
	}
	w.strays = w.strays || r.stray
	if err := w.putRow(d, r.figures, inPlace); err != nil {
		return err
	}
	text, err := w.terms(d, r)
	if err != nil {
		return err
	}
	return w.exec("INSERT INTO terms_next (rowid, t) VALUES (?, ?)", int64(d.ID), text)
}

// swap puts the new index in the place of the old one.
func (w *writer) swap() error {
	return w.run(unmake("terms"), "ALTER TABLE terms_next RENAME TO terms",
		"DELETE FROM meta WHERE key IN ('reindex', 'reindex_done', 'reindex_analysis', 'filled')",
		fmt.Sprintf("UPDATE meta SET value = %d WHERE key = 'analysis'", analysisVersion))
}
