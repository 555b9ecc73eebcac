package elastic

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/goccy/go-json"

	"birdwatch/search"
)

var _ search.Faceter = (*Archive)(nil)

// Facets counts values over the newest matches: where it can, on the server.
func (a *Archive) Facets(ctx context.Context, r search.Request, facets []search.Facet, limit int) (search.FacetResult, error) {
	result, err := a.facets(ctx, &r, facets, limit)
	if err != nil {
		return search.FacetResult{}, fault("facets", err)
	}
	return result, nil
}

// facetTries is how often facets are counted on the server while matches come in between its answers.
const facetTries = 3

func (a *Archive) facets(ctx context.Context, r *search.Request, facets []search.Facet, limit int) (result search.FacetResult, err error) {
	p, ps, err := a.begin(ctx, r)
	if err != nil {
		return result, err
	}
	total := search.NewTally(facets...)
	switch {
	case len(ps) == 0:
	case p.clause.exact() && !slices.ContainsFunc(facets, func(f search.Facet) bool { return facetFields[f] == "" }):
		counted := false
		for range facetTries {
			if counted, err = a.aggregated(ctx, p, ps, facets, &result, total); counted || err != nil {
				break
			}
			total = search.NewTally(facets...)
		}
		if counted || err != nil {
			break
		}
		fallthrough
	default:
		result = search.FacetResult{}
		if total, err = a.tallied(ctx, p, ps, &result, facets); err != nil {
			return result, err
		}
	}
	result.Values = total.Top(limit)
	return result, err
}

// newest finds how many of the newest matches count, and the oldest of them. where is their query.
func (a *Archive) newest(ctx context.Context, ps []period, where string, result *search.FacetResult) error {
	got, err := a.ask(ctx, ps, `{"from":`+number(search.FacetBound-1)+`,"size":1,"track_total_hits":`+number(search.FacetBound+1)+
		`,"sort":[{"id":"desc"}],"_source":["id"],"query":`+where+`}`)
	if err != nil {
		return err
	}
	n := got.Hits.Total.Value
	if result.Tweets, result.More = int(min(n, search.FacetBound)), n > search.FacetBound; n == 0 {
		return nil
	}
	if n < search.FacetBound {
		if got, err = a.ask(ctx, ps, `{"size":1,"track_total_hits":false,"sort":[{"id":"asc"}],"_source":["id"],"query":`+where+`}`); err != nil {
			return err
		}
	}
	if len(got.Hits.Hits) == 0 {
		result.Tweets = -1 // they went meanwhile
		return nil
	}
	result.Oldest = got.Hits.Hits[0].Source.ID
	return nil
}

// mostValues is how many values of all facets together the server is asked for, below search.max_buckets.
const mostValues = 60_000

// aggregated lets the server count. It says false when that did not work out: matches came or went meanwhile, there are too many values, or some
// too long for an index.
func (a *Archive) aggregated(ctx context.Context, p *plan, ps []period, facets []search.Facet, result *search.FacetResult, total *search.Tally) (bool, error) {
	where := p.clause.where(p.ids)
	if where == "" {
		return true, nil
	}
	if err := a.newest(ctx, ps, where, result); err != nil || result.Tweets <= 0 {
		return result.Tweets == 0, err
	}
	if len(facets) == 0 {
		return true, nil
	}
	where = p.clause.where(p.ids.and(interval{int64(result.Oldest), math.MaxInt64}))
	body := `{"size":0,"track_total_hits":true,"query":` + where + `,"aggs":{"ignored":{"filter":{"terms":{"_ignored":[`
	aggs, size := "", number(mostValues/len(facets))
	for i, f := range facets {
		if i > 0 {
			body += ","
		}
		body += quoted(facetFields[f])
		// By map: the ordinals of all values of an index are not worth making for some thousand tweets.
		aggs += `,"` + number(i) + `":{"terms":{"field":"` + facetFields[f] + `","execution_hint":"map","size":` + size + `,"shard_size":` + size + `}}`
	}
	got, err := a.ask(ctx, ps, body+`]}}}`+aggs+`}}`)
	if err != nil || got.Hits.Total.Value != int64(result.Tweets) {
		return false, err
	}
	return got.values(facets, total)
}

// values reads the counts of written values; false when they are not all.
func (g *answer) values(facets []search.Facet, total *search.Tally) (bool, error) {
	var aggs map[string]struct {
		Ignored int64 `json:"doc_count"`
		Error   int64 `json:"doc_count_error_upper_bound"`
		Others  int64 `json:"sum_other_doc_count"`
		Buckets []struct {
			Key   string `json:"key"`
			Count int64  `json:"doc_count"`
		} `json:"buckets"`
	}
	if err := json.Unmarshal(g.Aggregations, &aggs); err != nil {
		return false, fmt.Errorf("facets of Elasticsearch: %w", err)
	}
	if len(aggs) != len(facets)+1 {
		return false, fmt.Errorf("facets of Elasticsearch: %d of %d", len(aggs)-1, len(facets))
	}
	for _, agg := range aggs {
		if agg.Ignored+agg.Error+agg.Others > 0 {
			return false, nil
		}
	}
	for i := range facets {
		for _, b := range aggs[number(i)].Buckets {
			total.Count(i, b.Key, b.Count)
		}
	}
	return true, nil
}

// tallied counts the values of the newest matches here.
func (a *Archive) tallied(ctx context.Context, p *plan, ps []period, result *search.FacetResult, facets []search.Facet) (*search.Tally, error) {
	return search.TallyAll(ctx, facets, func(ctx context.Context, count func([]byte) error) error {
		var countErr error
		err := a.walk(p, p.clause.most(), ps, false, mostFetch).each(ctx, func(h *found) bool {
			if result.More = result.Tweets == search.FacetBound; result.More {
				return false
			}
			result.Tweets++
			result.Oldest = h.ID
			countErr = count(h.Payload)
			return countErr == nil
		})
		return cmp.Or(err, countErr)
	})
}
