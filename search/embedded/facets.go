package embedded

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

var _ search.Faceter = (*Archive)(nil)

// handful is how many payloads are handed to a processor at once.
const handful = 64

// Facets counts values over the newest matches, on all processors.
func (a *Archive) Facets(ctx context.Context, r search.Request, facets []search.Facet, limit int) (result search.FacetResult, err error) {
	r.Ascending, r.Sort = false, query.CreatedAt
	err = a.look(ctx, "facets", func(v *view) error {
		p, err := v.planOf(&r)
		if err != nil {
			return err
		}
		var ids []int64
		err = p.merged(ctx, v, leastRead, false, func(m match) bool {
			if result.More = len(ids) == search.FacetBound; !result.More {
				ids = append(ids, m.id)
			}
			return !result.More
		})
		if err != nil {
			return err
		}
		total, err := v.tallied(ctx, ids, facets)
		if err != nil {
			return err
		}
		if result.Values, result.Tweets = total.Top(limit), len(ids); len(ids) > 0 {
			result.Oldest = tweet.ID(ids[len(ids)-1])
		}
		return nil
	})
	if err != nil {
		return search.FacetResult{}, err
	}
	return result, nil
}

// tallied counts the values of tweets. SQLite is read by one goroutine, the payloads by as many as there are processors.
func (v *view) tallied(ctx context.Context, ids []int64, facets []search.Facet) (*search.Tally, error) {
	tallies := make([]*search.Tally, runtime.GOMAXPROCS(0))
	payloads := make(chan [][]byte, len(tallies))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(payloads)
		return v.handOut(ctx, ids, payloads)
	})
	for i := range tallies {
		tallies[i] = search.NewTally(facets...)
		g.Go(func() error {
			for some := range payloads {
				for _, b := range some {
					p, err := tweet.Decode(b)
					if err != nil {
						return err
					}
					tallies[i].Add(p)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, t := range tallies[1:] {
		tallies[0].Merge(t)
	}
	return tallies[0], nil
}

// handOut sends the payloads of ids, some at a time.
func (v *view) handOut(ctx context.Context, ids []int64, to chan<- [][]byte) error {
	var some [][]byte
	send := func() error {
		select {
		case to <- some:
			some = make([][]byte, 0, handful)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := v.contents(ctx, ids, func(h search.Hit) error {
		if some = append(some, h.Payload); len(some) == handful {
			return send()
		}
		return nil
	})
	if err != nil || len(some) == 0 {
		return err
	}
	return send()
}
