package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"birdwatch/tweet"
)

// task is work for the writer. All tasks that queued while the last commit ran share the next one.
type task struct {
	run  func(w *writer) error
	done chan error // takes one
}

// most of what one commit takes, so that nobody waits for a commit without end.
const tasksMost = 512

// do hands work to the writer and waits until it is committed. When ctx ends first, the work may still be committed.
func (j *Journal) do(ctx context.Context, run func(w *writer) error) error {
	t := &task{run, make(chan error, 1)}
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
		return ctx.Err()
	case <-j.stopped: // it may have been done just before
		select {
		case err := <-t.done:
			return err
		default:
			return ErrClosed
		}
	}
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

func (j *Journal) gather(t *task) []*task {
	ts := []*task{t}
	for len(ts) < tasksMost {
		select {
		case t := <-j.tasks:
			ts = append(ts, t)
		default:
			return ts
		}
	}
	return ts
}

// commit runs tasks in one transaction and answers them. Nothing of a transaction that fails is kept.
func (j *Journal) commit(ts []*task) {
	err := j.w.transaction(func() error {
		for _, t := range ts {
			if err := t.run(j.w); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		j.publish()
	}
	for _, t := range ts {
		t.done <- err
	}
}

// publish makes what was committed visible.
func (j *Journal) publish() {
	w := j.w
	for _, f := range w.after {
		f()
	}
	if len(w.added) == 0 {
		return
	}
	j.recent.add(w.added)
	if j.First() > j.Last() {
		j.first.Store(int64(w.added[0].Seq))
	}
	j.last.Store(int64(w.last))
	j.announce()
}

// writer is the one connection that writes, with its statements, and what the present transaction did.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	last   tweet.Seq
	bytes  int64 // of all frames
	pend   map[tweet.ID]int
	source map[string]int64

	// of the present transaction:
	now   int64
	added []tweet.Entry
	after []func()
	j     *Journal
}

func newWriter(conn *sql.Conn, j *Journal) (*writer, error) {
	w := &writer{conn: conn, j: j, stmts: map[string]*sql.Stmt{}, pend: map[tweet.ID]int{}, source: map[string]int64{}}
	if err := w.query("SELECT (SELECT value FROM meta WHERE key = 'last'), (SELECT value FROM meta WHERE key = 'bytes')", nil, &w.last, &w.bytes); err != nil {
		return nil, err
	}
	rows, err := conn.QueryContext(context.Background(), "SELECT ids FROM pending")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		ids, err := decodeIDs(b)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			w.pend[id]++
		}
	}
	return w, rows.Err()
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
	last, bytes := w.last, w.bytes
	w.now, w.added, w.after = w.j.o.Now().UnixMilli(), nil, nil
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("journal: begin: %w", err)
	}
	err := f()
	if err == nil && (w.last != last || w.bytes != bytes) {
		err = w.exec("UPDATE meta SET value = CASE key WHEN 'last' THEN ? ELSE ? END WHERE key IN ('last', 'bytes')", int64(w.last), w.bytes)
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		w.last, w.bytes = last, bytes
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
	rows, err := s.Query(args...)
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

// The bits of entries.flags.
const (
	flagPartial  = 1
	flagRawCut   = 2
	flagStripped = 4
	flagUnseen   = 8
)

// enter writes an entry behind the last one.
func (w *writer) enter(e tweet.Entry) error {
	e.Seq, e.Arrived = w.last+1, w.now
	if e.Kind == tweet.KindTweet {
		e.FirstSeq = e.Seq
	}
	source, err := w.sourceID(e.Provenance.From)
	if err != nil {
		return err
	}
	flags := 0
	for bit, set := range map[int]bool{flagPartial: e.Partial, flagRawCut: e.RawCut, flagUnseen: e.Unseen} {
		if set {
			flags |= bit
		}
	}
	if e.Frame == nil && len(e.Payload)+len(e.Raw) > 0 {
		c := e.Content()
		if e.Frame, err = c.Pack(); err != nil {
			return err
		}
	}
	var cut []byte
	if len(e.Cut) > 0 {
		cut = encodeIDs(e.Cut)
	}
	err = w.exec("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", int64(e.Seq), int64(e.Kind), int64(e.ID), int64(e.UserID),
		int64(e.FirstSeq), e.Arrived, e.CapturedAt, flags, source, cut, e.Frame)
	if err != nil {
		return fmt.Errorf("enter %s of %d: %w", e.Kind, e.ID, err)
	}
	w.last++
	w.bytes += int64(len(e.Frame))
	w.added = append(w.added, e)
	return nil
}

// sourceID numbers the names of sources.
func (w *writer) sourceID(name string) (int64, error) {
	if id, ok := w.source[name]; ok {
		return id, nil
	}
	if err := w.exec("INSERT INTO sources (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
		return 0, err
	}
	var id int64
	if err := w.query("SELECT id FROM sources WHERE name = ?", []any{name}, &id); err != nil {
		return 0, err
	}
	w.after = append(w.after, func() { w.source[name] = id })
	return id, nil
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
