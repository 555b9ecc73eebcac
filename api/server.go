// Package api answers HTTP: X API v2's shapes over one's own archive, and live streams by Server-Sent Events.
//
// A stream sends tweets as unnamed events, whose data is a line of X's filtered stream, and the events delete, live, gap, bye and end.
// After bye, or when the connection breaks, a client comes again with the last id it has, as EventSource does by itself. end is final: a
// client should close; one that comes again with the id of end is answered 204.
//
// To stop: live.Hub.Close first, which says bye to all streams, then http.Server.Shutdown, which waits for requests.
package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
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

// Explainer says what an engine makes of a query, as what becomes JSON: its own query, say.
type Explainer func(query.Expr) (any, error)

// Deps are what the server asks. All but Page and Explain are needed.
type Deps struct {
	Searcher search.Searcher
	Facets   search.Faceter
	Reader   search.Reader
	Hub      *live.Hub
	Intake   Intake
	Repairs  Repairs
	Ready    func(context.Context) []Check
	Status   func(context.Context) (any, error)
	Page     http.Handler         // answers what is no path of the API; may be nil
	Explain  map[string]Explainer // by the engine's name
	Metrics  *prometheus.Registry
	Log      *slog.Logger
	Now      func() time.Time
}

// Server is the API. Handler can serve many requests at once. It has no goroutine of its own.
type Server struct {
	Deps
	config     Config
	guard      guard
	keeper     *keeper
	log        *slog.Logger
	now        func() time.Time
	echo       *echo.Echo
	ingests    chan struct{}
	exports    chan struct{}
	encoded    encodings
	streams    atomic.Int64 // open ones
	reindexing atomic.Bool
	metrics    *metrics
}

// New checks the configuration and makes a server; ErrOpen when it would let strangers in unasked.
func New(c Config, d Deps) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	c = c.withDefaults()
	s := &Server{Deps: d, config: c, guard: newGuard(c), keeper: newKeeper(c, d.Now), log: d.Log, now: d.Now, ingests: make(chan struct{}, c.IngestParallel),
		exports: make(chan struct{}, c.MaxExports)}
	s.metrics = newMetrics(d.Metrics, d.Hub)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.handleError
	e.Use(s.observe, s.recovered, s.bounded, s.guardRequests, s.orPage)
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
	get("/2/tweets/search/facets", s.facets, read, s.timed)
	get("/2/tweets/search/export", s.export, read)
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
	get("/2/dead_letters", s.deadLetters, write, s.timed)
	e.POST("/2/dead_letters/retry", s.retryDeadLetters, write)
	e.POST("/2/dead_letters/drop", s.dropDeadLetters, write, s.timed)
	e.POST("/2/reindex", s.reindex, write)
	e.POST("/2/tokens/stream", s.streamToken, read)
	get("/healthz", s.health)
	get("/readyz", s.ready, s.timed)
	get("/metrics", s.serveMetrics, read)
	get("/openapi.json", s.openAPI)
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

// parseQuery reads a query of a request; an error tells where it is wrong.
func (s *Server) parseQuery(text string, now time.Time) (*query.Query, error) {
	return query.Parse(text, now)
}
