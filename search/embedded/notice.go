package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// notice does what an entry asks of documents other than its own.
func (w *writer) notice(e *tweet.Entry) error {
	switch e.Kind {
	case tweet.KindDelete:
		for _, holder := range e.Cut {
			if err := w.change(holder, func(d *tweet.Document) (*tweet.Document, error) { return d.Without(e.ID) }); err != nil {
				return fmt.Errorf("cut %d from %d: %w", e.ID, holder, err)
			}
			if err := w.cutLetters(holder, e.ID); err != nil {
				return fmt.Errorf("cut %d from dead letters of %d: %w", e.ID, holder, err)
			}
		}
	case tweet.KindGeo:
		return w.scrubGeo(e)
	case tweet.KindWithheld, tweet.KindUser:
		detail := e.Payload
		if detail == nil {
			detail = []byte{}
		}
		return w.exec("INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, ?, ?)", int64(e.Seq), int64(e.Kind), int64(e.ID), int64(e.UserID), e.CapturedAt, detail)
	}
	return nil
}

// change rewrites a document that has content.
func (w *writer) change(id tweet.ID, f func(*tweet.Document) (*tweet.Document, error)) error {
	docs, err := w.load([]tweet.ID{id})
	if err != nil {
		return err
	}
	was := docs[id]
	if was == nil || was.Tombstone {
		return nil
	}
	now, err := f(was)
	if err != nil || now == was {
		return err
	}
	return w.put(was, now, nil)
}

// scrubGeo takes places from a user's tweets up to an id, those that are here and those that come, and from copies of
// them inside others.
func (w *writer) scrubGeo(e *tweet.Entry) error {
	if e.UserID == 0 {
		return nil
	}
	err := w.exec("INSERT INTO geo_scrubs VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET up_to = max(up_to, excluded.up_to)", int64(e.UserID), int64(e.ID))
	if err != nil {
		return err
	}
	w.scrubs = true
	q, err := query.Parse(fmt.Sprintf("from:%[1]d OR quotes_of:%[1]d OR retweets_of:%[1]d OR to:%[1]d", e.UserID), time.Time{})
	if err != nil {
		return err
	}
	p := planOf(&search.Request{Query: q.Expr}, false)
	text, key, args := p.from(&p.parts[0], false)
	rows, err := w.conn.QueryContext(context.Background(), "SELECT "+key+" "+text, args...)
	if err != nil {
		return err
	}
	ids, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.change(id, w.withoutGeo); err != nil {
			return fmt.Errorf("scrub geo of %d: %w", id, err)
		}
	}
	return nil
}

func scanIDs(rows *sql.Rows) ([]tweet.ID, error) {
	defer rows.Close()
	var ids []tweet.ID
	for rows.Next() {
		var id tweet.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// withoutGeo gives the document without the places that scrub_geo notices took; d itself when there are none.
func (w *writer) withoutGeo(d *tweet.Document) (*tweet.Document, error) {
	if !w.scrubs {
		return d, nil
	}
	return d.WithoutPlaces(func(user tweet.ID) (upTo tweet.ID, err error) {
		err = w.query("SELECT up_to FROM geo_scrubs WHERE user_id = ?", []any{int64(user)}, &upTo)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
		return upTo, err
	})
}
