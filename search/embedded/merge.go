package embedded

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"birdwatch/search"
	"birdwatch/tweet"
)

// merge writes all ops, by id, those of one id in their order.
func (w *writer) merge(ops []op, changes []search.Change) error {
	sorted := make([]*op, 0, len(ops))
	ids := make([]tweet.ID, 0, len(ops))
	for i := range ops {
		if ops[i].doc != nil {
			sorted = append(sorted, &ops[i])
			ids = append(ids, ops[i].entry.ID)
		}
	}
	slices.SortStableFunc(sorted, func(a, b *op) int { return cmp.Compare(a.entry.ID, b.entry.ID) })
	docs, err := w.load(ids)
	if err != nil {
		return err
	}
	if err := w.useAhead(sorted); err != nil {
		return err
	}
	w.batch = len(sorted) >= blockLeast
	defer func() { w.batch = false }()
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].entry.ID == sorted[0].entry.ID {
			n++
		}
		if err := w.mergeOne(docs[sorted[0].entry.ID], sorted[:n], changes); err != nil {
			return fmt.Errorf("tweet %d: %w", sorted[0].entry.ID, err)
		}
		sorted = sorted[n:]
	}
	return w.flush()
}

// mergeOne writes the ops of one id over its document; nil for none.
func (w *writer) mergeOne(was *tweet.Document, ops []*op, changes []search.Change) error {
	now, single := was, (*ready)(nil) // single is of now, where nothing was merged
	for _, o := range ops {
		switch {
		case now != nil && now.Tombstone && o.problem != nil:
			changes[o.at] = search.Deleted // it is not kept, not even there
		case o.problem != nil:
			changes[o.at] = search.Refused
			if err := w.bury(o); err != nil {
				return err
			}
		case now == nil:
			now, single = o.doc, o.ready
			changes[o.at] = search.Inserted
			if now.Tombstone {
				changes[o.at] = search.Deleted
			}
		default:
			merge := now.Merge
			if o.whole {
				merge = now.MergeWhole
			}
			merged, differs, err := merge(o.doc)
			if err != nil {
				o.problem, changes[o.at] = err, search.Refused
				if err := w.bury(o); err != nil {
					return err
				}
				continue
			}
			if differs {
				changes[o.at] = search.Updated
				if now.Tombstone {
					changes[o.at] = search.Inserted
				}
				now, single = merged, nil
			}
			if merged.Tombstone {
				changes[o.at] = search.Deleted
			}
		}
	}
	if now == was {
		return nil
	}
	clean, err := w.withoutGeo(now)
	if err != nil {
		return err
	}
	if clean != now {
		single = nil
	}
	return w.put(was, clean, single)
}

// load reads those documents of ids that there are.
func (w *writer) load(ids []tweet.ID) (map[tweet.ID]*tweet.Document, error) {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	s, err := w.stmt(documentSQL + "WHERE d.id IN (SELECT value FROM json_each(?))")
	if err != nil {
		return nil, err
	}
	found, err := s.Query(numbers(list))
	if err != nil {
		return nil, err
	}
	rows, err := scanRows(found)
	if err != nil {
		return nil, err
	}
	if err := fill(context.Background(), w.conn, rows); err != nil {
		return nil, err
	}
	docs := make(map[tweet.ID]*tweet.Document, len(rows))
	for _, r := range rows {
		if r.block == 0 {
			if err := unpack(r.doc, r.frame); err != nil {
				return nil, err
			}
		}
		docs[r.doc.ID], w.home[int64(r.doc.ID)] = r.doc, r.block
	}
	return docs, nil
}
