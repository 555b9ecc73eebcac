// Package client asks a BirdWatch server: what the command line uses.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client asks one server. Safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
	pause time.Duration // before something is tried again, at first half of it to three halves
}

// New makes a client of the server at base (http://host:port); token may be empty.
func New(base, token string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	return &Client{strings.TrimSuffix(base, "/"), token, &http.Client{Transport: transport}, 500 * time.Millisecond}
}

// Close lets go of connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is a problem document that the server answered with.
type Error struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message string `json:"message"`
	} `json:"errors"`
	Position *struct {
		Pos, End      int
		Message, Hint string
	} `json:"position"`
}

func (e *Error) Error() string {
	switch {
	case e.Position != nil && e.Position.Hint != "":
		return fmt.Sprintf("%s (at position %d): %s", e.Position.Message, e.Position.Pos+1, e.Position.Hint)
	case e.Position != nil:
		return fmt.Sprintf("%s (at position %d)", e.Position.Message, e.Position.Pos+1)
	case len(e.Errors) > 0:
		return e.Errors[0].Message
	case e.Detail != "":
		return e.Detail
	}
	return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
}

// Lasting reports whether asking again would give the same.
func (e *Error) Lasting() bool {
	return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout && e.Status != http.StatusTooManyRequests
}

// do sends a request and gives an answer of 2xx; its body is the caller's to close.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	u := c.base + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", path, err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			err = urlErr.Err // without the address and what the query says
		}
		return nil, fmt.Errorf("ask %s: %w", c.base, err)
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	problem := &Error{}
	b, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil {
		_ = json.Unmarshal(b, problem) // what is no problem document has its status
	}
	problem.Status = answer.StatusCode
	return nil, problem
}

func (c *Client) get(ctx context.Context, path string, q url.Values, to any) error {
	answer, err := c.do(ctx, http.MethodGet, path, q, nil, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(to); err != nil {
		return fmt.Errorf("answer of %s: %w", path, err)
	}
	return nil
}
