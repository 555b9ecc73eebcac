package embedded

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// sealAhead packs tweets that are probably new in blocks before the archive is locked: it is a third of all the work of an import, and what
// another batch is written meanwhile costs nothing then. Whether a block is of use turns out when it is to be written; where it is not, its
// tweets are packed again.
func (a *Archive) sealAhead(ctx context.Context, ops []op) {
	if len(ops) < blockLeast {
		return
	}
	fresh := a.fresh(ctx, ops)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0)) // more at once only take more memory
	var b *pendingBlock
	seal := func() {
		if full := b; full != nil && full.enough() {
			g.Go(func() error {
				if full.seal() != nil {
					full.front = nil // the writer packs its tweets again, and says what is wrong
				}
				return nil
			})
		}
		b = &pendingBlock{}
	}
	seal()
	for _, o := range fresh {
		t, err := contentOf(o.doc)
		if err != nil {
			continue // met again by the writer, which says so
		}
		if !b.takes(&t) {
			seal()
		}
		b.add(t, o.doc)
		o.ready.block = b
	}
	seal()
	_ = g.Wait()
}

// fresh gives the sightings that can be packed, by id: those whose tweet neither the archive has nor another op is of. When that cannot be
// found out, none is.
func (a *Archive) fresh(ctx context.Context, ops []op) []*op {
	sorted, ids := make([]*op, 0, len(ops)), make([]int64, 0, len(ops))
	for i := range ops {
		if ops[i].doc != nil {
			sorted, ids = append(sorted, &ops[i]), append(ids, int64(ops[i].doc.ID))
		}
	}
	slices.SortFunc(sorted, func(a, b *op) int { return cmp.Compare(a.doc.ID, b.doc.ID) })
	known := map[int64]bool{}
	err := a.look(ctx, "look for known tweets", func(v *view) error {
		rows, err := v.tx.QueryContext(ctx, "SELECT id FROM docs WHERE id IN (SELECT value FROM json_each(?))", numbers(ids))
		if err != nil {
			return err
		}
		there, err := scanIDs(rows)
		for _, id := range there {
			known[int64(id)] = true
		}
		return err
	})
	if err != nil {
		return nil
	}
	fresh := make([]*op, 0, len(sorted))
	for i, o := range sorted {
		twice := i > 0 && sorted[i-1].doc.ID == o.doc.ID || i+1 < len(sorted) && sorted[i+1].doc.ID == o.doc.ID
		if o.ready != nil && !twice && !known[int64(o.doc.ID)] && len(o.doc.Payload)+len(o.doc.Raw) <= largeTweet {
			fresh = append(fresh, o)
		}
	}
	return fresh
}

// useAhead keeps of the blocks that were sealed beforehand those whose tweets are written as they are; the others' tweets forget them.
func (w *writer) useAhead(ops []*op) error {
	blocks := map[*pendingBlock]int{}
	for _, o := range ops {
		if o.ready == nil || o.ready.block == nil {
			continue
		}
		b := o.ready.block
		clean, err := w.withoutGeo(o.doc)
		if err != nil {
			return err
		}
		if _, known := w.home[int64(o.doc.ID)]; !known && clean == o.doc && b.front != nil {
			blocks[b]++
		}
	}
	for _, o := range ops {
		if o.ready != nil && o.ready.block != nil && blocks[o.ready.block] < len(o.ready.block.docs) {
			o.ready.block = nil
		}
	}
	return nil
}
