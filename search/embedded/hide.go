package embedded

import (
	"context"
	"fmt"
	"strings"

	"birdwatch/search"
	"birdwatch/tweet"
)

// hiddenIn finds what is hidden in some countries, or everywhere.
func hiddenIn(countries []string) string {
	places := search.HiddenFrom(countries)
	xs := make([]string, len(places))
	for i, p := range places {
		xs[i] = quoted(search.HiddenTermOf(p))
	}
	return enclosed(xs, " OR ")
}

// hide records a notice, and hides or shows the tweets that are here accordingly. Those that come are when they are written.
func (w *writer) hide(e *tweet.Entry) error {
	who := search.SubjectOf(&e.Record)
	h, err := w.hiding(who)
	if err != nil {
		return err
	}
	detail := e.Payload
	if detail == nil {
		detail = []byte{}
	}
	err = w.exec("INSERT OR IGNORE INTO notices VALUES (?, ?, ?, ?, ?, ?)", int64(e.Seq), int64(e.Kind), int64(e.ID), int64(e.UserID), e.CapturedAt, detail)
	if err != nil || who.ID == 0 || !h.Take(e.CapturedAt, detail) {
		return err
	}
	w.hides = true
	ids, err := w.found(who.HiddenWith())
	if err != nil {
		return err
	}
	if !who.User {
		ids = append(ids, who.ID)
	}
	return w.indexAgain(ids)
}

// indexAgain writes the terms of tweets anew. Their content stays where it is.
func (w *writer) indexAgain(ids []tweet.ID) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), stepMost)]
		docs, err := w.load(some)
		if err != nil {
			return err
		}
		for id, d := range docs {
			if d.Tombstone {
				continue
			}
			r, err := makeReady(d, nil, nil)
			if err != nil {
				return err
			}
			text, err := w.terms(d, r)
			if err != nil {
				return err
			}
			if err := w.unindex(int64(id)); err != nil {
				return err
			}
			if err := w.index(int64(id), text); err != nil {
				return err
			}
		}
		ids = ids[len(some):]
	}
	return nil
}

// hiding is what all notices about a subject come to.
func (w *writer) hiding(who search.Subject) (h search.Hiding, err error) {
	text, kind := "SELECT at, detail FROM notices WHERE kind = ? AND id = ?", tweet.KindWithheld
	if who.User {
		text, kind = "SELECT at, detail FROM notices WHERE kind = ? AND id = 0 AND user_id = ?", tweet.KindUser
	}
	s, err := w.stmt(text)
	if err != nil {
		return h, err
	}
	rows, err := s.Query(int64(kind), int64(who.ID))
	if err != nil {
		return h, err
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var detail []byte
		if err := rows.Scan(&at, &detail); err != nil {
			return h, err
		}
		h.Take(at, detail)
	}
	return h, rows.Err()
}

// terms are those of a document, with where it is hidden.
func (w *writer) terms(d *tweet.Document, r *ready) (string, error) {
	of := w.hiding
	if !w.hides {
		of = nil
	}
	places, err := r.who.Places(d.BodyAt, of)
	if err != nil || len(places) == 0 {
		return r.text, err
	}
	w.hidden = true
	var b strings.Builder
	b.WriteString(r.text)
	for _, p := range places {
		b.WriteByte(' ')
		b.WriteString(search.HiddenTermOf(p))
	}
	return b.String(), nil
}

// Hidden gives those of the ids whose tweets notices hide.
func (a *Archive) Hidden(ctx context.Context, ids ...tweet.ID) (map[tweet.ID]bool, error) {
	hidden := map[tweet.ID]bool{}
	err := a.look(ctx, "hidden", func(v *view) error {
		if !v.now.hidden {
			return nil
		}
		for _, id := range ids {
			var is bool
			if err := v.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM terms WHERE terms MATCH ? AND rowid = ?)", a.hidden, int64(id)).Scan(&is); err != nil {
				return fmt.Errorf("tweet %d: %w", id, err)
			}
			if is {
				hidden[id] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hidden, nil
}
