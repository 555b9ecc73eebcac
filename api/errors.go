package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"birdwatch/query"
	"birdwatch/search"
)

// Errors that the parts cmd puts in may return (wrapped or not).
var (
	// ErrBusy: the intake is paused (disk low, journal full); the same request may do later.
	ErrBusy = errors.New("intake paused")
)

// InputError says what is wrong with the caller's body; its Message is sent to the caller.
type InputError struct {
	Pos     int64 // record in the body, from 1; 0 for the whole
	Message string
}

func (e *InputError) Error() string { return e.Message }

// statusClosed is logged (never sent) for a client that left before its answer.
const statusClosed = 499

// toProblem is the only place where an error becomes a status and a sentence for the caller. Inner text stays
// in the cause, for the log.
func toProblem(err error) *Problem {
	var (
		own      *Problem
		syntax   *query.SyntaxError
		input    *InputError
		tooLarge *http.MaxBytesError
		inner    *echo.HTTPError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &syntax):
		return badQuery("query", syntax)
	case errors.As(err, &input):
		p := invalid("", "", "%s", clean(input.Message, 500))
		p.Detail = "The body could not be read."
		return p
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, "The body is larger than %d bytes.", tooLarge.Limit).with("Connection", "close")
	case errors.Is(err, search.ErrUnavailable):
		return problem(http.StatusServiceUnavailable, "The archive cannot answer now.").retryAfter(5).because(err)
	case errors.Is(err, search.ErrTooComplex):
		return invalid("query", "", "%s", "The archive, as it is set, does not take a query with so many alternatives. Ask for fewer at once.").because(err)
	case errors.Is(err, search.ErrNotFound):
		return problem(http.StatusNotFound, "No such tweet.")
	case errors.Is(err, search.ErrDeleted):
		return problem(http.StatusGone, "The tweet is deleted.")
	case errors.Is(err, ErrBusy):
		return problem(http.StatusServiceUnavailable, "The intake is paused.").retryAfter(30).because(err)
	case errors.Is(err, search.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, "The query took too long. Narrow it, for example by start_time.").because(err)
	case errors.Is(err, context.Canceled):
		return problem(statusClosed, "The client left.").because(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return problem(http.StatusBadRequest, "The body ended too early. What came whole may be taken in; sending all of it again does no harm.").with("Connection", "close")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "The body stood still for too long. What came whole may be taken in; sending all of it again does no harm.").with("Connection", "close")
	case errors.As(err, &inner):
		return fromEcho(inner)
	}
	return problem(http.StatusInternalServerError, "Something went wrong here; the log has it under the request id.").because(err)
}

// fromEcho keeps the status of the router's own errors, and none of their text.
func fromEcho(e *echo.HTTPError) *Problem {
	switch {
	case e.Code == http.StatusNotFound:
		return problem(e.Code, "There is nothing at this path.")
	case e.Code == http.StatusMethodNotAllowed:
		return problem(e.Code, "This path does not take this method; Allow lists those it takes.")
	case e.Code >= 400 && e.Code < 500:
		return problem(e.Code, "The request cannot be served.").because(e)
	}
	return problem(http.StatusInternalServerError, "Something went wrong here; the log has it under the request id.").because(e)
}

// badQuery is a problem that shows where a query is wrong.
func badQuery(parameter string, e *query.SyntaxError) *Problem {
	p := invalid(parameter, e.Text, "%s (at position %d)", clean(e.Message, 500), e.Pos+1)
	p.Detail = clean(e.Message, 500)
	if e.Hint != "" {
		p.Detail += ": " + clean(e.Hint, 500)
	}
	p.Position = &Position{Parameter: parameter, Pos: e.Pos, End: e.End,
		Message: clean(e.Message, 500), Hint: clean(e.Hint, 500)}
	return p
}

// handleError is Echo's HTTPErrorHandler. It logs what the caller is not told, once.
func (s *Server) handleError(err error, c echo.Context) {
	p := toProblem(err)
	if p.cause != nil && p.Status != statusClosed {
		level := slog.LevelWarn
		if p.Status == http.StatusInternalServerError {
			level = slog.LevelError
		}
		s.log.LogAttrs(c.Request().Context(), level, "request failed", slog.String("request_id", requestID(c)),
			slog.String("route", route(c)), slog.Int("status", p.Status), slog.Any("error", p.cause))
	}
	if c.Response().Committed { // an answer that has begun cannot become another one
		return
	}
	if p.Status == statusClosed {
		c.Response().Status = statusClosed
		return
	}
	if err := p.send(c); err != nil {
		s.log.Debug("problem not sent", "request_id", requestID(c), "error", err)
	}
}
