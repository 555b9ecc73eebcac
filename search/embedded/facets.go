package embedded

import (
	"context"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

var _ search.Faceter = (*Archive)(nil)

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
		total, err := search.TallyAll(ctx, facets, func(ctx context.Context, count func([]byte) error) error {
			return v.contents(ctx, ids, func(h search.Hit) error { return count(h.Payload) })
		})
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
