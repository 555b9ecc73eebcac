package embedded

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// ready is what is written of a document, made from it alone.
type ready struct {
	frame   []byte        // its content packed, where that was at hand; may be nil
	block   *pendingBlock // with its content, sealed beforehand; may be nil
	text    string        // its terms, parted by blanks
	figures [query.NumFigures]int64
	stray   bool
	who     search.Subjects
}

var targets = sync.Pool{New: func() any { return new(query.Target) }}

// termTexts are for terms that are being written: what is kept of them is as long as they are.
var termTexts = sync.Pool{New: func() any { return new([]byte) }}

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
	r := &ready{frame: frame, who: search.SubjectsOf(p)}
	t := targets.Get().(*query.Target)
	defer targets.Put(t)
	t.Set(p)
	buf := termTexts.Get().(*[]byte)
	defer termTexts.Put(buf)
	text := appendTerms((*buf)[:0], &t.Terms)
	r.figures = t.Figures
	if r.stray = search.IsStray(d.ID, r.figures[query.CreatedAt]); r.stray {
		text = append(append(text, ' '), search.StrayTerm...)
	}
	*buf, r.text = text, string(text)
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
	w.count(was, -1)
	w.count(d, 1)
	w.highest = max(w.highest, int64(d.FirstSeq))
	if was != nil && !was.Tombstone {
		if err := w.unindex(id); err != nil {
			return err
		}
	}
	if d.Tombstone {
		if err := w.forget(id); err != nil {
			return err
		}
		return w.putRow(d, [query.NumFigures]int64{}, 0)
	}
	if r == nil {
		var err error
		if r, err = makeReady(d, nil, nil); err != nil {
			return err
		}
	}
	w.strays = w.strays || r.stray
	w.leave(id)
	block, err := w.keep(d, r)
	if err != nil {
		return err
	}
	if err := w.putRow(d, r.figures, block); err != nil {
		return err
	}
	text, err := w.terms(d, r)
	if err != nil {
		return err
	}
	return w.index(id, text)
}

// forget removes a tweet's content, but for its terms.
func (w *writer) forget(id int64) error {
	w.leave(id)
	if err := w.exec("DELETE FROM bodies WHERE id = ?", id); err != nil {
		return err
	}
	n, err := w.affected("DELETE FROM dead_letters WHERE id = ?", id)
	w.deadLetters -= n
	return err
}

// count adds n documents of d's kind to what the archive says of itself.
func (w *writer) count(d *tweet.Document, n int64) {
	switch {
	case d == nil:
	case d.Tombstone:
		w.tombstones += n
	default:
		w.tweets += n
	}
}

// inPlace keeps the block that a row names.
const inPlace = -1

func (w *writer) putRow(d *tweet.Document, figures [query.NumFigures]int64, block int64) error {
	place := func(f query.Figure) any {
		if d.Tombstone || figures[f] == query.NoPlace {
			return nil
		}
		return figures[f]
	}
	f := figures
	return w.exec(`INSERT OR REPLACE INTO docs VALUES (?1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
		CASE ?18 WHEN -1 THEN (SELECT block FROM docs WHERE id = ?1) WHEN 0 THEN NULL ELSE ?18 END)`, int64(d.ID), int64(d.FirstSeq), d.At, d.BodyAt, search.Flags(d),
		f[query.CreatedAt], f[query.Followers], f[query.Following], f[query.Tweets], f[query.Listed], f[query.Likes], f[query.Reposts], f[query.Replies], f[query.Quotes], f[query.Relevancy],
		place(query.Longitude), place(query.Latitude), block)
}
