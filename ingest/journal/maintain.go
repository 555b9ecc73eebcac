package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"birdwatch/tweet"
)

// trimMost is how many entries one transaction of Maintain cuts, so that appends wait little.
const trimMost = 2000

// Ack says that a durable follower has what it needs of everything up to seq. Its entries before are not kept for it any
// more, and content of tweets that were deleted by then may go. A follower acknowledges its place once when it starts.
func (j *Journal) Ack(ctx context.Context, follower string, seq tweet.Seq) error {
	return j.do(ctx, func(w *writer) error {
		return w.exec("INSERT INTO followers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq", follower, int64(seq))
	})
}

// Run calls Maintain every interval until ctx ends; what fails is logged and tried again.
func (j *Journal) Run(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := j.Maintain(ctx); err != nil && ctx.Err() == nil {
			j.o.Logger.Error("journal maintenance", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Maintain strips the content of deleted tweets whose grace is over, cuts entries past age and size, and forgets old
// deletes of tweets that never came. Nothing is taken that the slowest durable follower still needs.
func (j *Journal) Maintain(ctx context.Context) error {
	for _, step := range []func(context.Context) (more bool, err error){j.strip, j.trim, j.forgetUnseen} {
		for more := true; more; {
			var err error
			if more, err = step(ctx); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// slowest is the place of the slowest durable follower; the end when there is none.
func (w *writer) slowest() (tweet.Seq, error) {
	var seq sql.NullInt64
	if err := w.query("SELECT min(seq) FROM followers", nil, &seq); err != nil {
		return 0, err
	}
	if !seq.Valid {
		return w.last, nil
	}
	return min(tweet.Seq(seq.Int64), w.last), nil
}

func (j *Journal) strip(ctx context.Context) (more bool, err error) {
	stripped := 0
	err = j.do(ctx, func(w *writer) error {
		stripped = 0
		slowest, err := w.slowest()
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
		return nil
	})
	if err != nil || stripped == 0 {
		return false, err
	}
	j.recent.forget()
	// What was stripped must leave the write-ahead log as well.
	return stripped == trimMost, j.checkpoint(ctx)
}

func (w *writer) stripOne(seq tweet.Seq, id tweet.ID) error {
	var freed sql.NullInt64
	if err := w.query("SELECT sum(length(frame)) FROM entries WHERE id = ? AND kind IN (1, 2)", []any{int64(id)}, &freed); err != nil {
		return err
	}
	w.bytes -= freed.Int64
	if err := w.exec("UPDATE entries SET frame = NULL, flags = flags | ? WHERE id = ? AND kind IN (1, 2)", flagStripped, int64(id)); err != nil {
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
		c, err := tweet.Unpack(frame)
		if err != nil {
			return err
		}
		r := tweet.Record{ID: holder, Payload: c.Payload, Raw: c.Raw, Provenance: c.Provenance}
		if err := cutCopy(&r, id); err != nil {
			return err
		}
		content := r.Content()
		cut, err := content.Pack()
		if err != nil {
			return err
		}
		w.bytes += int64(len(cut) - len(frame))
		if err := w.exec("UPDATE entries SET frame = ?, flags = flags | ? WHERE seq = ?", cut, flagRawCut, int64(seq)); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) trim(ctx context.Context) (more bool, err error) {
	var cut int64
	var first tweet.Seq
	err = j.do(ctx, func(w *writer) error {
		slowest, err := w.slowest()
		if err != nil {
			return err
		}
		var upTo sql.NullInt64 // by age
		if err := w.query("SELECT max(seq) FROM (SELECT seq, arrived FROM entries ORDER BY seq LIMIT ?) WHERE arrived < ?",
			[]any{trimMost, w.now - j.o.MaxAge.Milliseconds()}, &upTo); err != nil {
			return err
		}
		end := tweet.Seq(upTo.Int64)
		if excess := w.bytes - j.o.MaxBytes; excess > 0 {
			var bySize sql.NullInt64
			if err := w.query("SELECT max(seq) FROM (SELECT seq, sum(length(frame)) OVER (ORDER BY seq) AS total FROM (SELECT seq, frame FROM entries ORDER BY seq LIMIT ?)) WHERE ifnull(total, 0) <= ?",
				[]any{trimMost, excess}, &bySize); err != nil {
				return err
			}
			end = max(end, tweet.Seq(bySize.Int64))
		}
		var freed sql.NullInt64
		if end = min(end, slowest); end == 0 {
			return nil
		}
		if err := w.query("SELECT count(*), sum(length(frame)) FROM entries WHERE seq <= ?", []any{int64(end)}, &cut, &freed); err != nil {
			return err
		}
		if cut == 0 {
			return nil
		}
		w.bytes -= freed.Int64
		if err := w.exec("DELETE FROM entries WHERE seq <= ?", int64(end)); err != nil {
			return err
		}
		var least sql.NullInt64
		if err := w.query("SELECT min(seq) FROM entries", nil, &least); err != nil {
			return err
		}
		if first = tweet.Seq(least.Int64); !least.Valid {
			first = w.last + 1
		}
		w.after = append(w.after, func() { j.first.Store(int64(first)) })
		return nil
	})
	return err == nil && cut >= trimMost, err
}

func (j *Journal) forgetUnseen(ctx context.Context) (more bool, err error) {
	n := 0
	err = j.do(ctx, func(w *writer) error {
		old, err := w.ids("SELECT id FROM unseen WHERE noted < ? LIMIT ?", w.now-j.o.KeepUnseen.Milliseconds(), trimMost)
		if err != nil {
			return err
		}
		n = len(old)
		for _, id := range old {
			if err := w.exec("DELETE FROM ids WHERE id = ? AND state = ?", int64(id), stateDeletedUnseen); err != nil {
				return err
			}
			if err := w.exec("DELETE FROM unseen WHERE id = ?", int64(id)); err != nil {
				return err
			}
		}
		return nil
	})
	return err == nil && n == trimMost, err
}

// checkpoint moves the write-ahead log into the file and empties it.
func (j *Journal) checkpoint(ctx context.Context) error {
	if _, err := j.read.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("checkpoint journal: %w", err)
	}
	return nil
}

// Older lists up to limit tweets that came from a source and arrived before t.
func (j *Journal) Older(ctx context.Context, from string, t time.Time, limit int) ([]tweet.ID, error) {
	rows, err := j.read.QueryContext(ctx, "SELECT DISTINCT id FROM entries WHERE kind IN (1, 2) AND arrived < ? AND source = (SELECT id FROM sources WHERE name = ?) LIMIT ?", t.UnixMilli(), from, limit)
	if err != nil {
		return nil, fmt.Errorf("list old tweets: %w", err)
	}
	defer rows.Close()
	var ids []tweet.ID
	for rows.Next() {
		var id tweet.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list old tweets: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Purge forgets tweets without a trace: entries, ids, references. Nobody is told.
func (j *Journal) Purge(ctx context.Context, ids []tweet.ID) error {
	err := j.do(ctx, func(w *writer) error {
		for _, id := range ids {
			var freed sql.NullInt64
			if err := w.query("SELECT sum(length(frame)) FROM entries WHERE id = ?", []any{int64(id)}, &freed); err != nil {
				return err
			}
			w.bytes -= freed.Int64
			for _, text := range []string{"DELETE FROM entries WHERE id = ?", "DELETE FROM ids WHERE id = ?", "DELETE FROM unseen WHERE id = ?", "DELETE FROM strip WHERE id = ?", "DELETE FROM refs WHERE target = ?"} {
				if err := w.exec(text, int64(id)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		j.recent.forget()
	}
	return err
}

// Known is what Rebuild needs of a document.
type Known struct {
	ID        tweet.ID
	FirstSeq  tweet.Seq
	At        int64 // newest capture time
	Tombstone bool
	Copies    []tweet.Copy
}

// Rebuild fills the id table of a new journal from an archive. The next sighting of each of these tweets counts as one
// that differs, since what the last one said is not known here; the archive merges it without harm.
func (j *Journal) Rebuild(ctx context.Context, docs iter.Seq2[Known, error]) error {
	var batch []Known
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := j.do(ctx, func(w *writer) error {
			for _, d := range batch {
				k := known{firstSeq: max(d.FirstSeq, 1), state: stateKnown, at: d.At}
				if d.Tombstone {
					k.state = stateDeleted
				}
				if err := w.remember(d.ID, k); err != nil {
					return err
				}
				for _, c := range d.Copies {
					if err := w.exec("INSERT INTO refs VALUES (?, ?, ?) ON CONFLICT DO NOTHING", int64(c.ID), int64(d.ID), c.Repeats); err != nil {
						return err
					}
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	for d, err := range docs {
		if err != nil {
			return fmt.Errorf("rebuild id table: %w", err)
		}
		if batch = append(batch, d); len(batch) == trimMost {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
