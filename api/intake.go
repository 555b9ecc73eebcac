package api

import (
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// ImportLine is one line of a body of POST /2/tweets/import.
type ImportLine struct {
	File       string `json:"file"`
	Pos        int64  `json:"pos"`
	CapturedAt int64  `json:"captured_at,omitempty"` // Unix milliseconds
	Raw        []byte `json:"raw"`                   // base64: the record's bytes
}

// ingest answers POST /2/tweets/ingest when the journal has what the body holds.
func (s *Server) ingest(c echo.Context) error {
	body, done, err := s.body(c)
	if err != nil {
		return err
	}
	defer done()
	results, err := s.Intake.Ingest(c.Request().Context(), body)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Result]++
	}
	if len(results) == 0 {
		return invalid("", "", "The body holds no record.")
	}
	status := http.StatusOK
	if counts["bad"] == len(results) {
		p := invalid("", "", "%s", clean(results[0].Error, 300))
		p.Detail = "No record of the body could be read."
		for _, r := range results[1:min(len(results), 10)] {
			p.add("", "", clean(r.Error, 300))
		}
		return p
	}
	return writeJSON(c, status, map[string]any{"data": results, "meta": map[string]any{"result_count": len(results), "summary": counts}})
}

// importLines answers POST /2/tweets/import.
func (s *Server) importLines(c echo.Context) error {
	body, done, err := s.body(c)
	if err != nil {
		return err
	}
	defer done()
	summary, err := s.Intake.Import(c.Request().Context(), body)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": summary})
}

// body gives the request's body, unpacked and bounded, and takes one of the places for intake.
func (s *Server) body(c echo.Context) (io.Reader, func(), error) {
	r := c.Request()
	if _, err := parseParams(r.URL.RawQuery); err != nil {
		return nil, nil, err
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		kind, _, err := mime.ParseMediaType(t)
		switch {
		case err != nil, kind != "application/json" && kind != "application/x-ndjson" && kind != "application/jsonl" && kind != "application/octet-stream" && kind != "text/plain":
			return nil, nil, problem(http.StatusUnsupportedMediaType, "The body must be application/json or application/x-ndjson.")
		}
	}
	if r.ContentLength > s.config.MaxBody {
		return nil, nil, problem(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", s.config.MaxBody).with("Connection", "close")
	}
	var body io.Reader = http.MaxBytesReader(c.Response(), &stalling{c, s.config.ReadTimeout, r.Body}, s.config.MaxBody)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, nil, invalid("", "", "The body is not gzip, as Content-Encoding says.")
		}
		body = http.MaxBytesReader(c.Response(), z, s.config.MaxBody)
	default:
		return nil, nil, problem(http.StatusUnsupportedMediaType, "Content-Encoding may be gzip or absent.").with("Accept-Encoding", "gzip")
	}
	select {
	case s.ingests <- struct{}{}:
		return body, func() { <-s.ingests }, nil
	case <-r.Context().Done():
		return nil, nil, r.Context().Err()
	}
}

// stalling bounds how long a body may stand still.
type stalling struct {
	c       echo.Context
	timeout time.Duration
	io.ReadCloser
}

func (s *stalling) Read(p []byte) (int, error) {
	_ = http.NewResponseController(s.c.Response()).SetReadDeadline(time.Now().Add(s.timeout)) // not all connections have one
	return s.ReadCloser.Read(p)
}
