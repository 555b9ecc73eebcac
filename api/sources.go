package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Sources are the streams that feed the archive. cmd fills it.
type Sources interface {
	// Sources gives the state of each.
	Sources(ctx context.Context) []SourceState
	// Change has one ask for something else: a JSON document that says what, all of it. It returns when the source's server
	// has decided. An InputError says what is wrong with the document, a SourceError why the server did not want it.
	Change(ctx context.Context, name string, body []byte) (SourceState, error)
}

// SourceState is a source, as GET /2/sources gives it.
type SourceState struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // "v1.1" or "x"
	State string `json:"state"` // connected, connecting, waiting, spent, stopped
	// Asks is what it asks for, of the shape that PUT takes.
	Asks        any              `json:"asks"`
	Since       string           `json:"since,omitempty"`
	LastMessage string           `json:"last_message,omitempty"`
	NextTry     string           `json:"next_try,omitempty"`
	LastStatus  int              `json:"last_status,omitempty"`
	Counts      map[string]int64 `json:"counts"`
	// Budget is, of X, what was read of what may be.
	Budget *SourceBudget `json:"budget,omitempty"`
	// Refused are rules that X did not take, each with what it says.
	Refused any `json:"refused,omitempty"`
}

// SourceBudget is of posts in a calendar month.
type SourceBudget struct {
	Month string `json:"month"`
	Read  int64  `json:"read"`
	Most  int64  `json:"most,omitempty"` // 0: no bound
}

// ErrNoSource is Change's for a name that is none.
var ErrNoSource = errors.New("no such source")

// SourceError says why a source's server did not want what it was asked for; the source goes on as before. Its text is the server's.
type SourceError struct{ Message string }

func (e *SourceError) Error() string { return e.Message }

// changeTime is how long a source's server may think about a change.
const changeTime = 2 * time.Minute

// sources answers GET /2/sources.
func (s *Server) sources(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	all := append([]SourceState{}, s.Sources.Sources(c.Request().Context())...)
	return writeJSON(c, http.StatusOK, map[string]any{"data": all, "meta": map[string]int{"result_count": len(all)}})
}

// changeSource answers PUT /2/sources/:name.
func (s *Server) changeSource(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, 1<<20))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), changeTime)
	defer cancel()
	setWriteDeadline(c, changeTime+s.config.WriteTimeout)
	state, err := s.Sources.Change(ctx, c.Param("name"), body)
	var refused *SourceError
	switch {
	case errors.Is(err, ErrNoSource):
		return problem(http.StatusNotFound, "There is no source of this name; GET /2/sources lists them.")
	case errors.As(err, &refused):
		return problem(http.StatusConflict, "The source's server did not take it, and the source goes on as before: %s", clean(refused.Message, 500))
	case err != nil:
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": state})
}
