package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"birdwatch/tweet"
)

// strip takes the content of deleted tweets away: their sightings, and the copies of them in the entries of others. The table
// strip says what is still to be done, after a restart too.
func (j *Journal) strip(ctx context.Context) (more bool, err error) {
	stripped := 0
	err = j.do(ctx, 0, func(w *writer) error {
		stripped = 0
		slowest, _, err := w.slowest()
		if err != nil {
			return err
		}
		due := w.now - j.o.Grace.Milliseconds()
		for ; stripped < trimMost; stripped++ {
			var seq tweet.Seq
			var id tweet.ID
			err := w.query("SELECT seq, id FROM strip WHERE seq <= ? AND arrived <= ? ORDER BY seq LIMIT 1", []any{int64(slowest), due}, &seq, &id)
			if errors.Is(err, sql.ErrNoRows) {
				break
			}
			if err != nil {
				return err
			}
			if err := w.stripOne(seq, id); err != nil {
				return err
			}
		}
		if stripped > 0 {
			w.after = append(w.after, j.forgetContent)
		}
		return nil
	})
	return err == nil && stripped == trimMost, err
}

// forgetContent drops what lies outside the tables of content that was stripped or purged.
func (j *Journal) forgetContent() {
	j.recent.forget()
	j.losses.Add(1)
	j.unclean.Store(true)
}

func (w *writer) stripOne(seq tweet.Seq, id tweet.ID) error {
	if err := w.stripEntries("id = ? AND kind IN (1, 2)", int64(id)); err != nil {
		return err
	}
	var cut []byte
	err := w.query("SELECT cut FROM entries WHERE seq = ?", []any{int64(seq)}, &cut)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if len(cut) > 0 {
		holders, err := decodeIDs(cut)
		if err != nil {
			return err
		}
		for _, h := range holders {
			if err := w.cutHolder(h, id); err != nil {
				return err
			}
		}
	}
	return w.exec("DELETE FROM strip WHERE seq = ?", int64(seq))
}

// stripEntries empties the entries of which a condition is true.
func (w *writer) stripEntries(where string, arg int64) error {
	var freed sql.NullInt64
	if err := w.query("SELECT sum(length(frame)) FROM entries WHERE "+where, []any{arg}, &freed); err != nil {
		return err
	}
	w.bytes -= freed.Int64
	return w.exec("UPDATE entries SET frame = NULL, flags = flags | ? WHERE "+where, flagStripped, arg)
}

// cutHolder takes a deleted tweet's copy out of all entries of a tweet that holds it.
func (w *writer) cutHolder(holder, id tweet.ID) error {
	seqs, err := w.ids("SELECT seq FROM entries WHERE id = ? AND kind IN (1, 2) AND frame IS NOT NULL", int64(holder))
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		var frame []byte
		if err := w.query("SELECT frame FROM entries WHERE seq = ?", []any{int64(seq)}, &frame); err != nil {
			return err
		}
		cut, err := cutFrame(frame, holder, id)
		if err != nil {
			// Content that cannot be read cannot be cut: it goes whole, or what was deleted would stay for good.
			w.j.o.Logger.Error("an entry of the journal cannot be read; its content is dropped", "seq", int64(seq), "error", err)
			if err := w.stripEntries("seq = ?", int64(seq)); err != nil {
				return err
			}
			continue
		}
		w.bytes += int64(len(cut) - len(frame))
		if err := w.exec("UPDATE entries SET frame = ?, flags = flags | ? WHERE seq = ?", cut, flagRawCut, int64(seq)); err != nil {
			return err
		}
	}
	return nil
}

func cutFrame(frame []byte, holder, id tweet.ID) ([]byte, error) {
	c, err := tweet.Unpack(frame)
	if err != nil {
		return nil, err
	}
	r := tweet.Record{ID: holder, Payload: c.Payload, Provenance: c.Provenance}
	if err := cutCopy(&r, id); err != nil {
		return nil, err
	}
	content := r.Content()
	return content.Pack()
}

// cleanWait bounds, in milliseconds, how long a checkpoint may wait for readers; the writer waits meanwhile.
const cleanWait = 500

// clean empties the write-ahead log when it may hold content that is to be gone. When readers are in the way it is tried the
// next time; Open does it after a crash.
func (j *Journal) clean(ctx context.Context) (more bool, err error) {
	if !j.unclean.Swap(false) {
		return false, nil
	}
	busy, err := j.checkpoint(ctx)
	if busy || err != nil {
		j.unclean.Store(true)
	}
	return false, err
}

func (j *Journal) checkpoint(ctx context.Context) (busy bool, err error) {
	conn, err := j.read.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("checkpoint journal: %w", err)
	}
	defer func() {
		_, resetErr := conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout))
		err = errors.Join(err, resetErr, conn.Close())
	}()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", cleanWait)); err != nil {
		return false, fmt.Errorf("checkpoint journal: %w", err)
	}
	var log, done int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil {
		return false, fmt.Errorf("checkpoint journal: %w", err)
	}
	return busy, nil
}
