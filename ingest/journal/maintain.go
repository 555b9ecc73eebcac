package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"birdwatch/tweet"
)

const (
	// trimMost is how many entries one transaction of Maintain cuts, so that appends wait little.
	trimMost = 2000
	// vacuumPages is how many free pages one transaction gives back to the disk, and how many are kept for use at least.
	vacuumPages = 2000
)

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
// deletes of tweets that never came. Nothing is taken that the slowest durable follower still needs: when the size cannot
// be kept for that, it is logged and told by Stats.
func (j *Journal) Maintain(ctx context.Context) error {
	for _, step := range []func(context.Context) (more bool, err error){j.strip, j.trim, j.forgetUnseen, j.vacuum, j.clean} {
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

func (j *Journal) trim(ctx context.Context) (more bool, err error) {
	var cut int64
	err = j.do(ctx, 0, func(w *writer) error {
		cut = 0
		slowest, name, err := w.slowest()
		if err != nil {
			return err
		}
		end, err := w.trimEnd()
		if err != nil {
			return err
		}
		j.tellFull(w.bytes > j.o.MaxBytes && end > slowest, name)
		if end = min(end, slowest); end < w.first {
			return nil
		}
		var freed sql.NullInt64
		if err := w.query("SELECT count(*), sum(length(frame)) FROM entries WHERE seq <= ?", []any{int64(end)}, &cut, &freed); err != nil {
			return err
		}
		w.bytes -= freed.Int64
		if err := w.exec("DELETE FROM entries WHERE seq <= ?", int64(end)); err != nil {
			return err
		}
		return w.findFirst()
	})
	return err == nil && cut >= trimMost, err
}

// trimEnd is the last entry that age and size would cut now.
func (w *writer) trimEnd() (tweet.Seq, error) {
	var byAge, bySize sql.NullInt64
	err := w.query("SELECT max(seq) FROM (SELECT seq, arrived FROM entries ORDER BY seq LIMIT ?) WHERE arrived < ?",
		[]any{trimMost, w.now - w.j.o.MaxAge.Milliseconds()}, &byAge)
	if excess := w.bytes - w.j.o.MaxBytes; err == nil && excess > 0 {
		// The entry with which enough is freed goes too: total is without it.
		err = w.query("SELECT max(seq) FROM (SELECT seq, sum(ifnull(length(frame), 0)) OVER (ORDER BY seq) - ifnull(length(frame), 0) AS total FROM (SELECT seq, frame FROM entries ORDER BY seq LIMIT ?)) WHERE total < ?",
			[]any{trimMost, excess}, &bySize)
	}
	return tweet.Seq(max(byAge.Int64, bySize.Int64)), err
}

// tellFull logs when the journal begins and ends to be larger than it should be.
func (j *Journal) tellFull(full bool, follower string) {
	switch was := j.full.Swap(full); {
	case full && !was:
		j.o.Logger.Warn("the journal is larger than it should be: a follower is slow, and nothing that it needs is cut", "follower", follower)
	case was && !full:
		j.o.Logger.Info("the journal has its size again")
	}
}

func (j *Journal) forgetUnseen(ctx context.Context) (more bool, err error) {
	n := 0
	err = j.do(ctx, 0, func(w *writer) error {
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

// vacuum gives the disk back what a quarter of the file does not use.
func (j *Journal) vacuum(ctx context.Context) (more bool, err error) {
	err = j.do(ctx, 0, func(w *writer) error {
		more = false
		var free, all int64
		if err := w.query("PRAGMA freelist_count", nil, &free); err != nil {
			return err
		}
		if err := w.query("PRAGMA page_count", nil, &all); err != nil {
			return err
		}
		if free < 2*vacuumPages || free < all/4 {
			return nil
		}
		more = true
		return w.drain(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages))
	})
	return more && err == nil, err
}

// drain runs a pragma that works as long as its rows are read.
func (w *writer) drain(text string) error {
	s, err := w.stmt(text)
	if err != nil {
		return err
	}
	rows, err := s.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}
