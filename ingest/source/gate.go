package source

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"birdwatch/tweet"
)

// gate is the library's way to the network. It lets one request through, and no second one: after a
// 200 and a close the library would connect again without any delay, and after 15 minutes of 503 it would
// end in silence. An answer other than 200 is made an error, since the library passes most over without
// a word, and would wait by itself on others.
type gate struct {
	*connection
	used sync.Once
}

var (
	errUsed  = errors.New("the connection is over")
	errStall = errors.New("nothing came for too long")
)

// RoundTrip sends the library's request to our server, signed.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	first := false
	g.used.Do(func() { first = true })
	if !first {
		return nil, errUsed
	}
	resp, err := g.open(req)
	if err != nil {
		g.fail(err)
		return nil, err
	}
	resp.Body = &body{connection: g.connection, inner: resp.Body, frames: framer{r: resp.Body, most: g.c.MaxMessage}}
	resp.ContentLength = -1
	return resp, nil
}

func (g *gate) open(req *http.Request) (*http.Response, error) {
	req = g.redirect(req)
	g.stall.Reset(g.c.Stall)
	resp, err := g.sign.RoundTrip(req)
	g.stall.Stop()
	if err != nil {
		return nil, err
	}
	g.change(func(s *State) { s.LastStatus = resp.StatusCode })
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		g.stall.Reset(g.c.Stall)
		defer g.stall.Stop()
		return nil, statusError(resp)
	}
	g.opened = g.connected(g.number, resp.StatusCode, g.topics.String(), 0)
	close(g.up)
	return resp, nil
}

// redirect aims the request at the configured server. A POST's parameters go into its form: thousands of
// ids do not fit into every server's idea of a URL. It is signed after that, so that the
// signature is of what is sent.
func (g *gate) redirect(req *http.Request) *http.Request {
	req = req.Clone(g.ctx)
	req.URL.Scheme, req.URL.Host, req.Host = g.base.Scheme, g.base.Host, g.base.Host
	req.URL.Path, req.URL.RawPath = g.base.Path+req.URL.Path, ""
	if req.Method == http.MethodPost {
		form := req.URL.RawQuery
		req.URL.RawQuery = ""
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
	}
	return req
}

// statusText is how much of an error's body is kept.
const statusText = 512

func statusError(resp *http.Response) *StatusError {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, statusText)) // what comes of it is enough
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(b), ""))
	e := &StatusError{Code: resp.StatusCode, Text: strings.TrimSpace(text)}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	if reset, err := strconv.ParseInt(resp.Header.Get("X-Rate-Limit-Reset"), 10, 64); err == nil && resp.StatusCode == http.StatusTooManyRequests {
		e.Reset = time.Unix(reset, 0)
	}
	return e
}

// connection is one try, from the request to the end of its answer. Its context ends the network's part of it.
type connection struct {
	*Stream
	ctx    context.Context
	cancel context.CancelCauseFunc
	sink   func(number int64, recs []tweet.Record) error
	stall  *time.Timer // runs while the network is waited for, not while the sink is
	number int64
	topics Topics
	up     chan struct{} // closed when it is established
	opened time.Time     // zero: not established

	end        sync.Mutex // guards what follows
	err        error      // the first reason for the end
	disconnect int
	limited    int64 // as the server counts: since the connection opened
}

// fail notes why the connection ends; the first reason counts.
func (c *connection) fail(err error) {
	if cause := context.Cause(c.ctx); cause != nil && !isSink(err) {
		err = cause // what the network says then is only that it was cut
	}
	c.end.Lock()
	defer c.end.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// sinkError ends Run.
type sinkError struct{ error }

func (e sinkError) Unwrap() error { return e.error }

func isSink(err error) bool {
	var se sinkError
	return errors.As(err, &se)
}
