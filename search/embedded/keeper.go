package embedded

import (
	"context"
	"iter"

	"birdwatch/search"
	"birdwatch/tweet"
)

var _ search.Keeper = (*Archive)(nil)

// Documents gives documents by id, tombstones among them.
func (a *Archive) Documents(ctx context.Context, after tweet.ID, limit int) (docs []*tweet.Document, err error) {
	err = a.look(ctx, "documents", func(v *view) error {
		return documents(ctx, v.tx, "WHERE d.id > ? ORDER BY d.id LIMIT ?", []any{int64(after), limit}, func(d *tweet.Document) bool {
			docs = append(docs, d)
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// Put merges whole documents. What cannot be indexed goes to the dead letters, as sightings do.
func (a *Archive) Put(ctx context.Context, docs []*tweet.Document) error {
	ops := make([]op, len(docs))
	for i, d := range docs {
		ops[i] = op{at: i, entry: &tweet.Entry{Seq: d.FirstSeq, Record: tweet.Record{ID: d.ID}}, doc: d, whole: true}
	}
	prepare(ctx, ops)
	return a.write(ctx, func(w *writer) error {
		return w.merge(ops, make([]search.Change, len(ops)))
	})
}

// Notices gives what is recorded of scrub_geo notices, those of one user as one, and of those that hide tweets or tell of users.
func (a *Archive) Notices(ctx context.Context) iter.Seq2[tweet.Entry, error] {
	return func(yield func(tweet.Entry, error) bool) {
		rows, err := a.read.QueryContext(ctx, `SELECT 0, ?, up_to, user_id, 0, NULL FROM geo_scrubs
			UNION ALL SELECT 0, ?, id, 0, 0, NULL FROM geo_tweets UNION ALL SELECT seq, kind, id, user_id, at, detail FROM notices`, int64(tweet.KindGeo), int64(tweet.KindGeo))
		if err != nil {
			yield(tweet.Entry{}, fault("notices", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var e tweet.Entry
			err := rows.Scan(&e.Seq, &e.Kind, &e.ID, &e.UserID, &e.CapturedAt, &e.Payload)
			if !yield(e, fault("notices", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tweet.Entry{}, fault("notices", err))
		}
	}
}
