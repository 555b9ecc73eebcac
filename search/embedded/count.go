package embedded

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// worthCounting is how many matches a walk looks at before it asks SQLite to count whole stretches of ids instead.
const worthCounting = 4096

// A stretch of ids is worth a question of its own when it is so long, in its time, or has so many matches where they lie as those did that were
// looked at first.
const (
	worthAsking = time.Hour
	worthMost   = 256
)

// Count gives the exact number of matches in each bucket.
func (a *Archive) Count(ctx context.Context, r search.Request, buckets []time.Time) ([]int64, error) {
	t := tally{Histogram: search.NewHistogram(buckets)}
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
		look := worthCounting
		if p.hasPrefix() {
			look = math.MaxInt
		}
		more, err := t.walked(ctx, v, p, look)
		if err != nil || !more || t.last == math.MaxInt64 {
			return err
		}
		p.goBehind(t.last)
		t.apart = (t.last - t.first) / worthCounting
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
type tally struct {
	*search.Histogram
	first, last int64 // ids of those that were counted one by one
	apart       int64 // how far the first of them were from each other
}

// walked counts the plan's matches one by one, up to so many. more: there may be others.
func (t *tally) walked(ctx context.Context, v *view, p *plan, limit int) (more bool, err error) {
	n, read := 0, min(limit, mostRead)
	if p.hasPrefix() {
		read = min(limit, max(mostRead, mostReadOfPrefix/len(p.parts)))
	}
	err = p.merged(ctx, v, read, true, func(m match) bool {
		t.Add(m.at)
		if t.last = m.id; t.first == 0 {
			t.first = m.id
		}
		n++
		return n < limit
	})
	return n >= limit, err
}

// hasPrefix: FTS5 puts together all that begins so for each question anew, however little is asked for. So few are asked.
func (p *plan) hasPrefix() bool {
	return slices.ContainsFunc(p.parts, func(x part) bool {
		return slices.ContainsFunc(x.with, func(s string) bool { return strings.Contains(s, "*") })
	})
}

// goBehind keeps out matches up to an id.
func (p *plan) goBehind(id int64) {
	for _, parts := range [...][]part{p.parts, p.strays} {
		for i := range parts {
			ids := &parts[i].ranges[query.TweetID]
			ids.lo = max(ids.lo, id+1)
		}
	}
}

// counted counts the matches of a plan's first part by stretches of ids: those that lie in one bucket whatever the slack
// between id and time as a whole, and one by one those between.
func (t *tally) counted(ctx context.Context, v *view, p *plan) error {
	x := p.parts[0]
	ids, at := x.ranges[query.TweetID], x.ranges[query.CreatedAt]
	ids.hi = 0 // of the last match: many buckets may lie behind it
	back := *p
	back.parts, back.ascending = []part{x}, false
	if err := back.merged(ctx, v, 1, false, func(m match) bool { ids.hi = m.id; return false }); err != nil {
		return err
	}
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
		if long := in.hi - in.lo; long < 0 || long < worthAsking.Milliseconds()<<22 && long/worthMost < t.apart {
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
	row, err := v.row(ctx, "SELECT count(*) "+text, args...)
	if err == nil {
		err = row.Scan(&n)
	}
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
