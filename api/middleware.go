package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// timed bounds how long a request may take.
func (s *Server) timed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.SearchTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// bounded refuses requests that are too long before anything looks at them, and a body where none belongs.
func (s *Server) bounded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if len(r.RequestURI) > s.config.MaxURI {
			return problem(http.StatusRequestURITooLong, "The request's URI is longer than %d bytes.", s.config.MaxURI)
		}
		if headerBytes(r.Header) > s.config.MaxHeader {
			return problem(http.StatusRequestHeaderFieldsTooLarge, "The request's headers are larger than %d bytes.", s.config.MaxHeader).with("Connection", "close")
		}
		if r.ContentLength != 0 && r.Method != http.MethodPost && r.Method != http.MethodPut { // -1: of unknown length
			return problem(http.StatusBadRequest, "A %s request has no body here.", method(r.Method)).with("Connection", "close")
		}
		setWriteDeadline(c, s.config.WriteTimeout+s.config.SearchTimeout)
		return next(c)
	}
}

// setWriteDeadline bounds how long writing may take from now on. A socket's deadline goes by the real clock.
func setWriteDeadline(c echo.Context, d time.Duration) {
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(d)) // not all writers have one
}

func headerBytes(h http.Header) (n int) {
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// recovered turns a panic into an answer that says nothing of it.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				err = problem(http.StatusInternalServerError, "Something went wrong here; the log has it under the request id.").because(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
			}
		}()
		return next(c)
	}
}

// observe gives the request its id, counts it and writes the access log.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		id := rand.Text()[:12]
		c.Set(requestIDKey, id)
		h := c.Response().Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // a deleted tweet must not live on in a cache; the page sets its own
		defer func() {                     // also for what is broken off
			r := c.Request()
			status, took := c.Response().Status, time.Since(began)
			s.metrics.request(route(c), r.Method, status, took)
			s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id), slog.String("method", method(r.Method)), slog.String("route", route(c)),
				slog.Int("status", status), slog.Int64("bytes", c.Response().Size), slog.Duration("took", took), slog.String("remote", r.RemoteAddr))
		}()
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

const requestIDKey = "request_id"

func requestID(c echo.Context) string {
	id, _ := c.Get(requestIDKey).(string)
	return id
}

// route is the request's path as it was registered: it names no tweet and no query.
func route(c echo.Context) string {
	if p := c.Path(); p != "" {
		return p
	}
	return "none"
}

// method keeps strangers' words out of labels and logs.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
