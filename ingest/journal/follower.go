package journal

import (
	"context"
	"database/sql"
	"errors"

	"birdwatch/tweet"
)

// Ack says that a durable follower has what it needs of everything up to seq. Its entries before are not kept for it any
// more, and content of tweets that were deleted by then may go. A follower acknowledges its place once when it starts.
func (j *Journal) Ack(ctx context.Context, follower string, seq tweet.Seq) error {
	return j.do(ctx, 0, func(w *writer) error {
		w.after = append(w.after, func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.acks[follower] = seq
			j.wake()
		})
		return w.exec("INSERT INTO followers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq", follower, int64(seq))
	})
}

// Acked returns when a follower has acknowledged seq since the journal was opened, with ctx's error, or with ErrClosed.
func (j *Journal) Acked(ctx context.Context, follower string, seq tweet.Seq) error {
	return j.until(ctx, func() bool {
		at, ok := j.acks[follower]
		return ok && at >= seq
	})
}

// slowest is the place and the name of the slowest durable follower; the end when there is none.
func (w *writer) slowest() (seq tweet.Seq, name string, err error) {
	err = w.query("SELECT seq, name FROM followers ORDER BY seq LIMIT 1", nil, &seq, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return w.last, "", nil
	}
	return min(seq, w.last), name, err
}
