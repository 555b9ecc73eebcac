package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// problemTypes is the base of X's own problem types, as X's answers write it.
const problemTypes = "https://api.twitter.com/2/problems/"

// Problem is an RFC 9457 problem document with X's further members. It is an error, so
// that handlers return it; nothing in it may come from inside.
type Problem struct {
	Title  string         `json:"title"`
	Detail string         `json:"detail"`
	Type   string         `json:"type"`
	Status int            `json:"status"`
	Errors []ProblemError `json:"errors,omitempty"`
	// ConnectionIssue is X's word for what hinders a stream.
	ConnectionIssue string `json:"connection_issue,omitempty"`
	// Position is set for a query that does not parse.
	Position *Position `json:"position,omitempty"`

	header http.Header // sent with it
	cause  error       // logged, never sent
}

// ProblemError is one thing wrong with a request.
type ProblemError struct {
	Parameters map[string][]string `json:"parameters,omitempty"`
	Message    string              `json:"message"`
}

// Position says where a query is wrong: bytes [Pos, End) of it.
type Position struct {
	Parameter string `json:"parameter"`
	Index     int    `json:"index,omitempty"` // which of several queries, from 0
	Pos       int    `json:"pos"`
	End       int    `json:"end"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
}

func (p *Problem) Error() string {
	if p.cause != nil {
		return p.Title + ": " + p.Detail + ": " + p.cause.Error()
	}
	return p.Title + ": " + p.Detail
}

func (p *Problem) Unwrap() error { return p.cause }

// problem makes a document without a type of X's.
func problem(status int, detail string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Detail: fmt.Sprintf(detail, args...), Type: "about:blank", Status: status}
}

// invalid is X's answer to a bad parameter.
func invalid(parameter, value, message string, args ...any) *Problem {
	p := &Problem{Title: "Invalid Request", Detail: "One or more parameters to your request was invalid.",
		Type: problemTypes + "invalid-request", Status: http.StatusBadRequest}
	return p.add(parameter, value, fmt.Sprintf(message, args...))
}

// add puts a further fault beside the first. The value is cut and cleaned, since it comes from a stranger.
func (p *Problem) add(parameter, value, message string) *Problem {
	e := ProblemError{Message: message}
	if parameter != "" {
		e.Parameters = map[string][]string{clean(parameter, 100): {clean(value, 200)}}
	}
	p.Errors = append(p.Errors, e)
	return p
}

func (p *Problem) with(name, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

func (p *Problem) because(err error) *Problem {
	p.cause = err
	return p
}

// retryAfter tells the client when to come again, in seconds.
func (p *Problem) retryAfter(seconds int) *Problem { return p.with("Retry-After", fmt.Sprint(seconds)) }

// notFound is X's answer to an id that is not there. X sends it with status 200 beside the
// tweets that were found; alone it is ours, with 404.
func notFound(id string) *Problem {
	return &Problem{Title: "Not Found Error", Type: problemTypes + "resource-not-found", Status: http.StatusNotFound,
		Detail: fmt.Sprintf("Could not find tweet with id: [%s].", clean(id, 40))}
}

// send writes the document.
func (p *Problem) send(c echo.Context) error {
	body, err := encodeJSON(p)
	if err != nil {
		return fmt.Errorf("encode problem: %w", err)
	}
	h := c.Response().Header()
	for name, values := range p.header {
		h[name] = values
	}
	h.Del("Content-Disposition")
	h.Set("Cache-Control", "no-store")
	return c.Blob(p.Status, "application/problem+json", body)
}

// clean makes a stranger's text fit for an answer or a log: valid UTF-8, no control characters, of at most max bytes.
func clean(s string, max int) string {
	cut := ""
	if len(s) > max {
		s, cut = s[:max], "…"
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s) + cut
}
