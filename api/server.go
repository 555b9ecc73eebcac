// Package api answers HTTP: X API v2's shapes over one's own archive, and live streams by Server-Sent Events.
package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// Intake takes tweets and deletions in. cmd fills it.
type Intake interface {
	// Ingest takes a body of any known shape through the journal; when it returns nil all that is not refused is on disk.
	Ingest(ctx context.Context, body io.Reader) ([]IngestResult, error)
	// Import takes lines that ImportLine describes straight into the archive: no subscription is sent them. It gives a summary, sent as JSON.
	Import(ctx context.Context, body io.Reader) (any, error)
	// Delete deletes tweets; deleted[i] says whether ids[i] was known.
	Delete(ctx context.Context, ids []tweet.ID) (deleted []bool, err error)
}

// IngestResult says what became of one record of a body.
type IngestResult struct {
	ID     tweet.ID  `json:"id,string,omitempty"`
	Kind   string    `json:"kind,omitempty"`  // tweet, delete, …
	Result string    `json:"result"`          // new, updated, same, deleted, honored, noted, passed, bad
	Seq    tweet.Seq `json:"seq,omitempty"`   // its place in the journal, when it has one
	Pos    int64     `json:"pos"`             // line or number of the record in the body
	Error  string    `json:"error,omitempty"` // what is wrong with a bad one
}

// Check is one thing that must hold for the server to be ready.
type Check struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Note  string `json:"note,omitempty"` // what is wrong, without inner text
}

// Deps are what the server asks. All but Page are needed.
type Deps struct {
	Searcher search.Searcher
	Reader   search.Reader
	Hub      *live.Hub
	Intake   Intake
	Ready    func(context.Context) []Check
	Status   func(context.Context) (any, error)
	Page     http.Handler // answers what is no path of the API; may be nil
	Metrics  *prometheus.Registry
	Log      *slog.Logger
	Now      func() time.Time
}

// Server is the API. Handler can serve many requests at once. It has no goroutine of its own.
type Server struct {
	Deps
	config  Config
	guard   guard
	keeper  *keeper
	log     *slog.Logger
	now     func() time.Time
	echo    *echo.Echo
	ingests chan struct{}
	encoded encodings
	streams atomic.Int64 // open ones
	metrics *metrics
}

// New checks the configuration and makes a server; ErrOpen when it would let strangers in unasked.
func New(c Config, d Deps) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	c = c.withDefaults()
	s := &Server{Deps: d, config: c, guard: newGuard(c), keeper: newKeeper(c, d.Now), log: d.Log, now: d.Now, ingests: make(chan struct{}, c.IngestParallel)}
	s.metrics = newMetrics(d.Metrics, d.Hub)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.Use(s.observe, s.recovered, s.bounded, s.guardRequests)
	s.routes(e)
	s.echo = e
	return s, nil
}

func (s *Server) routes(e *echo.Echo) {
	read, write := s.needs(rightRead), s.needs(rightWrite)
	get := func(path string, h echo.HandlerFunc, with ...echo.MiddlewareFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, h, with...)
	}
	get("/2/tweets/search/all", s.searchAll, read, s.timed)
	get("/2/tweets/search/recent", s.searchRecent, read, s.timed)
	e.GET("/2/tweets/search/live", s.stream, s.admitStream)
	get("/2/tweets/counts/all", s.countsAll, read, s.timed)
	get("/2/tweets/counts/recent", s.countsRecent, read, s.timed)
	e.POST("/2/tweets/ingest", s.ingest, write)
	e.POST("/2/tweets/import", s.importLines, write)
	get("/2/tweets", s.lookup, read, s.timed)
	get("/2/tweets/:id", s.one, read, s.timed)
	get("/2/tweets/:id/raw", s.raw, read, s.timed)
	e.DELETE("/2/tweets/:id", s.remove, write, s.timed)
	get("/2/query/explain", s.explain, read)
	get("/2/query/operators", s.operators, read)
	get("/2/status", s.status, read, s.timed)
	e.POST("/2/tokens/stream", s.streamToken, read)
	get("/healthz", s.health)
	get("/readyz", s.ready, s.timed)
	get("/metrics", s.serveMetrics, read)
	if s.Page != nil {
		e.RouteNotFound("/*", s.page)
	}
}

// Handler serves the API, and the page at every path that is not the API's.
func (s *Server) Handler() http.Handler { return s.echo }

// HTTPServer makes the server to serve Handler with. A stream may last for ever, so there is no limit on writing an answer here;
// handlers set theirs. End the hub's streams (live.Hub.Close) before Shutdown: it waits for open requests.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s.echo,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    s.config.MaxHeader + s.config.MaxURI, // bounded answers what is within
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.Background() },
	}
}

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
		if err := next(c); err != nil {
			c.Error(err)
		}
		r := c.Request()
		status, took := c.Response().Status, time.Since(began)
		s.metrics.request(route(c), r.Method, status, took)
		s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id), slog.String("method", method(r.Method)), slog.String("route", route(c)),
			slog.Int("status", status), slog.Int64("bytes", c.Response().Size), slog.Duration("took", took), slog.String("remote", r.RemoteAddr))
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

// page leaves to the page what is not the API's. Its own refusals are answered as all others are.
func (s *Server) page(c echo.Context) error {
	if p := c.Request().URL.Path; p == "/2" || strings.HasPrefix(p, "/2/") {
		return echo.ErrNotFound
	}
	w := &pageWriter{ResponseWriter: c.Response()}
	s.Page.ServeHTTP(w, c.Request())
	if w.refused != 0 {
		h := c.Response().Header()
		h.Del("Content-Type")
		h.Del("Content-Length")
		return echo.NewHTTPError(w.refused)
	}
	return nil
}

// pageWriter holds back the page's 404 and 405.
type pageWriter struct {
	http.ResponseWriter
	refused int
}

func (w *pageWriter) WriteHeader(status int) {
	if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *pageWriter) Write(b []byte) (int, error) {
	if w.refused != 0 {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// parseQuery reads a query of a request; an error tells where it is wrong.
func (s *Server) parseQuery(text string, now time.Time) (*query.Query, error) {
	return query.Parse(text, now)
}
