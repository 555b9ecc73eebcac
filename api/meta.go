package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/goccy/go-json"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"birdwatch/live"
	"birdwatch/query"
)

// encodeJSON writes a value of our own types, without the escapes that only HTML needs.
func encodeJSON(v any) ([]byte, error) { return json.MarshalWithOption(v, json.DisableHTMLEscape()) }

// writeJSON sends a value of our own types.
func writeJSON(c echo.Context, status int, v any) error {
	b, err := encodeJSON(v)
	if err != nil {
		return err
	}
	return c.JSONBlob(status, b)
}

// jsonString writes a string as JSON.
func jsonString(s string) []byte {
	b, err := encodeJSON(s)
	if err != nil {
		panic(err) // strings can always be written
	}
	return b
}

// explain answers GET /2/query/explain: what a query means.
func (s *Server) explain(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, "query")
	if err != nil {
		return err
	}
	q, err := s.parseQuery(p.get("query"), s.now())
	if err != nil {
		return err
	}
	data := map[string]any{"query": q.Text, "normal": q.Expr.String(), "relative": q.Relative, "tree": query.Build(q.Expr, tree{})}
	if !q.Until.IsZero() {
		data["until"] = q.Until.UTC().Format(time.RFC3339)
	}
	engines := map[string]any{}
	for name, explain := range s.Explain {
		if engines[name], err = explain(q.Expr); err != nil {
			return fmt.Errorf("explain %s: %w", name, err)
		}
	}
	if len(engines) > 0 {
		data["engines"] = engines
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": data})
}

// operators answers GET /2/query/operators: the table.
func (s *Server) operators(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": query.Operators()})
}

func (s *Server) status(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	v, err := s.Status(c.Request().Context())
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": v})
}

// health answers that the process lives.
func (s *Server) health(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready answers whether it can do its work, and what it lacks.
func (s *Server) ready(c echo.Context) error {
	checks := s.Ready(c.Request().Context())
	status := http.StatusOK
	for _, k := range checks {
		if !k.Ready {
			status = http.StatusServiceUnavailable
		}
	}
	return writeJSON(c, status, map[string]any{"ready": status == http.StatusOK, "checks": checks})
}

func (s *Server) serveMetrics(c echo.Context) error {
	promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}).ServeHTTP(c.Response(), c.Request())
	return nil
}

// metrics are what the API itself counts.
type metrics struct {
	requests *prometheus.HistogramVec
	streamed prometheus.Counter
}

func newMetrics(r *prometheus.Registry, hub *live.Hub) *metrics {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "birdwatch_http_request_seconds", Help: "Requests by route, method and status; streams count when they end.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10}}, []string{"route", "method", "status"}),
		streamed: prometheus.NewCounter(prometheus.CounterOpts{Name: "birdwatch_stream_bytes_total", Help: "Bytes written to streams."}),
	}
	r.MustRegister(m.requests, m.streamed)
	for _, g := range []struct {
		name, help string
		counter    bool
		get        func(live.Stats) int64
	}{
		{"subscriptions", "Open subscriptions.", false, func(s live.Stats) int64 { return s.Subscriptions }},
		{"queries", "Queries of open subscriptions.", false, func(s live.Stats) int64 { return s.Queries }},
		{"groups", "Different queries among them.", false, func(s live.Stats) int64 { return s.Groups }},
		{"always_groups", "Queries that every tweet is tried with, since they need no term.", false, func(s live.Stats) int64 { return s.Always }},
		{"seq", "Place in the journal up to which the hub has handed out.", false, func(s live.Stats) int64 { return int64(s.Seq) }},
		{"entries_total", "Entries matched.", true, func(s live.Stats) int64 { return s.Entries }},
		{"matches_total", "Matches of entries with queries.", true, func(s live.Stats) int64 { return s.Matched }},
		{"delivered_total", "Events given to subscriptions.", true, func(s live.Stats) int64 { return s.Delivered }},
		{"resumed_total", "Subscriptions that resumed.", true, func(s live.Stats) int64 { return s.Resumed }},
		{"gaps_total", "Gaps told.", true, func(s live.Stats) int64 { return s.Gaps }},
		{"behind_total", "Times that a subscription fell behind and turned to the journal.", true, func(s live.Stats) int64 { return s.Behind }},
		{"lagged_total", "Subscriptions ended since they fell too far behind.", true, func(s live.Stats) int64 { return s.Lagged }},
	} {
		get := func() float64 { return float64(g.get(hub.Stats())) }
		if g.counter {
			r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "birdwatch_live_" + g.name, Help: g.help}, get))
		} else {
			r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "birdwatch_live_" + g.name, Help: g.help}, get))
		}
	}
	return m
}

func (m *metrics) request(route, meth string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method(meth), strconv.Itoa(status)).Observe(took.Seconds())
}
