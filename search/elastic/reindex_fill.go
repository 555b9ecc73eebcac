package elastic

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"birdwatch/tweet"
)

// beginFilling makes the new index, or finds it.
func (r *reindex) beginFilling(ctx context.Context, p period, f *fillingDoc) error {
	*f = fillingDoc{Kind: kindFilling, Key: "filling-" + p.String(), Period: p.String(), Before: math.MaxInt64}
	known, err := r.indices(ctx)
	if err != nil {
		return err
	}
	if r.writer.filling[p] != "" {
		if _, err := r.readState(ctx, f.Key, f); err != nil {
			return err
		}
		r.writer.filling[p] = f.Index
		return nil
	}
	_, generation, ok := r.schema.parseIndex(known.names[p])
	if !ok {
		return gone("the index of " + p.String())
	}
	f.Index = r.schema.index(p, generation+1)
	if err := r.drop(ctx, []string{f.Index}); err != nil { // a leftover
		return err
	}
	if err := r.makeIndex(ctx, f.Index, `{}`); err != nil {
		return err
	}
	if err := r.noteFilling(ctx, f); err != nil {
		return err
	}
	r.writer.filling[p] = f.Index
	r.o.Logger.Info("filling a new index", "index", f.Index)
	return nil
}

func (r *reindex) noteFilling(ctx context.Context, f *fillingDoc) error {
	var b bulkLines
	b.index(f.Key, f)
	return r.sendLines(ctx, r.schema.state(), &b)
}

// fill copies the next documents, from the newest to the oldest. What was written since the copy began is in the new index already, in that state or
// a later one: it is not overwritten.
func (r *reindex) fill(ctx context.Context, p period, f *fillingDoc) error {
	if err := r.settle(ctx); err != nil {
		return err
	}
	found, err := r.ask(ctx, []period{p}, `{"size":`+strconv.Itoa(fillMost)+`,"track_total_hits":false,"sort":[{"id":"desc"}],"_source":`+sourceFields+
		`,"query":`+rangeJSON("id", interval{math.MinInt64, int64(f.Before) - 1})+`}`)
	if err != nil {
		return err
	}
	var ops []op
	before := tweet.ID(0)
	for i := range found.Hits.Hits {
		s := &found.Hits.Hits[i].Source
		d, err := s.document()
		if err != nil {
			d = &tweet.Document{ID: s.ID, FirstSeq: s.FirstSeq, At: s.At, BodyAt: s.BodyAt}
		}
		ops = append(ops, op{doc: d, whole: true, problem: err})
		before = s.ID
	}
	encode(ops)
	if err := r.copyTo(ctx, p, f, ops); err != nil {
		return err
	}
	if f.Before = before; len(ops) < fillMost {
		f.Before = 0
	}
	r.run.Done += int64(len(ops))
	if r.progress != nil {
		r.progress(min(r.run.Done, r.run.Total), r.run.Total)
	}
	return nil
}

// copyTo writes documents to the new index. Those that it does not take become dead letters.
func (r *reindex) copyTo(ctx context.Context, p period, f *fillingDoc, ops []op) error {
	items := make([]*item, 0, len(ops))
	var letters []letter
	for i := range ops {
		o := &ops[i]
		if o.problem != nil {
			letters = append(letters, letterOf(o))
			continue
		}
		hidden, err := r.writer.hiddenIn(o.doc)
		if err != nil {
			return err
		}
		items = append(items, &item{id: o.doc.ID, period: p, version: o.doc.Version(), doc: o.doc, content: o.content, hidden: hidden})
	}
	slices.Reverse(items) // by id
	if err := r.send(ctx, items, target{index: map[period]string{p: f.Index}, newer: true}); err != nil {
		return err
	}
	for _, i := range items {
		if i.state == refused {
			letters = append(letters, letterOf(&op{doc: i.doc, whole: true, problem: i.problem}))
		}
	}
	f.Refused += int64(len(letters))
	return r.bury(ctx, letters)
}

// putFilling writes items to the indices that are being filled.
func (a *Archive) putFilling(ctx context.Context, items []*item) error {
	w := &a.writer
	if len(w.filling) == 0 {
		return nil
	}
	var also []*item
	for _, i := range items {
		if w.filling[i.period] != "" {
			copied := *i
			also = append(also, &copied)
		}
	}
	if err := a.send(ctx, also, target{index: w.filling}); err != nil {
		return fmt.Errorf("the new index: %w", err)
	}
	var letters []letter
	for _, i := range also {
		if i.state == refused && !i.remove {
			letters = append(letters, letterOf(&op{doc: i.doc, whole: true, problem: i.problem}))
		}
	}
	return a.bury(ctx, letters)
}
