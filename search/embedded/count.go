package embedded

import (
	"context"
	"math"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// worthCounting is how many matches a walk looks at before it asks SQLite to count whole stretches of ids instead.
const worthCounting = 4096

// shortest is the least stretch of ids, in their time, that is worth a question of its own.
const shortest = time.Hour

// Count gives the exact number of matches in each bucket.
func (a *Archive) Count(ctx context.Context, r search.Request, buckets []time.Time) ([]int64, error) {
	t := tally{search.NewHistogram(buckets)}
	if len(t.Counts) == 0 {
		return t.Counts, nil
	}
	r.Ascending = true
	r.Query = query.And(r.Query, query.Since(buckets[0]), query.Until(buckets[len(buckets)-1]))
	err := a.look(ctx, "count", func(v *view) error {
		p, err := v.planOf(&r)
		if err != nil {
			return err
		}
		more, err := t.walked(ctx, v, p, worthCounting)
		if err != nil || !more {
			return err
		}
		if len(p.parts) == 1+len(p.strays) && !p.parts[0].check {
			astray := *p
			astray.parts = p.strays
			if _, err := t.walked(ctx, v, &astray, math.MaxInt); err != nil {
				return err
			}
			return t.counted(ctx, v, p)
		}
		_, err = t.walked(ctx, v, p, math.MaxInt)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t.Counts, nil
}

// tally counts a plan's matches by time.
type tally struct{ *search.Histogram }

// walked counts the plan's matches one by one. more says that there were more than the limit; then nothing is counted.
func (t *tally) walked(ctx context.Context, v *view, p *plan, limit int) (more bool, err error) {
	n := 0
	err = p.merged(ctx, v, min(limit, mostRead), true, func(m match) bool {
		t.Add(m.at)
		n++
		more = n > limit
		return !more
	})
	if more {
		clear(t.Counts)
	}
	return more, err
}

// counted counts the matches of a plan's first part by stretches of ids: those that lie in one bucket whatever the slack
// between id and time as a whole, and one by one those between.
func (t *tally) counted(ctx context.Context, v *view, p *plan) error {
	x := p.parts[0]
	ids, at := x.ranges[query.TweetID], x.ranges[query.CreatedAt]
	stretch := func(lo, hi int64) error {
		if lo > hi {
			return nil
		}
		between := *p
		between.parts = []part{x}
		between.parts[0].ranges[query.TweetID] = interval{lo, hi}
		_, err := t.walked(ctx, v, &between, math.MaxInt)
		return err
	}
	next := ids.lo
	for i := range t.Counts {
		in := idsWithin(interval{max(t.Edges[i], at.lo), min(t.Edges[i+1]-1, at.hi)})
		in.lo, in.hi = max(in.lo, next), min(in.hi, ids.hi)
		if in.hi-in.lo < shortest.Milliseconds()<<22 {
			continue
		}
		if err := stretch(next, in.lo-1); err != nil {
			return err
		}
		inner := x
		inner.ranges[query.TweetID], inner.ranges[query.CreatedAt] = in, whole
		n, err := v.count(ctx, p, &inner)
		if err != nil {
			return err
		}
		t.Counts[i] += n
		next = in.hi + 1
	}
	return stretch(next, ids.hi)
}

func (v *view) count(ctx context.Context, p *plan, x *part) (n int64, err error) {
	text, _, args := p.from(x, false)
	err = v.tx.QueryRowContext(ctx, "SELECT count(*) "+text, args...).Scan(&n)
	return n, err
}

// idsWithin gives ids that only tweets created in the interval have, strays apart. It is the reverse of idsAround.
func idsWithin(at interval) interval {
	if at.lo > at.hi {
		return interval{0, -1}
	}
	lo := max(int64(tweet.IDAt(time.UnixMilli(at.lo).Add(tweet.IDSlack))), int64(tweet.FirstSnowflake))
	return interval{min(lo, math.MaxInt64-1) + 1, int64(tweet.IDAt(time.UnixMilli(at.hi+1).Add(-tweet.IDSlack))) - 1}
}
