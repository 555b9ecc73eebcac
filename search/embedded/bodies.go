package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

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
