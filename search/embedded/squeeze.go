package embedded

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"birdwatch/search/embedded/pack"
)

// squeezed are the blocks of one transaction: a tenth of a second or so.
const squeezed = 16

// squeeze makes all blocks smaller that were begun since it did so last. Interrupted, it goes on where it was.
func (a *Archive) squeeze(ctx context.Context) error {
	for more := true; more; {
		err := a.write(ctx, func(w *writer) (err error) {
			more, err = w.squeezeSome(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// squeezable is a block with its halves.
type squeezable struct {
	n           int64
	front, back []byte
}

func (w *writer) squeezeSome(ctx context.Context) (more bool, err error) {
	blocks, err := w.notSqueezed(ctx)
	if err != nil || len(blocks) == 0 {
		return false, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range blocks {
		b := &blocks[i]
		g.Go(func() (err error) {
			if b.front, err = pack.Squeeze(b.front); err != nil {
				return err
			}
			b.back, err = pack.Squeeze(b.back)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	for _, b := range blocks {
		if err := w.exec("UPDATE blocks SET front = ?, back = ? WHERE n = ?", b.front, b.back, b.n); err != nil {
			return false, err
		}
	}
	return true, w.exec("INSERT INTO meta VALUES ('squeezed', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", blocks[len(blocks)-1].n)
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
