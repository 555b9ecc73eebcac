package embedded

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"birdwatch/search"
	"birdwatch/tweet"
)

// Get gives the documents of ids that there are, in the order asked, tombstones among them.
func (a *Archive) Get(ctx context.Context, ids ...tweet.ID) ([]*tweet.Document, error) {
	s, err := a.read.PrepareContext(ctx, "SELECT d.id, d.first_seq, d.at, d.body_at, d.flags, b.frame FROM docs d LEFT JOIN bodies b ON b.id = d.id WHERE d.id = ?")
	if err != nil {
		return nil, fault("get", err)
	}
	defer s.Close()
	var docs []*tweet.Document
	for _, id := range ids {
		d, err := scanDocument(s.QueryRowContext(ctx, int64(id)))
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return nil, fault("get", err)
		default:
			docs = append(docs, d)
		}
	}
	return docs, nil
}

// Identities gives every document, by id ascending.
func (a *Archive) Identities(ctx context.Context) iter.Seq2[search.Identity, error] {
	return func(yield func(search.Identity, error) bool) {
		rows, err := a.read.QueryContext(ctx, "SELECT d.id, d.first_seq, d.at, d.flags, b.frame FROM docs d LEFT JOIN bodies b ON b.id = d.id ORDER BY d.id")
		if err != nil {
			yield(search.Identity{}, fault("list", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var i search.Identity
			var flags int
			var frame sql.RawBytes
			err := rows.Scan(&i.ID, &i.FirstSeq, &i.At, &flags, &frame)
			if i.Tombstone = flags&flagTombstone != 0; err == nil && !i.Tombstone {
				i.Copies, err = copies(frame)
			}
			if !yield(i, fault("list", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(search.Identity{}, fault("list", err))
		}
	}
}

func copies(frame []byte) ([]tweet.Copy, error) {
	c, err := tweet.Unpack(frame)
	if err != nil {
		return nil, err
	}
	p, err := tweet.Decode(c.Payload)
	if err != nil {
		return nil, err
	}
	return p.Copies(), nil
}
