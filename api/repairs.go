package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/search"
)

// Repairs are what an operator may have done to the archive while it is in use; search.Keeper has them.
type Repairs interface {
	DeadLetters(ctx context.Context, after string, limit int) ([]search.DeadLetter, error)
	Retry(ctx context.Context, keys ...string) (search.Outcome, error)
	Drop(ctx context.Context, keys ...string) (int, error)
	Reindex(ctx context.Context, progress func(done, total int64)) error
}

// DeadLetter is one of GET /2/dead_letters.
type DeadLetter struct {
	search.DeadLetter
	Payload json.RawMessage `json:"payload,omitempty"`
	Raw     []byte          `json:"raw,omitempty"` // base64
}

// ShowDeadLetter is a dead letter with its content, as far as that is JSON.
func ShowDeadLetter(d search.DeadLetter) DeadLetter {
	l := DeadLetter{DeadLetter: d, Raw: d.Content.Raw}
	if json.Valid(d.Content.Payload) {
		l.Payload = d.Content.Payload
	}
	return l
}

// DeadLetterPage is what GET /2/dead_letters answers.
type DeadLetterPage struct {
	Data []DeadLetter `json:"data"`
	Meta struct {
		ResultCount int    `json:"result_count"`
		Next        string `json:"next,omitempty"` // the key for [after]
	} `json:"meta"`
}

// deadLetterMost bounds a page, and how many keys a request may name.
const deadLetterMost = 1000

var deadLetterParameters = []string{"after", "max_results"}

// deadLetters answers GET /2/dead_letters: what the archive could not take, and why.
func (s *Server) deadLetters(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, deadLetterParameters...)
	if err != nil {
		return err
	}
	n, err := p.number("max_results", 1, deadLetterMost, 100)
	if err != nil {
		return err
	}
	found, err := s.Repairs.DeadLetters(c.Request().Context(), p.get("after"), n+1)
	if err != nil {
		return err
	}
	page := DeadLetterPage{Data: []DeadLetter{}}
	for i, d := range found {
		if i == n {
			page.Meta.Next = found[n-1].Key
			break
		}
		page.Data = append(page.Data, ShowDeadLetter(d))
	}
	page.Meta.ResultCount = len(page.Data)
	return writeJSON(c, http.StatusOK, page)
}

// keysOf reads {"keys":["…"]}, the body of the two that follow.
func (s *Server) keysOf(c echo.Context) ([]string, error) {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return nil, err
	}
	var body struct{ Keys []string }
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || len(body.Keys) == 0 || len(body.Keys) > deadLetterMost {
		return nil, invalid("", "", `The body must be {"keys":[…]} with 1 to %d keys of GET /2/dead_letters.`, deadLetterMost)
	}
	return body.Keys, nil
}

// retryDeadLetters answers POST /2/dead_letters/retry.
func (s *Server) retryDeadLetters(c echo.Context) error {
	keys, err := s.keysOf(c)
	if err != nil {
		return err
	}
	o, err := s.Repairs.Retry(c.Request().Context(), keys...)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": map[string]int{"inserted": o.Inserted, "updated": o.Updated, "same": o.Same, "deleted": o.Deleted, "refused": o.Refused}})
}

// dropDeadLetters answers POST /2/dead_letters/drop.
func (s *Server) dropDeadLetters(c echo.Context) error {
	keys, err := s.keysOf(c)
	if err != nil {
		return err
	}
	n, err := s.Repairs.Drop(c.Request().Context(), keys...)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": map[string]int{"dropped": n}})
}

// reindexTell is how often a reindex under way says how far it is.
const reindexTell = time.Second

// reindex answers POST /2/reindex with a line a second, {"done":…,"total":…}, and a last one that has "finished" or "error".
func (s *Server) reindex(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	if !s.reindexing.CompareAndSwap(false, true) {
		return problem(http.StatusConflict, "The index is being made again already.")
	}
	defer s.reindexing.Store(false)
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	var told time.Time
	tell := func(line map[string]any) {
		setWriteDeadline(c, s.config.WriteTimeout)
		if b, err := json.Marshal(line); err == nil {
			_, _ = w.Write(append(b, '\n')) // who asked may have left: then the context ends
			w.Flush()
		}
	}
	err := s.Repairs.Reindex(c.Request().Context(), func(done, total int64) {
		if now := s.now(); now.Sub(told) >= reindexTell {
			told = now
			tell(map[string]any{"done": done, "total": total})
		}
	})
	switch {
	case err == nil:
		tell(map[string]any{"finished": true})
		return nil
	case !w.Committed:
		return err
	}
	s.log.Error("reindex", "error", err)
	tell(map[string]any{"error": "The index could not be made again; ask again to go on where it stopped. The server's log has the reason."})
	return nil
}
