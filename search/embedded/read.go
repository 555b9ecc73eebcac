package embedded

import (
	"context"
	"iter"

	"birdwatch/search"
	"birdwatch/tweet"
)

// Get gives the documents of ids that there are, in the order asked, tombstones among them.
func (a *Archive) Get(ctx context.Context, ids ...tweet.ID) (docs []*tweet.Document, err error) {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i] = int64(id)
	}
	err = a.look(ctx, "get", func(v *view) error {
		byID := make(map[tweet.ID]*tweet.Document, len(ids))
		err := documents(ctx, v.tx, "WHERE d.id IN (SELECT value FROM json_each(?))", []any{numbers(list)}, func(d *tweet.Document) bool {
			byID[d.ID] = d
			return true
		})
		for _, id := range ids {
			if d := byID[id]; d != nil {
				docs = append(docs, d)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// identitiesMost is how many documents Identities reads at once.
const identitiesMost = 1000

// Identities gives every document, by id ascending.
func (a *Archive) Identities(ctx context.Context) iter.Seq2[search.Identity, error] {
	return func(yield func(search.Identity, error) bool) {
		err := a.look(ctx, "list", func(v *view) error {
			for after := int64(0); ; {
				some, err := v.identities(ctx, after)
				if err != nil {
					return err
				}
				for _, i := range some {
					if !yield(i, nil) {
						return nil
					}
					after = int64(i.ID)
				}
				if len(some) < identitiesMost {
					return nil
				}
			}
		})
		if err != nil {
			yield(search.Identity{}, err)
		}
	}
}

// identities gives the next by id.
func (v *view) identities(ctx context.Context, after int64) (some []search.Identity, err error) {
	rows, err := v.tx.QueryContext(ctx, "SELECT id, first_seq, at, flags FROM docs WHERE id > ? ORDER BY id LIMIT ?", after, identitiesMost)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	var at []int
	for rows.Next() {
		var i search.Identity
		var flags int
		if err := rows.Scan(&i.ID, &i.FirstSeq, &i.At, &flags); err != nil {
			return nil, err
		}
		if i.Tombstone = flags&search.FlagTombstone != 0; !i.Tombstone {
			ids, at = append(ids, int64(i.ID)), append(at, len(some))
		}
		some = append(some, i)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	n := 0
	return some, v.contents(ctx, ids, func(h search.Hit) error {
		p, err := tweet.Decode(h.Payload)
		if err != nil {
			return err
		}
		some[at[n]].Copies = p.Copies()
		n++
		return nil
	})
}
