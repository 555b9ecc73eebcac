package embedded

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"birdwatch/search"
	"birdwatch/tweet"
)

// The bits of docs.flags.
const (
	flagPartial   = 1
	flagTombstone = 2
	flagRevived   = 4
	flagRawCut    = 8
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
	return nil
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
			merged, differs, err := now.Merge(o.doc)
			if err != nil {
				o.problem, changes[o.at] = err, search.Refused
				if err := w.bury(o); err != nil {
					return err
				}
				continue
			}
			if differs {
				now, single, changes[o.at] = merged, nil, search.Updated
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
	numbers := make([]int64, len(ids))
	for i, id := range ids {
		numbers[i] = int64(id)
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return nil, err
	}
	s, err := w.stmt("SELECT d.id, d.first_seq, d.at, d.body_at, d.flags, b.frame FROM json_each(?) j CROSS JOIN docs d ON d.id = j.value LEFT JOIN bodies b ON b.id = d.id")
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	docs := map[tweet.ID]*tweet.Document{}
	for rows.Next() {
		d, err := scanDocument(rows)
		if err != nil {
			return nil, err
		}
		docs[d.ID] = d
	}
	return docs, rows.Err()
}

// scanDocument reads id, first_seq, at, body_at, flags and frame.
func scanDocument(row interface{ Scan(...any) error }) (*tweet.Document, error) {
	d := &tweet.Document{}
	var flags int
	var frame []byte
	if err := row.Scan(&d.ID, &d.FirstSeq, &d.At, &d.BodyAt, &flags, &frame); err != nil {
		return nil, err
	}
	d.Partial, d.Tombstone, d.Revived, d.RawCut = flags&flagPartial != 0, flags&flagTombstone != 0, flags&flagRevived != 0, flags&flagRawCut != 0
	if d.Tombstone {
		return d, nil
	}
	c, err := tweet.Unpack(frame)
	if err != nil {
		return nil, fmt.Errorf("tweet %d: %w", d.ID, err)
	}
	d.Payload, d.Raw, d.Figures, d.Provenance = c.Payload, c.Raw, c.Figures, c.Provenance
	return d, nil
}

func flagsOf(d *tweet.Document) (flags int) {
	for i, set := range [...]bool{d.Partial, d.Tombstone, d.Revived, d.RawCut} {
		if set {
			flags |= 1 << i
		}
	}
	return flags
}

// bury puts what cannot be indexed where it can be looked at, once.
func (w *writer) bury(o *op) error {
	c := o.entry.Content()
	frame, err := c.Pack()
	if err != nil {
		return err
	}
	id, seq := int64(o.entry.ID), int64(o.entry.Seq)
	n, err := w.affected(`INSERT INTO dead_letters (seq, id, reason, frame) SELECT ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE id = ? AND seq = ? AND frame = ?)`, seq, id, o.problem.Error(), frame, id, seq, frame)
	w.deadLetters += n
	return err
}
