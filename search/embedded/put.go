package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"birdwatch/query"
	"birdwatch/tweet"
)

// ready is what is written of a document, made from it alone.
type ready struct {
	frame   []byte
	text    []byte // its terms, parted by blanks
	figures [query.NumFigures]int64
}

var targets = sync.Pool{New: func() any { return new(query.Target) }}

// prepare makes what is written of each sighting before the lock is taken, on all processors.
func prepare(ctx context.Context, ops []op) {
	g, _ := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		g.Go(func() error {
			for i := k; i < len(ops); i += workers {
				o := &ops[i]
				if o.doc == nil || o.doc.Tombstone {
					continue
				}
				o.ready, o.problem = makeReady(o.doc, o.entry.Record.Tweet, o.entry.Frame)
			}
			return nil
		})
	}
	_ = g.Wait() // problems are in the ops
}

// makeReady makes what is written of d. p and frame are its content decoded and packed, where they are at hand.
func makeReady(d *tweet.Document, p *tweet.Payload, frame []byte) (*ready, error) {
	if p == nil {
		var err error
		if p, err = tweet.Decode(d.Payload); err != nil {
			return nil, err
		}
	}
	if p.Data.ID != d.ID {
		return nil, fmt.Errorf("the payload is of tweet %d", p.Data.ID)
	}
	r := &ready{frame: frame}
	if r.frame == nil {
		c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
		var err error
		if r.frame, err = c.Pack(); err != nil {
			return nil, err
		}
	}
	t := targets.Get().(*query.Target)
	defer targets.Put(t)
	t.Set(p)
	r.text, r.figures = appendTerms(nil, &t.Terms), t.Figures
	return r, nil
}

// appendTerms writes terms as FTS5 is given them: the words in order; the term that all have, which also keeps phrases from
// reaching on; further forms; fields.
func appendTerms(dst []byte, t *tweet.Terms) []byte {
	for i := range t.Words() {
		dst = append(append(dst, t.Word(i)...), ' ')
	}
	dst = append(dst, query.AllTerm...)
	for i := range t.Alts() {
		_, form := t.Alt(i)
		dst = append(append(dst, ' '), form...)
	}
	for i := range t.Fields() {
		dst = append(append(dst, ' '), t.Field(i)...)
	}
	return dst
}

// put writes a document over what was there (nil: nothing).
func (w *writer) put(was, d *tweet.Document, r *ready) error {
	id := int64(d.ID)
	if was != nil && !was.Tombstone {
		if err := w.exec("DELETE FROM terms WHERE rowid = ?", id); err != nil {
			return err
		}
	}
	if d.Tombstone {
		if was != nil {
			if err := w.exec("DELETE FROM bodies WHERE id = ?", id); err != nil {
				return err
			}
			if err := w.exec("DELETE FROM dead_letters WHERE id = ?", id); err != nil {
				return err
			}
		}
		return w.putRow(d, [query.NumFigures]int64{})
	}
	if r == nil {
		var err error
		if r, err = makeReady(d, nil, nil); err != nil {
			return err
		}
	}
	if err := w.putRow(d, r.figures); err != nil {
		return err
	}
	if err := w.exec("INSERT INTO bodies VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET frame = excluded.frame", id, r.frame); err != nil {
		return err
	}
	return w.exec("INSERT INTO terms (rowid, t) VALUES (?, ?)", id, string(r.text))
}

func (w *writer) putRow(d *tweet.Document, f [query.NumFigures]int64) error {
	return w.exec("INSERT OR REPLACE INTO docs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", int64(d.ID), int64(d.FirstSeq), d.At, d.BodyAt, flagsOf(d),
		f[query.CreatedAt], f[query.Followers], f[query.Following], f[query.Tweets], f[query.Listed], f[query.Likes], f[query.Reposts], f[query.Replies], f[query.Quotes])
}

// notice does what an entry asks of documents other than its own.
func (w *writer) notice(e *tweet.Entry) error {
	switch e.Kind {
	case tweet.KindDelete:
		for _, holder := range e.Cut {
			if err := w.change(holder, func(d *tweet.Document) (*tweet.Document, error) { return d.Without(e.ID) }); err != nil {
				return fmt.Errorf("cut %d from %d: %w", e.ID, holder, err)
			}
		}
	case tweet.KindGeo:
		return w.scrubGeo(e)
	case tweet.KindWithheld, tweet.KindUser:
		return w.exec("INSERT OR REPLACE INTO notices VALUES (?, ?, ?, ?, ?, ?)", int64(e.Seq), int64(e.Kind), int64(e.ID), int64(e.UserID), e.CapturedAt, e.Payload)
	}
	return nil
}

// change rewrites a document that has content.
func (w *writer) change(id tweet.ID, f func(*tweet.Document) (*tweet.Document, error)) error {
	was, err := w.load(id)
	if err != nil || was == nil || was.Tombstone {
		return err
	}
	now, err := f(was)
	if err != nil || now == was {
		return err
	}
	return w.put(was, now, nil)
}

// scrubGeo takes places from a user's tweets up to an id, those that are here and those that come.
func (w *writer) scrubGeo(e *tweet.Entry) error {
	if e.UserID == 0 {
		return nil
	}
	err := w.exec("INSERT INTO geo_scrubs VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET up_to = max(up_to, excluded.up_to)", int64(e.UserID), int64(e.ID))
	if err != nil {
		return err
	}
	q, err := query.Parse(fmt.Sprintf("from:%d (has:geo OR has:place) max_id:%d", e.UserID, e.ID), timeZero)
	if err != nil {
		return err
	}
	p := plan(q.Expr)
	rows, err := w.conn.QueryContext(context.Background(), p.idsSQL(), p.idsArgs(-1)...)
	if err != nil {
		return err
	}
	ids, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.change(id, withoutGeo); err != nil {
			return fmt.Errorf("scrub geo of %d: %w", id, err)
		}
	}
	return nil
}

// scrubbed applies earlier scrub_geo notices to a document on its way in.
func (w *writer) scrubbed(d *tweet.Document, r *ready) (*tweet.Document, *ready, error) {
	if d.Tombstone {
		return d, r, nil
	}
	var some bool
	if err := w.query("SELECT EXISTS (SELECT 1 FROM geo_scrubs)", nil, &some); err != nil || !some {
		return d, r, err
	}
	p, err := tweet.Decode(d.Payload)
	if err != nil {
		return nil, nil, err
	}
	var upTo tweet.ID
	err = w.query("SELECT up_to FROM geo_scrubs WHERE user_id = ?", []any{int64(p.Data.AuthorID)}, &upTo)
	if errors.Is(err, sql.ErrNoRows) || err == nil && d.ID > upTo {
		return d, r, nil
	}
	if err != nil {
		return nil, nil, err
	}
	clean, err := withoutGeo(d)
	if clean != d {
		r = nil
	}
	return clean, r, err
}

// withoutGeo gives the document without its place, the raw cut; d itself when it has none.
func withoutGeo(d *tweet.Document) (*tweet.Document, error) {
	p, err := tweet.Decode(d.Payload)
	if err != nil || p.Data.Geo == nil {
		return d, err
	}
	p.Data.Geo = nil
	if p.Includes != nil {
		p.Includes.Places = nil
	}
	m := *d
	m.Raw, m.RawCut = nil, true
	m.Payload, err = tweet.Encode(p)
	return &m, err
}
