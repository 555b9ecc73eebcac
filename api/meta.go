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
	refused  *prometheus.CounterVec
	leftOut  prometheus.Counter
	stalled  prometheus.Counter
}

func newMetrics(r *prometheus.Registry, hub *live.Hub) *metrics {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "birdwatch_http_request_seconds", Help: "Requests by route, method and status; streams count when they end.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10}}, []string{"route", "method", "status"}),
		streamed: prometheus.NewCounter(prometheus.CounterOpts{Name: "birdwatch_stream_bytes_total", Help: "Bytes written to streams."}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "birdwatch_stream_refused_total", Help: "Streams that were turned away, by reason."}, []string{"reason"}),
		leftOut:  prometheus.NewCounter(prometheus.CounterOpts{Name: "birdwatch_stream_left_out_total", Help: "Tweets that max_rate left out of streams."}),
		stalled:  prometheus.NewCounter(prometheus.CounterOpts{Name: "birdwatch_stream_stalled_total", Help: "Times that a stream's client took less than the network holds, and was waited for."}),
	}
	r.MustRegister(m.requests, m.streamed, m.refused, m.leftOut, m.stalled)
	for _, g := range []struct {
		name, help string
		counter    bool
		get        func(live.Stats) float64
	}{
		{"subscriptions", "Open subscriptions.", false, func(s live.Stats) float64 { return float64(s.Subscriptions) }},
		{"queries", "Queries of open subscriptions.", false, func(s live.Stats) float64 { return float64(s.Queries) }},
		{"groups", "Different queries among them.", false, func(s live.Stats) float64 { return float64(s.Groups) }},
		{"always_groups", "Queries that every tweet is tried with, since they need no term.", false, func(s live.Stats) float64 { return float64(s.Always) }},
		{"seq", "Place in the journal up to which the hub has handed out.", false, func(s live.Stats) float64 { return float64(s.Seq) }},
		{"entries_total", "Entries matched.", true, func(s live.Stats) float64 { return float64(s.Entries) }},
		{"matches_total", "Matches of entries with queries.", true, func(s live.Stats) float64 { return float64(s.Matched) }},
		{"delivered_total", "Events given to subscriptions.", true, func(s live.Stats) float64 { return float64(s.Delivered) }},
		{"resumed_total", "Subscriptions that resumed.", true, func(s live.Stats) float64 { return float64(s.Resumed) }},
		{"gaps_total", "Gaps told.", true, func(s live.Stats) float64 { return float64(s.Gaps) }},
		{"behind_total", "Times that a subscription fell behind and turned to the journal.", true, func(s live.Stats) float64 { return float64(s.Behind) }},
		{"lag", "Entries of the journal that the hub has not handed out yet.", false, func(s live.Stats) float64 { return float64(s.Lag) }},
		{"lag_seconds", "About how long the first of those has waited.", false, func(s live.Stats) float64 { return s.Late.Seconds() }},
		{"queue", "Events that wait in memory for their streams.", false, func(s live.Stats) float64 { return float64(s.Queue) }},
		{"match_seconds_total", "Time spent on finding the queries of tweets.", true, func(s live.Stats) float64 { return s.MatchTime.Seconds() }},
		{"deletes_total", "Deletions given to subscriptions.", true, func(s live.Stats) float64 { return float64(s.Deletes) }},
		{"replaced_total", "Times that the queries of an open subscription were replaced.", true, func(s live.Stats) float64 { return float64(s.Replaced) }},
		{"spoilt_total", "Entries that could not be read.", true, func(s live.Stats) float64 { return float64(s.Spoilt) }},
		{"lagged_total", "Subscriptions ended since they fell too far behind.", true, func(s live.Stats) float64 { return float64(s.Lagged) }},
	} {
		get := func() float64 { return g.get(hub.Stats()) }
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
