package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// exportPage is how many tweets are read at once: a reader that is slow holds nothing open in the archive between two of these.
// An export of at most so many has its length and what it holds in its head.
const exportPage = 500

// exportMost bounds max_results of an export.
const exportMost = 1_000_000_000

var exportParameters = append([]string{"query", "start_time", "end_time", "since_id", "until_id", "since_seq", "until_seq",
	"format", "content", "sort_order", "max_results", "columns", "header"}, fieldParameters...)

// exporting is one export.
type exporting struct {
	s       *Server
	c       echo.Context
	request search.Request
	left    int // how many may still be sent; -1 for all
	format  exportFormat
	out     *sink
	meta    exportMeta
}

// exportMeta is the last line of an export in JSON lines, and what the others say in head or trailers.
type exportMeta struct {
	Count  int      // tweets sent
	Out    int      // tweets left out, since their original bytes are gone
	Newest tweet.ID // of those sent and left out; 0 for none
	Oldest tweet.ID
	More   bool // max_results was reached, and there are others
}

// export answers GET /2/tweets/search/export: all matches, as one stream.
func (s *Server) export(c echo.Context) error {
	e, err := s.exporting(c)
	if err != nil {
		return err
	}
	if c.Request().Method == http.MethodHead {
		e.head()
		return c.NoContent(http.StatusOK)
	}
	setWriteDeadline(c, s.config.ExportTimeout+s.config.WriteTimeout)
	if e.left >= 0 && e.left <= exportPage { // no longer than a page of a search
		return e.part()
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		return problem(http.StatusServiceUnavailable, "%d exports are being written already.", s.config.MaxExports).retryAfter(30)
	}
	return e.stream()
}

// exporting reads a request.
func (s *Server) exporting(c echo.Context) (*exporting, error) {
	p, err := parseParams(c.Request().URL.RawQuery, exportParameters...)
	if err != nil {
		return nil, err
	}
	e := &exporting{s: s, c: c}
	if e.format, err = p.exportFormat(); err != nil {
		return nil, err
	}
	order, err := p.choice("sort_order", "oldest", "recency")
	if err != nil {
		return nil, err
	}
	if e.left, err = p.number("max_results", 1, exportMost, -1); err != nil {
		return nil, err
	}
	if e.request, _, err = s.request(p, "export", 0); err != nil {
		return nil, err
	}
	e.request.Ascending = order == "oldest"
	return e, nil
}

// head writes the headers that do not depend on what is found.
func (e *exporting) head() {
	h := e.c.Response().Header()
	h.Set(echo.HeaderContentType, e.format.mime)
	h.Set(echo.HeaderContentDisposition, `attachment; filename="tweets.`+e.format.suffix+`"`)
	h.Set("X-Accel-Buffering", "no") // what is broken off must look so to the client, not to nginx alone
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
}

