package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"modernc.org/sqlite"

	"birdwatch/tweet"
)

// task is work for the writer. All tasks that queued while the last commit ran share the next one.
type task struct {
	run  func(w *writer) error // may run twice: nothing of the first time is kept
	size int                   // records
	// taken is set once, by the writer or by the caller who gives up: so a caller knows which it was.
	taken atomic.Bool
	done  chan error // takes one
}

// recordsMost bounds one commit, so that nobody waits for a commit without end.
const recordsMost = 10_000

// do hands work to the writer and waits until it is committed. When ctx ends before the writer has begun, nothing is
// done and ctx's error returned; after that the answer is what was done, which takes no longer than a commit.
func (j *Journal) do(ctx context.Context, size int, run func(w *writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &task{run: run, size: size, done: make(chan error, 1)}
	select {
	case j.tasks <- t:
	case <-ctx.Done():
		return ctx.Err()
	case <-j.stopped:
		return ErrClosed
	}
	select {
	case err := <-t.done:
		return err
	case <-ctx.Done():
		if t.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-j.stopped:
	}
	if t.taken.CompareAndSwap(false, true) { // the writer has ended
		return ErrClosed
	}
	return <-t.done
}

// write is the writer's goroutine.
func (j *Journal) write() {
	defer close(j.stopped)
	for {
		select {
		case t := <-j.tasks:
			j.commit(j.gather(t))
		case <-j.stop:
			for len(j.tasks) > 0 {
				j.commit(j.gather(<-j.tasks))
			}
			return
		}
	}
}

// gather takes what is queued, without waiting.
func (j *Journal) gather(t *task) (ts []*task) {
	for size := 0; ; {
		if t.taken.CompareAndSwap(false, true) {
			ts = append(ts, t)
			size += t.size
		}
		if size >= recordsMost {
			return ts
		}
		select {
		case t = <-j.tasks:
		default:
			return ts
		}
	}
}

// commit runs tasks in one transaction and answers them. Nothing of a transaction that fails is kept. A fault of the file
// is everybody's; when a task alone is at fault the others are done without it.
func (j *Journal) commit(ts []*task) {
	for len(ts) > 0 {
		failed := -1
		err := j.w.transaction(func() error {
			for i, t := range ts {
				if err := t.run(j.w); err != nil {
					failed = i
					return err
				}
			}
			return nil
		})
		j.note(ts, err)
		if err == nil {
			j.publish()
		}
		if file := new(sqlite.Error); err != nil && failed >= 0 && !errors.As(err, &file) {
			ts[failed].done <- err
			ts = slices.Delete(ts, failed, failed+1)
			continue
		}
		for _, t := range ts {
			t.done <- err
		}
		return
	}
}

// publish makes what was committed visible.
func (j *Journal) publish() {
	w := j.w
	j.recent.add(w.added)
	for _, f := range w.after {
		f()
	}
	j.last.Store(int64(w.last))
	if len(w.added) > 0 {
		j.announce()
	}
}

// writer is the one connection that writes, with its statements, and what the present transaction did.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	j     *Journal

	tally
	pend   map[tweet.ID]int // batches of Import not confirmed that wrote a tweet
	source map[string]int64
	users  bool // some user was deleted, or restored, at some time

	// of the present transaction:
	cause cause
	now   int64
	added []tweet.Entry
	after []func()           // run when it is committed
	seen  map[tweet.ID]known // rows of the id table, those that are not there too: see look
}

// tally is what goes back when a transaction fails.
type tally struct {
	first, last tweet.Seq
	bytes       int64 // of all frames
}

func newWriter(conn *sql.Conn, j *Journal) (*writer, error) {
	w := &writer{conn: conn, j: j, stmts: map[string]*sql.Stmt{}, pend: map[tweet.ID]int{}, source: map[string]int64{}}
	if err := w.query("SELECT (SELECT value FROM meta WHERE key = 'last'), (SELECT value FROM meta WHERE key = 'bytes')", nil, &w.last, &w.bytes); err != nil {
		return nil, err
	}
	if err := w.findFirst(); err != nil {
		return nil, err
	}
	j.first.Store(int64(w.first))
	j.last.Store(int64(w.last))
	return w, nil
}

func (w *writer) findFirst() error {
	var first sql.NullInt64
	if err := w.query("SELECT min(seq) FROM entries", nil, &first); err != nil {
		return err
	}
	if w.first = tweet.Seq(first.Int64); !first.Valid {
		w.first = w.last + 1
	}
	return nil
}

func (w *writer) close() error {
	var errs []error
	for _, s := range w.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// transaction runs f between BEGIN and COMMIT and keeps memory in step with the file.
func (w *writer) transaction(f func() error) error {
	was := w.tally
	w.now, w.added, w.after, w.seen = w.j.o.Now().UnixMilli(), nil, nil, nil
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("journal: begin: %w", err)
	}
	err := f()
	if err == nil && w.tally != was {
		err = w.exec("UPDATE meta SET value = CASE key WHEN 'last' THEN ? ELSE ? END WHERE key IN ('last', 'bytes')", int64(w.last), w.bytes)
	}
	if err == nil {
		// Who reads a page and asks First afterwards must learn of a cut: it is told before it is made.
		w.j.first.Store(int64(w.first))
		err = w.exec("COMMIT")
	}
	if err != nil {
		w.tally = was
		w.j.first.Store(int64(w.first))
		// A full disk has rolled back by itself; then this says that there is no transaction.
		_ = w.exec("ROLLBACK")
		return fmt.Errorf("journal: %w", err)
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

// query scans the one row that a text gives; sql.ErrNoRows when there is none.
func (w *writer) query(text string, args []any, to ...any) error {
	s, err := w.stmt(text)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(to...)
}

// ids gives the first column of all rows.
func (w *writer) ids(text string, args ...any) ([]tweet.ID, error) {
	s, err := w.stmt(text)
	if err != nil {
		return nil, err
	}
	return idsOf(s.Query(args...))
}

// idsOf gives the first column of what a query found.
func idsOf(rows *sql.Rows, err error) ([]tweet.ID, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []tweet.ID
	for rows.Next() {
		var id tweet.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func encodeIDs(ids []tweet.ID) []byte {
	b, err := json.Marshal(ids)
	if err != nil {
		panic(err) // numbers can always be written
	}
	return b
}

func decodeIDs(b []byte) ([]tweet.ID, error) {
	var ids []tweet.ID
	if err := json.Unmarshal(b, &ids); err != nil {
		return nil, fmt.Errorf("list of ids: %w", err)
	}
	return ids, nil
}
