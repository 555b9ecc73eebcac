package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/tweet"
)

var countParameters = []string{"query", "start_time", "end_time", "since_id", "until_id", "since_seq", "until_seq", "granularity", "next_token", "pagination_token"}

func (s *Server) countsAll(c echo.Context) error { return s.counts(c, 0) }

func (s *Server) countsRecent(c echo.Context) error { return s.counts(c, recentDays) }

// countsBack is what counts reach back to without start_time, as X's do.
const countsBack = 30 * 24 * time.Hour

// firstTime is before any time that a tweet has, wrong ones too: counts go back no further.
var firstTime = time.Unix(0, 0).UTC()

// counts answers a histogram, the oldest bucket first. A page has at most MaxBuckets, the newest ones first; next_token goes further back.
func (s *Server) counts(c echo.Context, within time.Duration) error {
	p, err := parseParams(c.Request().URL.RawQuery, countParameters...)
	if err != nil {
		return err
	}
	granularity, err := p.choice("granularity", "hour", "minute", "day")
	if err != nil {
		return err
	}
	r, token, err := s.request(p, "counts", within)
	if err != nil {
		return err
	}
	step := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[granularity]
	start, end := r.Start, r.End
	if end.IsZero() {
		end = token.instant
	}
	if token.last != 0 { // of counts it is where the page before began, Unix seconds
		end = time.Unix(int64(token.last), 0).UTC()
	}
	if start.IsZero() {
		start = end.Add(-countsBack)
	}
	if start.Before(firstTime) {
		start = firstTime
	}
	edges, more := buckets(start, end, step, s.config.MaxBuckets)
	if len(edges) < 2 {
		return invalid("start_time", p.get("start_time"), "There is no time between [start_time] and [end_time].")
	}
	r.Start, r.End = time.Time{}, time.Time{}
	counts, err := s.Searcher.Count(c.Request().Context(), r, edges)
	if err != nil {
		return err
	}
	out := []byte(`{"data":[`)
	var total int64
	for i, n := range counts {
		if i > 0 {
			out = append(out, ',')
		}
		total += n
		out = fmt.Appendf(out, `{"start":"%s","end":"%s","tweet_count":%d}`, edges[i].Format(tweet.TimeLayout), edges[i+1].Format(tweet.TimeLayout), n)
	}
	out = fmt.Appendf(out, `],"meta":{"total_tweet_count":%d`, total)
	if more {
		token.last = tweet.ID(edges[0].Unix())
		out = fmt.Appendf(out, `,"next_token":"%s"`, token)
	}
	return c.JSONBlob(http.StatusOK, append(out, "}}"...))
}

// buckets parts a stretch of time at whole steps, at most n of them, the latest ones. more says that earlier ones are left.
func buckets(start, end time.Time, step time.Duration, n int) (edges []time.Time, more bool) {
	edges = append(edges, end)
	for at := end.Add(-1).Truncate(step); at.After(start); at = at.Add(-step) {
		if len(edges) == n {
			edges, more = append(edges, at), true
			break
		}
		edges = append(edges, at)
	}
	if !more && start.Before(edges[len(edges)-1]) {
		edges = append(edges, start)
	}
	for i, k := 0, len(edges)-1; i < k; i, k = i+1, k-1 {
		edges[i], edges[k] = edges[k], edges[i]
	}
	return edges, more
}
