package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sync/errgroup"

	"birdwatch/search"
	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

// bodiesSQL reads where the content of a JSON list of ids is, in its order; frontsSQL the fronts of a list of blocks.
const (
	bodiesSQL = "SELECT d.id, d.first_seq, d.block, b.frame FROM json_each(?) j CROSS JOIN docs d ON d.id = j.value LEFT JOIN bodies b ON b.id = d.id"
	frontsSQL = "SELECT b.n, b.front FROM json_each(?) j CROSS JOIN blocks b ON b.n = j.value"
)

// contentsMost is how many tweets are read at once.
const contentsMost = 256

// contents gives the tweets of ids in their order.
func (v *view) contents(ctx context.Context, ids []int64, each func(search.Hit) error) error {
	for len(ids) > 0 {
		n := min(len(ids), contentsMost)
		hits, err := v.some(ctx, ids[:n])
		if err != nil {
			return err
		}
		for _, h := range hits {
			if err := each(h); err != nil {
				return err
			}
		}
		ids = ids[n:]
	}
	return nil
}

func numbers(ns []int64) string {
	list := []byte{'['}
	for i, n := range ns {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, n, 10)
	}
	return string(append(list, ']'))
}

// packed are the hits that are in one block.
type packed struct {
	front []byte
	ids   []int64
	hits  []int
}

// some gives the tweets of ids. The blocks are opened on all processors.
func (v *view) some(ctx context.Context, ids []int64) ([]search.Hit, error) {
	rows, err := v.tx.StmtContext(ctx, v.bodies).QueryContext(ctx, numbers(ids))
	if err != nil {
		return nil, err
	}
	hits, blocks, err := scanHits(rows)
	if err != nil {
		return nil, err
	}
	if len(hits) != len(ids) {
		return nil, fmt.Errorf("the index has %d tweets that the archive lacks", len(ids)-len(hits))
	}
	if len(blocks) == 0 {
		return hits, nil
	}
	if err := v.fronts(ctx, blocks); err != nil {
		return nil, err
	}
	g, _ := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for n, b := range blocks {
		g.Go(func() error {
			payloads, err := pack.Payloads(b.front, b.ids)
			if err != nil {
				return fmt.Errorf("block %d: %w", n, err)
			}
			for i, p := range payloads {
				if p == nil {
					return fmt.Errorf("block %d lacks tweet %d", n, b.ids[i])
				}
				hits[b.hits[i]].Payload = p
			}
			return nil
		})
	}
	return hits, g.Wait()
}

// scanHits reads rows of bodiesSQL: the hits, those that are alone with their payloads, and the blocks of the others.
func scanHits(rows *sql.Rows) (hits []search.Hit, blocks map[int64]*packed, err error) {
	defer rows.Close()
	for rows.Next() {
		var h search.Hit
		var block sql.NullInt64
		var frame sql.RawBytes
		if err := rows.Scan(&h.ID, &h.FirstSeq, &block, &frame); err != nil {
			return nil, nil, err
		}
		if block.Int64 == 0 {
			c, err := tweet.Unpack(frame)
			if err != nil {
				return nil, nil, fmt.Errorf("tweet %d: %w", h.ID, err)
			}
			h.Payload = c.Payload
		} else {
			if blocks == nil {
				blocks = map[int64]*packed{}
			}
			b := blocks[block.Int64]
			if b == nil {
				b = &packed{}
				blocks[block.Int64] = b
			}
			b.ids, b.hits = append(b.ids, int64(h.ID)), append(b.hits, len(hits))
		}
		hits = append(hits, h)
	}
	return hits, blocks, rows.Err()
}

// fronts reads the fronts of blocks.
func (v *view) fronts(ctx context.Context, blocks map[int64]*packed) error {
	ns := make([]int64, 0, len(blocks))
	for n := range blocks {
		ns = append(ns, n)
	}
	rows, err := v.tx.StmtContext(ctx, v.heads).QueryContext(ctx, numbers(ns))
	if err != nil {
		return err
	}
	defer rows.Close()
	read := 0
	for ; rows.Next(); read++ {
		var n int64
		var front []byte
		if err := rows.Scan(&n, &front); err != nil {
			return err
		}
		blocks[n].front = front
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if read != len(ns) {
		return fmt.Errorf("%d of %d blocks are there", read, len(ns))
	}
	return nil
}
