package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/search"
	"birdwatch/tweet"
)

// What X's search/recent reaches back.
const recentDays = 7 * 24 * time.Hour

var searchParameters = append([]string{"query", "start_time", "end_time", "since_id", "until_id", "since_seq", "until_seq",
	"max_results", "next_token", "pagination_token", "sort_order"}, fieldParameters...)

func (s *Server) searchAll(c echo.Context) error { return s.search(c, 500, 0) }

func (s *Server) searchRecent(c echo.Context) error { return s.search(c, 100, recentDays) }

// search answers one page, newest first. within, unless 0, is how far back it reaches.
func (s *Server) search(c echo.Context, most int, within time.Duration) error {
	p, err := parseParams(c.Request().URL.RawQuery, searchParameters...)
	if err != nil {
		return err
	}
	sel, err := selectFields(p)
	if err != nil {
		return err
	}
	if _, err := p.choice("sort_order", "recency"); err != nil {
		return err
	}
	r, token, err := s.request(p, "search", within)
	if err != nil {
		return err
	}
	if r.Limit, err = p.number("max_results", 10, most, 10); err != nil {
		return err
	}
	page, err := s.Searcher.Search(c.Request().Context(), r)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, sel.page(page, token))
}

// page writes hits as X writes a page. There is no data when nothing matches.
func (sel *selection) page(page search.Page, token pageToken) []byte {
	var in includes
	out := []byte("{")
	for i, h := range page.Hits {
		if i == 0 {
			out = append(out, `"data":[`...)
		} else {
			out = append(out, ',')
		}
		out = sel.tweet(out, h.Payload, &in)
	}
	if len(page.Hits) > 0 {
		out = append(out, ']')
		out = in.append(out)
		out = append(out, ',')
	}
	out = append(out, `"meta":{`...)
	if n := len(page.Hits); n > 0 {
		out = fmt.Appendf(out, `"newest_id":"%d","oldest_id":"%d",`, page.Hits[0].ID, page.Hits[n-1].ID)
		if page.More {
			token.last = page.Hits[n-1].ID
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
	if token.last != 0 && (r.BeforeID == 0 || token.last < r.BeforeID) {
		r.BeforeID = token.last
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

// pageToken says after which tweet the next page begins, and what "now" was for the query's relative times. It holds
// all that is needed, so that it never expires and every instance reads it.
type pageToken struct {
	instant time.Time // to the second
	sum     uint64
	last    tweet.ID
}

const tokenVersion = 1

func (t pageToken) String() string {
	b := make([]byte, 25)
	b[0] = tokenVersion
	binary.BigEndian.PutUint64(b[1:], uint64(t.instant.Unix()))
	binary.BigEndian.PutUint64(b[9:], t.sum)
	binary.BigEndian.PutUint64(b[17:], uint64(t.last))
	return base64.RawURLEncoding.EncodeToString(b)
}

// token reads next_token or pagination_token, which are one; without them it is of now.
func (p params) token(now time.Time) (pageToken, error) {
	name := "next_token"
	if p.has("pagination_token") {
		if p.has(name) && p.get(name) != p.get("pagination_token") {
			return pageToken{}, invalid("pagination_token", p.get("pagination_token"), "[pagination_token] and [next_token] are two names of one parameter.")
		}
		name = "pagination_token"
	}
	if !p.has(name) {
		return pageToken{instant: now.Truncate(time.Second)}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.get(name))
	if err != nil || len(b) != 25 || b[0] != tokenVersion {
		return pageToken{}, invalid(name, p.get(name), "The value of [%s] is not a token of this API.", name)
	}
	t := pageToken{instant: time.Unix(int64(binary.BigEndian.Uint64(b[1:])), 0).UTC(), sum: binary.BigEndian.Uint64(b[9:]), last: tweet.ID(binary.BigEndian.Uint64(b[17:]))}
	if t.sum == 0 || t.last < 0 || t.instant.Year() < 2000 || t.instant.Year() > 9999 {
		return pageToken{}, invalid(name, p.get(name), "The value of [%s] is not a token of this API.", name)
	}
	return t, nil
}
