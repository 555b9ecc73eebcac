package elastic

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-json"

	"birdwatch/query"
	"birdwatch/search"
)

// Count gives the exact number of matches in each bucket.
func (a *Archive) Count(ctx context.Context, r search.Request, buckets []time.Time) ([]int64, error) {
	t := search.NewHistogram(buckets)
	if len(t.Counts) == 0 {
		return t.Counts, nil
	}
	r.Query = query.And(r.Query, query.Since(buckets[0]), query.Until(buckets[len(buckets)-1]))
	if err := a.count(ctx, &r, t); err != nil {
		return nil, fault("count", err)
	}
	return t.Counts, nil
}

func (a *Archive) count(ctx context.Context, r *search.Request, t *search.Histogram) error {
	p, ps, err := a.begin(ctx, r)
	if err != nil || len(ps) == 0 {
		return err
	}
	sure, rest := p.clause.sure(), clause{}
	if !p.clause.exact() {
		// What may match and is not counted unseen is looked at one by one.
		rest = builder{}.And([]clause{p.clause.most(), builder{}.Not(sure)})
		if !sure.fits() || !rest.fits() {
			sure, rest = none, p.clause.most()
		}
	}
	if where := sure.where(p.ids); where != "" {
		if err := a.counted(ctx, ps, where, t); err != nil {
			return err
		}
	}
	if p.clause.exact() {
		return nil
	}
	return a.walk(p, rest, ps, false, mostFetch).each(ctx, func(h *found) bool {
		t.Add(h.created)
		return true
	})
}

// mostRanges is how many buckets one request asks for: far fewer than search.max_buckets.
const mostRanges = 5_000

// counted adds what the server counts.
func (a *Archive) counted(ctx context.Context, ps []period, where string, t *search.Histogram) error {
	if len(t.Counts) == 1 {
		got, err := a.ask(ctx, ps, `{"size":0,"track_total_hits":true,"query":`+where+`}`)
		if err != nil {
			return err
		}
		t.Counts[0] += got.Hits.Total.Value
		return nil
	}
	for from := 0; from < len(t.Counts); from += mostRanges {
		if err := a.countedIn(ctx, ps, where, t, from, min(from+mostRanges, len(t.Counts))); err != nil {
			return err
		}
	}
	return nil
}

// countedIn adds the buckets from one to another.
func (a *Archive) countedIn(ctx context.Context, ps []period, where string, t *search.Histogram, from, to int) error {
	body := []byte(`{"size":0,"track_total_hits":false,"query":` + where + `,"aggs":{"by":{"range":{"field":"created_at","ranges":[`)
	for i := from; i < to; i++ {
		if i > from {
			body = append(body, ',')
		}
		body = strconv.AppendInt(append(body, `{"key":"`...), int64(i), 10)
		body = strconv.AppendInt(append(body, `","from":`...), t.Edges[i], 10)
		body = append(strconv.AppendInt(append(body, `,"to":`...), t.Edges[i+1], 10), '}')
	}
	got, err := a.ask(ctx, ps, string(append(body, `]}}}}`...)))
	if err != nil {
		return err
	}
	var by struct {
		By struct {
			Buckets []struct {
				Key   string `json:"key"`
				Count int64  `json:"doc_count"`
			} `json:"buckets"`
		} `json:"by"`
	}
	if err := json.Unmarshal(got.Aggregations, &by); err != nil {
		return fmt.Errorf("counts of Elasticsearch: %w", err)
	}
	if len(by.By.Buckets) != to-from {
		return fmt.Errorf("counts of Elasticsearch: %d of %d buckets", len(by.By.Buckets), to-from)
	}
	for _, b := range by.By.Buckets {
		i, err := strconv.Atoi(b.Key)
		if err != nil || i < from || i >= to {
			return fmt.Errorf("counts of Elasticsearch: a bucket %.20q that was not asked for", b.Key)
		}
		t.Counts[i] += b.Count
	}
	return nil
}
