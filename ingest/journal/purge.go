package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"birdwatch/tweet"
)

// Older lists up to limit tweets that came from a source and arrived before t.
func (j *Journal) Older(ctx context.Context, from string, t time.Time, limit int) ([]tweet.ID, error) {
	ids, err := idsOf(j.read.QueryContext(ctx, "SELECT DISTINCT id FROM entries WHERE kind IN (1, 2) AND arrived < ? AND source = (SELECT id FROM sources WHERE name = ?) LIMIT ?", t.UnixMilli(), from, limit))
	if err != nil {
		return nil, fmt.Errorf("list old tweets: %w", err)
	}
	return ids, nil
}

// Purge forgets tweets without a trace: entries, ids, references. Nobody is told.
func (j *Journal) Purge(ctx context.Context, ids []tweet.ID) error {
	return j.do(ctx, len(ids), func(w *writer) error {
		for _, id := range ids {
			if err := w.purge(id); err != nil {
				return err
			}
		}
		if len(ids) > 0 {
			w.after = append(w.after, j.forgetContent)
		}
		return nil
	})
}

func (w *writer) purge(id tweet.ID) error {
	if err := w.unrefer(id); err != nil {
		return err
	}
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
	return nil
}

// unrefer takes away what refs says of the tweets that a tweet's entries carry.
func (w *writer) unrefer(id tweet.ID) error {
	s, err := w.stmt("SELECT frame FROM entries WHERE id = ? AND kind IN (1, 2) AND frame IS NOT NULL")
	if err != nil {
		return err
	}
	rows, err := s.Query(int64(id))
	if err != nil {
		return err
	}
	defer rows.Close()
	var copies []tweet.Copy
	for rows.Next() {
		var frame []byte
		if err := rows.Scan(&frame); err != nil {
			return err
		}
		c, err := tweet.Unpack(frame)
		if err != nil {
			continue // what cannot be read is purged as well
		}
		if p, err := tweet.Decode(c.Payload); err == nil {
			copies = append(copies, p.Copies()...)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, c := range copies {
		if err := w.exec("DELETE FROM refs WHERE target = ? AND holder = ?", int64(c.ID), int64(id)); err != nil {
			return err
		}
	}
	return nil
}
