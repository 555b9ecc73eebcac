package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"birdwatch/search"
	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

// The content of a tweet is in bodies as a frame of its own (tweet.Content), or in the block that docs.block names, with that of
// others (package pack). Fresh ones are alone and cheap to change; the writer packs them when there are many (see block.go).

// querier is a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// documentSQL reads rows of docs with the frames of those that are alone.
const documentSQL = "SELECT d.id, d.first_seq, d.at, d.body_at, d.flags, d.block, b.frame FROM docs d LEFT JOIN bodies b ON b.id = d.id "

// row is a row of documentSQL.
type row struct {
	doc   *tweet.Document
	block int64 // 0: it is alone, or has no content
	frame []byte
}

func scanRows(rows *sql.Rows) (all []row, err error) {
	defer rows.Close()
	for rows.Next() {
		d := &tweet.Document{}
		r := row{doc: d}
		var flags int
		var block sql.NullInt64
		if err := rows.Scan(&d.ID, &d.FirstSeq, &d.At, &d.BodyAt, &flags, &block, &r.frame); err != nil {
			return nil, err
		}
		search.SetFlags(d, flags)
		r.block = block.Int64
		all = append(all, r)
	}
	return all, rows.Err()
}

// documents gives the documents of a condition in its order, until each says no. What q reads must be one state of the archive.
func documents(ctx context.Context, q querier, where string, args []any, each func(*tweet.Document) bool) error {
	found, err := q.QueryContext(ctx, documentSQL+where, args...)
	if err != nil {
		return err
	}
	rows, err := scanRows(found)
	if err != nil {
		return err
	}
	if err := fill(ctx, q, rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.block == 0 {
			if err := unpack(r.doc, r.frame); err != nil {
				return err
			}
		}
		if !each(r.doc) {
			return nil
		}
	}
	return nil
}

// fill gives the documents that are in blocks their content. Each block is opened once.
func fill(ctx context.Context, q querier, rows []row) error {
	blocks := map[int64]map[int64]*tweet.Document{}
	for _, r := range rows {
		if r.block == 0 {
			continue
		}
		if blocks[r.block] == nil {
			blocks[r.block] = map[int64]*tweet.Document{}
		}
		blocks[r.block][int64(r.doc.ID)] = r.doc
	}
	for n, docs := range blocks {
		front, back, err := readBlock(ctx, q, n)
		if err != nil {
			return err
		}
		tweets, err := pack.Open(front, back, slices.Collect(maps.Keys(docs)))
		if err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
		if len(tweets) != len(docs) {
			return fmt.Errorf("block %d lacks %d tweets", n, len(docs)-len(tweets))
		}
		for i := range tweets {
			if err := setContent(docs[tweets[i].ID], &tweets[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func readBlock(ctx context.Context, q querier, n int64) (front, back []byte, err error) {
	rows, err := q.QueryContext(ctx, "SELECT front, back FROM blocks WHERE n = ?", n)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("there is no block %d", n)
	}
	return front, back, rows.Scan(&front, &back)
}

// unpack gives a document its content from a frame.
func unpack(d *tweet.Document, frame []byte) error {
	if d.Tombstone {
		return nil
	}
	c, err := tweet.Unpack(frame)
	if err != nil {
		return fmt.Errorf("tweet %d: %w", d.ID, err)
	}
	d.Payload, d.Raw, d.Figures, d.Provenance = c.Payload, c.Raw, c.Figures, c.Provenance
	return nil
}

// contentOf is a document's content for a block.
func contentOf(d *tweet.Document) (pack.Tweet, error) {
	provenance, err := json.Marshal(d.Provenance)
	return pack.Tweet{ID: int64(d.ID), Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: provenance}, err
}

func setContent(d *tweet.Document, t *pack.Tweet) error {
	if err := json.Unmarshal(t.Provenance, &d.Provenance); err != nil {
		return fmt.Errorf("tweet %d: provenance: %w", d.ID, err)
	}
	orNil := func(b []byte) []byte {
		if len(b) == 0 {
			return nil
		}
		return b
	}
	d.Payload, d.Raw, d.Figures = orNil(t.Payload), orNil(t.Raw), orNil(t.Figures)
	return nil
}

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
