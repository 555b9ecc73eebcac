package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"birdwatch/search/embedded/pack"
)

// squeezed are the blocks of one transaction: a tenth of a second or so.
const squeezed = 16

// squeeze makes all blocks smaller that were written since it did so last. Interrupted, it goes on where it was. Blocks that cannot be read stay as
// they are; the first of them is the error.
func (a *Archive) squeeze(ctx context.Context) error {
	var broken error
	for more := true; more; {
		var wrong error
		err := a.write(ctx, func(w *writer) (err error) {
			more, wrong, err = w.squeezeSome(ctx)
			return err
		})
		if err != nil {
			return errors.Join(broken, fmt.Errorf("compact archive: %w", err))
		}
		if broken == nil {
			broken = wrong
		}
	}
	return broken
}

// squeezable is a block with its halves.
type squeezable struct {
	n           int64
	front, back []byte
}

// squeeze makes both halves smaller, or leaves them as they are.
func (b *squeezable) squeeze() error {
	front, err := pack.Squeeze(b.front)
	if err != nil {
		return fmt.Errorf("block %d: %w", b.n, err)
	}
	back, err := pack.Squeeze(b.back)
	if err != nil {
		return fmt.Errorf("block %d: %w", b.n, err)
	}
	b.front, b.back = front, back
	return nil
}

// squeezeSome does the next blocks; wrong is of one of them that cannot be read.
func (w *writer) squeezeSome(ctx context.Context) (more bool, wrong, err error) {
	blocks, err := w.notSqueezed(ctx)
	if err != nil || len(blocks) == 0 {
		return false, nil, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range blocks {
		g.Go(blocks[i].squeeze)
	}
	wrong = g.Wait()
	for _, b := range blocks {
		if err := w.exec("UPDATE blocks SET front = ?, back = ? WHERE n = ?", b.front, b.back, b.n); err != nil {
			return false, nil, err
		}
	}
	return true, wrong, w.exec("INSERT INTO meta VALUES ('squeezed', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", blocks[len(blocks)-1].n)
}

// notSqueezed gives the next blocks that are as they were made.
func (w *writer) notSqueezed(ctx context.Context) (blocks []squeezable, err error) {
	rows, err := w.conn.QueryContext(ctx, "SELECT n, front, back FROM blocks WHERE n > ifnull((SELECT value FROM meta WHERE key = 'squeezed'), 0) ORDER BY n LIMIT ?", squeezed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b squeezable
		if err := rows.Scan(&b.n, &b.front, &b.back); err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
	}
	return blocks, rows.Err()
}

// written has the blocks from a number on squeezed again: one may have the number of one that went.
func (w *writer) written(n int64) error {
	return w.exec("UPDATE meta SET value = ? WHERE key = 'squeezed' AND value >= ?", n-1, n)
}
