package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// notice does what an entry asks of documents other than its own.
func (w *writer) notice(e *tweet.Entry) error {
	switch e.Kind {
	case tweet.KindDelete:
		if err := w.change(e.Cut, func(d *tweet.Document) (*tweet.Document, error) { return d.Without(e.ID) }); err != nil {
			return fmt.Errorf("cut %d: %w", e.ID, err)
		}
		for _, holder := range e.Cut {
			if err := w.cutLetters(holder, e.ID); err != nil {
				return fmt.Errorf("cut %d from dead letters of %d: %w", e.ID, holder, err)
			}
		}
	case tweet.KindGeo:
		return w.scrubGeo(e)
	case tweet.KindWithheld, tweet.KindUser:
		return w.hide(e)
	}
	return nil
}

// change rewrites documents that have content.
func (w *writer) change(ids []tweet.ID, f func(*tweet.Document) (*tweet.Document, error)) error {
	for some := range slices.Chunk(ids, stepMost) {
		docs, err := w.load(some) // many at once: a block that holds several is opened once
		if err != nil {
			return err
		}
		for _, id := range some {
			was := docs[id]
			if was == nil || was.Tombstone {
				continue
			}
			now, err := f(was)
			if err == nil && now != was {
				err = w.put(was, now, nil)
			}
			if err != nil {
				return fmt.Errorf("tweet %d: %w", id, err)
			}
			delete(docs, id) // an id may be there twice
		}
	}
	return nil
}

// scrubGeo takes places from a user's tweets up to an id, or from one tweet: those that are here and those that come, and copies of them inside others.
func (w *writer) scrubGeo(e *tweet.Entry) error {
	w.scrubs = true
	if e.UserID == 0 {
		if err := w.exec("INSERT OR IGNORE INTO geo_tweets VALUES (?)", int64(e.ID)); err != nil {
			return err
		}
		return w.change(append([]tweet.ID{e.ID}, e.Cut...), w.withoutGeo)
	}
	err := w.exec("INSERT INTO geo_scrubs VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET up_to = max(up_to, excluded.up_to)", int64(e.UserID), int64(e.ID))
	if err != nil {
		return err
	}
	ids, err := w.found(search.CarriersOf(e.UserID))
	if err != nil {
		return err
	}
	return w.change(ids, w.withoutGeo)
}

// found gives the ids that a query finds, of one part, hidden tweets among them.
func (w *writer) found(e query.Expr) ([]tweet.ID, error) {
	p := planOf(&search.Request{Query: e}, false)
	text, key, args := p.from(&p.parts[0], false)
	rows, err := w.conn.QueryContext(context.Background(), "SELECT "+key+" "+text, args...)
	if err != nil {
		return nil, err
	}
	return scanIDs(rows)
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
	return d.WithoutPlaces(func(t *tweet.Tweet) (gone bool, err error) {
		err = w.query("SELECT EXISTS (SELECT 1 FROM geo_scrubs WHERE user_id = ? AND up_to >= ?) OR EXISTS (SELECT 1 FROM geo_tweets WHERE id = ?)",
			[]any{int64(t.AuthorID), int64(t.ID), int64(t.ID)}, &gone)
		return gone, err
	})
}
