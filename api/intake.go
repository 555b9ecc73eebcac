package api

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/tweet"
)

// ImportLine is one line of a body of POST /2/tweets/import: a record as the sender's program read it, since a record's bytes alone do
// not tell everything (the includes of a page, the headers of a table). Without Kind the bytes are read here.
type ImportLine struct {
	Kind    tweet.Kind `json:"kind,omitempty"`
	ID      tweet.ID   `json:"id,omitempty,string"`
	UserID  tweet.ID   `json:"user_id,omitempty,string"`
	Partial bool       `json:"partial,omitempty"`
	// Wanted: the tweet is named by its id alone, and there is nothing else.
	Wanted  bool            `json:"wanted,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`

	File       string `json:"file"`
	Pos        int64  `json:"pos"`
	CapturedAt int64  `json:"captured_at,omitempty"` // Unix milliseconds
	Raw        []byte `json:"raw"`                   // base64: the record's bytes
}

// bodyTypes are what an intake takes. A form's type is not among them: pages elsewhere can send forms unasked.
var bodyTypes = []string{"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/octet-stream", "text/plain", "text/csv"}

// ingest answers POST /2/tweets/ingest when the journal has what the body holds.
func (s *Server) ingest(c echo.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	defer body.done()
	results, err := s.Intake.Ingest(c.Request().Context(), body)
	if err = body.cause(err); err != nil {
		return err
	}
	if len(results) == 0 {
		return invalid("", "", "The body holds no record.")
	}
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Result]++
	}
	if counts["bad"] == len(results) {
		p := invalid("", "", "Record %d: %s", results[0].Pos, clean(results[0].Error, 300))
		p.Detail = "No record of the body could be read."
		for _, r := range results[1:min(len(results), 10)] {
			p.add("", "", fmt.Sprintf("Record %d: %s", r.Pos, clean(r.Error, 300)))
		}
		return p
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": results, "meta": map[string]any{"result_count": len(results), "summary": counts}})
}

// importLines answers POST /2/tweets/import.
func (s *Server) importLines(c echo.Context) error {
	body, err := s.body(c)
	if err != nil {
		return err
	}
	defer body.done()
	summary, err := s.Intake.Import(c.Request().Context(), body)
	if err = body.cause(err); err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": summary})
}

// intakeBody is a request's body, unpacked and bounded. It remembers why reading failed, however whoever reads it words that.
type intakeBody struct {
	c      echo.Context
	s      *Server
	r      io.Reader
	failed error
	done   func()
}

// body checks what is said of the request's body and takes one of the places for intake; done gives it back.
func (s *Server) body(c echo.Context) (*intakeBody, error) {
	r := c.Request()
	if _, err := parseParams(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if t := r.Header.Get("Content-Type"); t != "" {
		if kind, _, err := mime.ParseMediaType(t); err != nil || !slices.Contains(bodyTypes, kind) {
			return nil, problem(http.StatusUnsupportedMediaType, "The body must be application/x-ndjson or application/json.").with("Accept-Post", "application/x-ndjson, application/json")
		}
	}
	packed := r.Header.Get("Content-Encoding")
	if packed != "" && packed != "identity" && packed != "gzip" {
		return nil, problem(http.StatusUnsupportedMediaType, "Content-Encoding may be gzip or absent.").with("Accept-Encoding", "gzip")
	}
	if r.ContentLength > s.config.MaxBody {
		return nil, &http.MaxBytesError{Limit: s.config.MaxBody}
	}
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Time{}) // a body takes its time; cause sets another one
	wait := time.NewTimer(s.config.SearchTimeout)
	defer wait.Stop()
	select {
	case s.ingests <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-wait.C:
		return nil, problem(http.StatusServiceUnavailable, "Too many bodies are being taken in.").retryAfter(10)
	}
	b := &intakeBody{c: c, s: s, done: func() { <-s.ingests }}
	b.r = http.MaxBytesReader(c.Response(), &stalling{c, s.config.ReadTimeout, r.Body}, s.config.MaxBody)
	if packed == "gzip" {
		b.r = http.MaxBytesReader(c.Response(), &unpacking{packed: bufio.NewReader(b.r)}, s.config.MaxBody)
	}
	return b, nil
}

// Read gives the next bytes, unpacked.
func (b *intakeBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.failed = err
	}
	return n, err
}

// cause is why the intake failed: the body's own fault where it had one. The answer may be written from here on.
func (b *intakeBody) cause(err error) error {
	setWriteDeadline(b.c, b.s.config.WriteTimeout)
	var (
		tooLarge *http.MaxBytesError
		input    *InputError
	)
	switch failed := b.failed; {
	case failed == nil:
		return err
	case errors.As(failed, &tooLarge), errors.As(failed, &input), errors.Is(failed, io.ErrUnexpectedEOF), errors.Is(failed, os.ErrDeadlineExceeded):
		return failed
	default: // chunks that are none, a connection that broke
		return problem(http.StatusBadRequest, "The body cannot be read.").with("Connection", "close").because(failed)
	}
}

// stalling bounds how long a body may stand still.
type stalling struct {
	c       echo.Context
	timeout time.Duration
	io.ReadCloser
}

// Read waits for the next bytes, not for longer than the bound.
func (s *stalling) Read(p []byte) (int, error) {
	w := http.NewResponseController(s.c.Response())
	_ = w.SetReadDeadline(time.Now().Add(s.timeout)) // not all connections have one
	n, err := s.ReadCloser.Read(p)
	if err == io.EOF {
		_ = w.SetReadDeadline(time.Time{}) // else the wait for the next request would end this one
	}
	return n, err
}

// unpacking reads gzip, and says so when it is none.
type unpacking struct {
	packed *bufio.Reader
	plain  *gzip.Reader
}

// Read gives unpacked bytes.
func (u *unpacking) Read(p []byte) (n int, err error) {
	if u.plain == nil {
		u.plain, err = gzip.NewReader(u.packed)
	}
	if err == nil {
		n, err = u.plain.Read(p)
	}
	if err == nil || err == io.EOF && u.plain != nil {
		return n, err
	}
	if _, broken := u.packed.Peek(1); broken != nil && broken != io.EOF {
		return n, broken // the packed body itself failed
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, &InputError{Message: "The gzip data end too early."}
	}
	return n, &InputError{Message: "The body is not sound gzip, as Content-Encoding says."}
}

// Close is for http.MaxBytesReader.
func (*unpacking) Close() error { return nil }
