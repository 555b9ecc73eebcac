package api

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// What X's search/recent reaches back.
const recentDays = 7 * 24 * time.Hour

var searchParameters = append([]string{"query", "start_time", "end_time", "since_id", "until_id", "since_seq", "until_seq",
	"max_results", "next_token", "pagination_token", "sort_order"}, fieldParameters...)

func (s *Server) searchAll(c echo.Context) error { return s.search(c, 500, 0) }

func (s *Server) searchRecent(c echo.Context) error { return s.search(c, 100, recentDays) }

// search answers one page. within, unless 0, is how far back it reaches.
func (s *Server) search(c echo.Context, most int, within time.Duration) error {
	p, err := parseParams(c.Request().URL.RawQuery, searchParameters...)
	if err != nil {
		return err
	}
	sel, err := selectFields(p)
	if err != nil {
		return err
	}
	order, err := p.sorting()
	if err != nil {
		return err
	}
	r, token, err := s.request(p, "search", within)
	if err != nil {
		return err
	}
	if err := token.follow(&r, order); err != nil {
		return err
	}
	if r.Limit, err = p.number("max_results", 10, most, 10); err != nil {
		return err
	}
	page, err := s.Searcher.Search(c.Request().Context(), r)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, sel.page(page, r.Query, token))
}

// page writes hits as X writes a page. There is no data when nothing matches.
func (sel *selection) page(page search.Page, of query.Expr, token pageToken) []byte {
	var in includes
	out := []byte("{")
	for i, h := range page.Hits {
		if i == 0 {
			out = append(out, `"data":[`...)
		} else {
			out = append(out, ',')
		}
		out = sel.tweet(out, h.Payload, of, &in)
	}
	if len(page.Hits) > 0 {
		out = append(out, ']')
		out = in.append(out)
		out = append(out, ',')
	}
	out = append(out, `"meta":{`...)
	if n := len(page.Hits); n > 0 {
		newest, oldest := page.Hits[0].ID, page.Hits[0].ID
		for _, h := range page.Hits {
			newest, oldest = max(newest, h.ID), min(oldest, h.ID)
		}
		out = fmt.Appendf(out, `"newest_id":"%d","oldest_id":"%d",`, newest, oldest)
		if page.More {
			token.last, token.value = page.Hits[n-1].ID, page.Hits[n-1].Value
			out = fmt.Appendf(out, `"next_token":"%s",`, token)
		}
	}
	out = append(out, `"result_count":`...)
	out = strconv.AppendInt(out, int64(len(page.Hits)), 10)
	return append(out, "}}"...)
}

// request reads what search and counts have in common; of is which of them it is for.
func (s *Server) request(p params, of string, within time.Duration) (r search.Request, token pageToken, err error) {
	if !p.has("query") {
		return r, token, invalid("query", "", "The parameter [query] is needed; an empty one is every tweet.")
	}
	if token, err = p.token(s.now()); err != nil {
		return r, token, err
	}
	q, err := s.parseQuery(p.get("query"), token.instant)
	if err != nil {
		return r, token, err
	}
	r.Query = q.Expr
	if r.Start, r.End, err = p.span(); err != nil {
		return r, token, err
	}
	if r.AfterID, err = p.id("since_id"); err != nil {
		return r, token, err
	}
	if r.BeforeID, err = p.id("until_id"); err != nil {
		return r, token, err
	}
	if r.AfterSeq, err = p.seq("since_seq"); err != nil {
		return r, token, err
	}
	if r.UntilSeq, err = p.seq("until_seq"); err != nil {
		return r, token, err
	}
	sum := token.sum
	token.sum = requestSum(of, p.get("granularity"), r)
	if sum != 0 && sum != token.sum {
		return r, token, invalid("next_token", "", "The token belongs to another query, or to other bounds. Send it with what the first page was asked with.")
	}
	if within > 0 {
		earliest := token.instant.Add(-within)
		if !r.End.IsZero() && !r.End.After(earliest) {
			return r, token, invalid("end_time", p.get("end_time"), "[end_time] is more than 7 days ago; search/all and counts/all have no such bound.")
		}
		if r.Start.Before(earliest) {
			if !r.Start.IsZero() {
				return r, token, invalid("start_time", p.get("start_time"), "[start_time] is more than 7 days ago; search/all has no such bound.")
			}
			r.Start = earliest
		}
	}
	return r, token, nil
}

// requestSum tells requests apart by what they mean, not how it was written, so that a token is not used for another one. It
// is never 0.
func requestSum(of, granularity string, r search.Request) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%s %q %q %s %s %d %d", of, granularity, r.Query.String(), r.Start.UTC(), r.End.UTC(), r.AfterID, r.BeforeID)
	for _, s := range []*tweet.Seq{r.AfterSeq, r.UntilSeq} {
		if s == nil {
			fmt.Fprint(h, " none")
		} else {
			fmt.Fprintf(h, " %d", *s)
		}
	}
	return binary.BigEndian.Uint64(h.Sum(nil)) | 1
}
