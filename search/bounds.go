package search

import (
	"math"
	"sort"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Expr is the query with all bounds of created_at and id.
func (r *Request) Expr() query.Expr {
	es := []query.Expr{r.Query}
	if !r.Start.IsZero() {
		es = append(es, query.Since(r.Start))
	}
	if !r.End.IsZero() {
		es = append(es, query.Until(r.End))
	}
	if r.AfterID > 0 {
		es = append(es, query.AfterID(r.AfterID))
	}
	if r.BeforeID > 0 {
		es = append(es, query.UpToID(r.BeforeID-1))
	}
	return query.And(es...)
}

// IDsAround bounds, both inclusive, the ids of tweets that were created from lo to hi, in Unix milliseconds: ids are off by some minutes, and those before
// the first snowflake hold no time. Strays apart.
func IDsAround(lo, hi int64) (least, most int64) {
	most = math.MaxInt64
	if lo > math.MinInt64/2 {
		least = int64(tweet.IDAt(time.UnixMilli(lo).Add(-tweet.IDSlack)))
	}
	if hi < math.MaxInt64/2 {
		most = max(int64(tweet.IDAt(time.UnixMilli(hi+1).Add(tweet.IDSlack))), int64(tweet.FirstSnowflake))
	}
	return least, most
}

// StrayTerm is the term, in an index, of tweets that IDsAround leaves out.
const StrayTerm = query.AllTerm + "stray"

// IsStray reports whether a tweet is outside of what IDsAround gives for its time.
func IsStray(id tweet.ID, createdAt int64) bool {
	least, most := IDsAround(createdAt, createdAt)
	return int64(id) < least || int64(id) > most
}

// Histogram counts matches by time. Counts[i] is of Edges[i] ≤ created_at < Edges[i+1], in Unix milliseconds.
type Histogram struct{ Edges, Counts []int64 }

// NewHistogram makes one of the buckets that Count is given.
func NewHistogram(buckets []time.Time) *Histogram {
	h := &Histogram{Counts: make([]int64, max(0, len(buckets)-1))}
	for _, t := range buckets {
		h.Edges = append(h.Edges, query.CeilMilli(t))
	}
	return h
}

// Add counts one match.
func (h *Histogram) Add(createdAt int64) {
	// The last edge that is not after it: of equal ones, all but the last begin a bucket of no width.
	i := sort.Search(len(h.Edges), func(i int) bool { return h.Edges[i] > createdAt }) - 1
	if i >= 0 && i < len(h.Counts) {
		h.Counts[i]++
	}
}
