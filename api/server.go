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
	g := e.Group("/2")
	g.GET("/tweets/search/all", s.searchAll, read, s.timed)
	g.GET("/tweets/search/recent", s.searchRecent, read, s.timed)
	g.GET("/tweets/search/live", s.stream, s.admitStream)
	g.GET("/tweets/counts/all", s.countsAll, read, s.timed)
	g.GET("/tweets/counts/recent", s.countsRecent, read, s.timed)
	g.POST("/tweets/ingest", s.ingest, write)
	g.POST("/tweets/import", s.importLines, write)
	g.GET("/tweets", s.lookup, read, s.timed)
	g.GET("/tweets/:id", s.one, read, s.timed)
	g.GET("/tweets/:id/raw", s.raw, read, s.timed)
	g.DELETE("/tweets/:id", s.remove, write, s.timed)
	g.GET("/query/explain", s.explain, read)
	g.GET("/query/operators", s.operators, read)
	g.GET("/status", s.status, read, s.timed)
	g.POST("/tokens/stream", s.streamToken, read)
	e.GET("/healthz", s.health)
	e.GET("/readyz", s.ready)
	e.GET("/metrics", s.serveMetrics, read)
	if s.Page != nil {
		e.GET("/*", s.page)
		e.HEAD("/*", s.page)
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
		MaxHeaderBytes:    s.config.MaxHeader,
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
		if (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodDelete) && r.ContentLength > 0 {
			return problem(http.StatusBadRequest, "A %s request has no body.", r.Method).with("Connection", "close")
		}
		if deadline := http.NewResponseController(c.Response()); s.config.WriteTimeout > 0 {
			_ = deadline.SetWriteDeadline(s.now().Add(s.config.WriteTimeout + s.config.SearchTimeout)) // not all writers have one
		}
		return next(c)
	}
}

// recovered turns a panic into an answer that says nothing of it.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				err = problem(http.StatusInternalServerError, "Something went wrong here; the log has it under the request id.").because(fmt.Errorf("panic: %v", r))
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

// page leaves to the page what is not the API's.
func (s *Server) page(c echo.Context) error {
	if p := c.Request().URL.Path; len(p) >= 3 && p[:3] == "/2/" || p == "/2" {
		return problem(http.StatusNotFound, "There is nothing at this path.")
	}
	s.Page.ServeHTTP(c.Response(), c.Request())
	return nil
}

// parseQuery reads a query of a request; an error tells where it is wrong.
func (s *Server) parseQuery(text string, now time.Time) (*query.Query, error) {
	return query.Parse(text, now)
}
