// Package api answers HTTP: X API v2's shapes over one's own archive, and live streams by Server-Sent Events.
//
// A stream sends tweets as unnamed events, whose data is a line of X's filtered stream, and the events delete, live, gap, bye and end.
// After bye, or when the connection breaks, a client comes again with the last id it has, as EventSource does by itself. end is final: a
// client should close; one that comes again with the id of end is answered 204.
//
// To stop: live.Hub.Close first, which says bye to all streams, then http.Server.Shutdown, which waits for requests, and Wait, which waits
// for streams; then end Run.
package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
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
	// Wanted gives up to n of the tweets that lists of ids named and that have not come, by id, above one.
	Wanted(ctx context.Context, after tweet.ID, n int) ([]tweet.ID, error)
	// Delete deletes tweets; deleted[i] says whether ids[i] was known. by is for the audit log: what they were found by, or "".
	Delete(ctx context.Context, ids []tweet.ID, by string) (deleted []bool, err error)
	// DeleteUser deletes a user's tweets, those that are here and those that come later.
	DeleteUser(ctx context.Context, user tweet.ID) error
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
	State    State
	// Before is the place of the last entry that came before a time.
	Before   func(context.Context, time.Time) (live.Place, error)
	Coverage Coverage
	Sources  Sources
	Ready    func(context.Context) []Check
	Status   func(context.Context) (any, error)
	Page     http.Handler         // answers what is no path of the API; may be nil
	Explain  map[string]Explainer // by the engine's name
	Metrics  *prometheus.Registry
	Log      *slog.Logger
	Now      func() time.Time
}

// Server is the API. Handler can serve many requests at once. Run, which streams need, has the goroutines.
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
	selections selections
	courier    *courier
	rules      *rules
	named      *connections
	seats      seats
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
	s.courier = newCourier(s)
	s.seats = seats{most: c.MaxStreams, perAddress: max(0, c.MaxStreamsAddress), perToken: c.MaxStreamsToken, addresses: map[netip.Addr]int{}, tokens: map[string]int{}}
	s.rules = &rules{state: d.State, hub: d.Hub, most: c.MaxRules, streams: map[*live.Subscription]func(){}}
	s.named = &connections{state: d.State, hub: d.Hub, swept: d.Now(), now: d.Now, open: map[string]map[*live.Subscription]func(){}}
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
	e.PUT("/2/tweets/search/live/:connection", s.replaceQueries, read, s.timed)
	e.GET("/2/tweets/search/stream", s.filtered, read)
	get("/2/tweets/search/stream/rules", s.listRules, read, s.timed)
	get("/2/tweets/search/stream/rules/counts", s.countRules, read, s.timed)
	e.POST("/2/tweets/search/stream/rules", s.changeRules, s.timed) // which right it needs is seen when it is read
	get("/2/tweets/counts/all", s.countsAll, read, s.timed)
	get("/2/tweets/counts/recent", s.countsRecent, read, s.timed)
	e.POST("/2/tweets/ingest", s.ingest, write)
	e.POST("/2/tweets/import", s.importLines, write)
	e.GET("/2/tweets/wanted", s.wanted, read)
	get("/2/tweets", s.lookup, read, s.timed)
	get("/2/tweets/:id", s.one, read, s.timed)
	get("/2/tweets/:id/raw", s.raw, read, s.timed)
	e.DELETE("/2/tweets/:id", s.remove, write, s.timed)
	e.DELETE("/2/tweets", s.removeAll, write, s.timed)
	get("/2/query/explain", s.explain, read)
	get("/2/query/operators", s.operators, read)
	get("/2/status", s.status, read, s.timed)
	get("/2/coverage", s.coverage, read, s.timed)
	e.POST("/2/coverage/imports", s.imported, write, s.timed)
	get("/2/sources", s.sources, read, s.timed)
	e.PUT("/2/sources/:name", s.changeSource, write) // its server takes its time
	get("/2/dead_letters", s.deadLetters, write, s.timed)
	e.POST("/2/dead_letters/retry", s.retryDeadLetters, write)
	e.POST("/2/dead_letters/drop", s.dropDeadLetters, write, s.timed)
	e.POST("/2/reindex", s.reindex, write)
	e.POST("/2/tokens/stream", s.streamToken, read)
	get("/healthz", s.health)
	get("/readyz", s.ready, s.timed)
	get("/metrics", s.serveMetrics, read)
	e.GET("/debug/live", s.debugLive, read)
	get("/openapi.json", s.openAPI)
}

// Handler serves the API, and the page at every path that is not the API's.
func (s *Server) Handler() http.Handler { return s.echo }

// HTTPServer makes the server to serve Handler with. A stream may last for ever, so there is no limit on writing an answer here;
// handlers set theirs. End the hub's streams (live.Hub.Close) before Shutdown: it waits for open requests.
func (s *Server) HTTPServer() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // for proxies
	return &http.Server{
		Handler:           s.echo,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 1000},
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

// Run brings events to streams until ctx ends, and closes them then. To let them end in order, close the hub first and Wait.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		s.named.run(ctx, s.config.Heartbeat, func(err error) { s.log.Error("connections are not swept", "error", err) })
	})
	defer sweeping.Wait()
	defer cancel()
	return s.courier.run(ctx)
}

// Wait returns when no stream is open any more, or with ctx's error.
func (s *Server) Wait(ctx context.Context) error {
	for s.seats.count() > 0 {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