// part answers an export that is small enough to be made whole before its first byte is sent.
func (e *exporting) part() error {
	var whole bytes.Buffer
	e.out = newSink(&whole, zipped(e.c.Request()))
	if err := e.all(); err != nil {
		return err
	}
	if err := e.out.Close(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	e.head()
	e.encoding()
	h := e.c.Response().Header()
	e.meta.tell(h)
	h.Set(echo.HeaderContentLength, strconv.Itoa(whole.Len()))
	e.c.Response().WriteHeader(http.StatusOK)
	w := paced{e.c, e.s.config.WriteTimeout}
	_, _ = w.Write(whole.Bytes()) // the client left, or takes nothing
	return nil
}

// stream answers an export of any length. What goes wrong once it has begun breaks it off, so that no client takes it for whole.
func (e *exporting) stream() error {
	begin := func() {
		e.head()
		e.encoding()
		e.c.Response().Header().Set("Trailer", trailers)
		e.c.Response().WriteHeader(http.StatusOK)
	}
	e.out = newSink(&begun{paced: paced{e.c, e.s.config.WriteTimeout}, begin: begin}, zipped(e.c.Request()))
	err := e.all()
	if err == nil {
		if err = e.out.Close(); err == nil {
			if !e.c.Response().Committed { // nothing was found, and nothing is written for that
				begin()
			}
			e.meta.tell(e.c.Response().Header())
			return nil
		}
	}
	if !e.c.Response().Committed {
		return err
	}
	e.broken(err)
	panic(http.ErrAbortHandler) // ends the connection without the mark of an end
}

// broken tells what can be told of an export that cannot go on, to the log and in the format that has room for it.
func (e *exporting) broken(err error) {
	p := toProblem(err)
	if errors.Is(err, errClientGone) || p.Status == statusClosed {
		return
	}
	e.s.log.Error("export broke off", "request_id", requestID(e.c), "sent", e.meta.Count, "error", err)
	if line := e.format.failed; line != nil {
		_, _ = e.out.Write(line(p, &e.meta)) // it is over in any case
		_ = e.out.Flush()
	}
}

// all writes everything, page by page.
func (e *exporting) all() error {
	if _, err := e.out.Write(e.format.first); err != nil {
		return err
	}
	for more := true; more; {
		rows, page, err := e.page()
		if err != nil {
			return err
		}
		more = page.More && len(page.Hits) > 0
		if e.left > 0 {
			if e.left -= len(page.Hits); e.left == 0 {
				e.meta.More, more = more, false
			}
		}
		if _, err := e.out.Write(rows); err != nil {
			return err
		}
		if more {
			if err := e.out.Flush(); err != nil {
				return err
			}
		}
	}
	if e.format.last != nil {
		_, err := e.out.Write(e.format.last(&e.meta))
		return err
	}
	return nil
}

// page reads the next page and writes its rows. It moves the request behind it.
func (e *exporting) page() ([]byte, search.Page, error) {
	ctx, cancel := context.WithTimeout(e.c.Request().Context(), e.s.config.ExportTimeout)
	defer cancel()
	e.request.Limit = exportPage
	if e.left > 0 {
		e.request.Limit = min(e.left, exportPage)
	}
	page, err := e.s.Searcher.Search(ctx, e.request)
	if err != nil {
		return nil, page, err
	}
	var rows []byte
	sent := len(page.Hits)
	if e.format.raw {
		rows, sent, err = e.raws(ctx, page.Hits)
	} else {
		rows, err = e.format.rows(page.Hits, e.request.Query)
	}
	if err == nil {
		e.passed(page.Hits, sent)
	}
	return rows, page, err
}

// passed counts hits of which so many are sent, and moves behind them.
func (e *exporting) passed(hits []search.Hit, sent int) {
	m := &e.meta
	m.Count += sent
	m.Out += len(hits) - sent
	for _, h := range hits {
		m.Newest = max(m.Newest, h.ID)
		if m.Oldest == 0 || h.ID < m.Oldest {
			m.Oldest = h.ID
		}
		if e.request.Ascending {
			e.request.AfterID = h.ID
		} else {
			e.request.BeforeID = h.ID
		}
	}
}

// raws are the original bytes of hits, a line each. What is deleted since, or was cut, is left out.
func (e *exporting) raws(ctx context.Context, hits []search.Hit) (rows []byte, sent int, err error) {
	if len(hits) == 0 {
		return nil, 0, nil
	}
	ids := make([]tweet.ID, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	docs, err := e.s.Reader.Get(ctx, ids...)
	if err != nil {
		return nil, 0, err
	}
	for _, d := range docs {
		if d.Tombstone || d.RawCut || len(d.Raw) == 0 {
			continue
		}
		rows = append(rawLine(rows, d), '\n')
		sent++
	}
	return rows, sent, nil
}

// exportRows writes the rows of hits; of is the query that found them.
type exportRows func(hits []search.Hit, of query.Expr) ([]byte, error)
