package elastic

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"birdwatch/search"
	"birdwatch/tweet"
)

// group is all that happens to one id in a batch.
type group struct {
	id       tweet.ID
	ops      []*op
	cuts     []tweet.ID // deleted tweets whose copies it carries
	was, now *tweet.Document
	content  []byte   // of now
	hidden   []string // where now is
	scrub    bool     // its places are to be looked at whatever happens
	again    bool     // it is to be written whatever happens, as where it is hidden changed
	item     item
}

// mergeTries is how often a document is merged anew that somebody else changes at the same time.
const mergeTries = 5

// merge writes all ops, those of one id in their order, and takes copies of deleted tweets from the documents that entries name.
func (a *Archive) merge(ctx context.Context, ops []op, entries []tweet.Entry) error {
	return a.mergeAll(ctx, grouped(ops, entries))
}

// mergeAll writes what becomes of each id. It is one document, so that no request overtakes another.
func (a *Archive) mergeAll(ctx context.Context, groups []*group) error {
	for pending, try := groups, 0; len(pending) > 0; try++ {
		if try == mergeTries {
			return fmt.Errorf("%w: tweet %d changes faster than it can be merged", search.ErrUnavailable, pending[0].id)
		}
		if try > 0 {
			// Who else writes here? Perhaps this process has been asleep.
			if err := a.takeLease(ctx); err != nil {
				return err
			}
		}
		read := a.readForWriting
		if try > 0 {
			read = a.read
		}
		items, err := a.mergeGroups(ctx, pending, read)
		if err != nil {
			return err
		}
		if err := a.put(ctx, items); err != nil {
			return err
		}
		pending = slices.DeleteFunc(slices.Clone(pending), func(g *group) bool { return g.item.state != conflicting })
	}
	return a.finish(ctx, groups)
}

// grouped sorts ops and cuts by id.
func grouped(ops []op, entries []tweet.Entry) []*group {
	byID := make(map[tweet.ID]*group, len(ops))
	all := make([]group, 0, len(ops))
	of := func(id tweet.ID) *group {
		g := byID[id]
		if g == nil {
			if len(all) < cap(all) {
				all = append(all, group{})
				g = &all[len(all)-1]
			} else {
				g = &group{}
			}
			g.id = id
			byID[id] = g
		}
		return g
	}
	for i := range ops {
		if ops[i].doc != nil {
			g := of(ops[i].doc.ID)
			g.ops = append(g.ops, &ops[i])
		}
	}
	for i := range entries {
		switch e := &entries[i]; {
		case e.Kind == tweet.KindDelete:
			for _, holder := range e.Cut {
				g := of(holder)
				g.cuts = append(g.cuts, e.ID)
			}
		case e.Kind == tweet.KindGeo && e.UserID == 0:
			of(e.ID).scrub = true
			for _, holder := range e.Cut {
				of(holder).scrub = true
			}
		}
	}
	groups := make([]*group, 0, len(byID))
	for _, g := range byID {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y *group) int { return cmp.Compare(x.id, y.id) })
	return groups
}

// mergeGroups reads what there is, merges, and gives what has to be written.
func (a *Archive) mergeGroups(ctx context.Context, groups []*group, read func(context.Context, []tweet.ID) (map[tweet.ID]*tweet.Document, error)) ([]*item, error) {
	ids := make([]tweet.ID, len(groups))
	for i, g := range groups {
		ids[i] = g.id
	}
	docs, err := read(ctx, ids)
	if err != nil {
		return nil, err
	}
	var work errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		work.Go(func() error {
			for i := k; i < len(groups); i += workers {
				if err := a.mergeOne(groups[i], docs[groups[i].id]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	items := make([]*item, 0, len(groups))
	for _, g := range groups {
		if g.now == nil || g.now == g.was && (!g.again || g.now.Tombstone) {
			g.item = item{}
			continue
		}
		g.item = item{id: g.id, period: a.schema.period(g.id), version: g.now.Version(), doc: g.now, hidden: g.hidden, content: g.content}
		items = append(items, &g.item)
	}
	return items, nil
}

// mergeOne makes of what there is of an id (nil: nothing) what there will be.
func (a *Archive) mergeOne(g *group, was *tweet.Document) error {
	g.was, g.now, g.content, g.hidden = was, was, nil, nil
	for _, o := range g.ops {
		g.sight(o)
	}
	for _, id := range g.cuts {
		if g.now == nil {
			break
		}
		cut, err := g.now.Without(id)
		if err != nil {
			return fmt.Errorf("tweet %d: %w", g.id, err)
		}
		g.replace(cut)
	}
	if g.now == nil || g.now == was && !g.scrub && !g.again {
		return nil
	}
	clean, err := a.writer.withoutGeo(g.now)
	if err != nil {
		return fmt.Errorf("tweet %d: %w", g.id, err)
	}
	g.replace(clean)
	if g.now.Tombstone || g.now == was && !g.again {
		return nil
	}
	if g.content == nil {
		if g.content, err = appendContent(nil, g.now, nil, nil); err != nil {
			return fmt.Errorf("tweet %d: %w", g.id, err)
		}
	}
	if g.hidden, err = a.writer.hiddenIn(g.now); err != nil {
		return fmt.Errorf("tweet %d: %w", g.id, err)
	}
	return nil
}

// replace makes d what there will be.
func (g *group) replace(d *tweet.Document) {
	if d != g.now {
		g.now, g.content = d, nil
	}
}

// sight merges one op into what there will be.
func (g *group) sight(o *op) {
	switch {
	case g.now != nil && g.now.Tombstone && o.problem != nil:
		o.change = search.Deleted // it is not kept, not even among the dead letters
		return
	case o.problem != nil:
		o.change = search.Refused
		return
	case g.now == nil:
		g.now, g.content, o.change = o.doc, o.content, search.Inserted
		if o.doc.Tombstone {
			o.change = search.Deleted
		}
		return
	}
	merge := g.now.Merge
	if o.whole {
		merge = g.now.MergeWhole
	}
	merged, differs, err := merge(o.doc)
	if err != nil {
		o.problem, o.change = err, search.Refused
		return
	}
	o.change = search.Same
	if differs {
		o.change = search.Updated
		if g.now.Tombstone {
			o.change = search.Inserted
		}
		g.replace(merged)
	}
	if merged.Tombstone {
		o.change = search.Deleted
	}
}

// finish does what follows from what was written: refusals become dead letters, deleted tweets lose theirs.
func (a *Archive) finish(ctx context.Context, groups []*group) error {
	var letters []letter
	var deleted []tweet.ID
	cuts := map[tweet.ID][]tweet.ID{}
	for _, g := range groups {
		if len(g.cuts) > 0 {
			cuts[g.id] = g.cuts
		}
		if g.item.state == refused {
			g.refuse(g.item.problem)
		}
		if g.now != nil && g.now.Tombstone {
			if g.now != g.was {
				deleted = append(deleted, g.id)
			}
			continue
		}
		for _, o := range g.ops {
			if o.change == search.Refused && o.letter == "" {
				letters = append(letters, letterOf(o))
			}
		}
	}
	if err := a.bury(ctx, letters); err != nil {
		return err
	}
	if err := a.cutLetters(ctx, cuts); err != nil {
		return err
	}
	return a.burn(ctx, deleted)
}

// refuse notes that the server did not take the document: what made it goes to the dead letters.
func (g *group) refuse(problem error) {
	for _, o := range g.ops {
		if o.change == search.Inserted || o.change == search.Updated {
			o.change, o.problem = search.Refused, problem
		}
	}
	g.now = g.was
}
