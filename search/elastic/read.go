package elastic

import (
	"context"
	"fmt"
	"iter"
	"math"

	"birdwatch/search"
	"birdwatch/tweet"
)

// Get gives the documents of ids that there are, in the order asked, tombstones among them.
func (a *Archive) Get(ctx context.Context, ids ...tweet.ID) ([]*tweet.Document, error) {
	if err := a.ready(ctx); err != nil {
		return nil, fault("get", err)
	}
	found, err := a.read(ctx, ids)
	if err != nil {
		return nil, fault("get", err)
	}
	docs := make([]*tweet.Document, 0, len(ids))
	for _, id := range ids {
		if d := found[id]; d != nil {
			docs = append(docs, d)
		}
	}
	return docs, nil
}

// Documents gives up to limit documents with a greater id, by id, tombstones among them.
func (a *Archive) Documents(ctx context.Context, after tweet.ID, limit int) ([]*tweet.Document, error) {
	var docs []*tweet.Document
	err := a.scan(ctx, after, limit, sourceFields, func(s *source) error {
		d, err := s.document()
		docs = append(docs, d)
		return err
	})
	if err != nil {
		return nil, fault("documents", err)
	}
	return docs, nil
}

// scan gives up to limit documents with a greater id, tombstones among them, by id. fields are what is read of each.
func (a *Archive) scan(ctx context.Context, after tweet.ID, limit int, fields string, f func(*source) error) error {
	if err := a.settle(ctx); err != nil {
		return err
	}
	ps, err := a.periods(ctx)
	if err != nil || after == math.MaxInt64 {
		return err
	}
	ids := interval{int64(after) + 1, math.MaxInt64}
	for _, p := range within(ps, ids) {
		var part stretch
		for more := true; more && limit > 0; {
			want := min(limit, mostFetch)
			var some interval
			some, more = part.of(ids, []period{p}, want)
			got, err := a.ask(ctx, []period{p}, `{"size":`+number(want)+`,"track_total_hits":false,"sort":[{"id":"asc"}],"_source":`+fields+`,"query":`+rangeJSON("id", some)+`}`)
			if err != nil {
				return err
			}
			for i := range got.Hits.Hits {
				s := &got.Hits.Hits[i].Source
				if int64(s.ID) < ids.lo {
					return fmt.Errorf("a document of Elasticsearch has the id %d", s.ID)
				}
				if err := f(s); err != nil {
					return err
				}
				if ids.lo = int64(s.ID) + 1; s.ID == math.MaxInt64 {
					return nil
				}
			}
			if limit -= len(got.Hits.Hits); len(got.Hits.Hits) == want {
				more = true
			} else if more {
				ids.lo = some.hi + 1
				part.widen()
			}
		}
	}
	return nil
}

// Identities gives every document, by id ascending. What is written meanwhile may be among them or not.
func (a *Archive) Identities(ctx context.Context) iter.Seq2[search.Identity, error] {
	return func(yield func(search.Identity, error) bool) {
		after, more := tweet.ID(0), true
		for more {
			var batch []search.Identity
			err := a.scan(ctx, after, mostFetch, sourceFields, func(s *source) error {
				i, err := s.identity()
				batch = append(batch, i)
				return err
			})
			if err != nil {
				yield(search.Identity{}, fault("list", err))
				return
			}
			for _, i := range batch {
				if after = i.ID; !yield(i, nil) {
					return
				}
			}
			more = len(batch) == mostFetch
		}
	}
}

func (s *source) identity() (search.Identity, error) {
	i := search.Identity{ID: s.ID, FirstSeq: s.FirstSeq, At: s.At, Tombstone: s.Flags&search.FlagTombstone != 0}
	if i.Tombstone {
		return i, nil
	}
	c, err := tweet.Unpack(s.Frame)
	if err != nil {
		return i, fmt.Errorf("tweet %d: %w", s.ID, err)
	}
	p, err := tweet.Decode(c.Payload)
	if err != nil {
		return i, fmt.Errorf("tweet %d: %w", s.ID, err)
	}
	i.Copies = p.Copies()
	return i, nil
}
