package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/api"
	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// served is a world behind a real listener.
type served struct {
	*world
	*httptest.Server
	hub     *live.Hub
	log     *lockedBuffer
	metrics *prometheus.Registry
	remote  atomic.Pointer[string] // where all requests seem to come from
	later   atomic.Int64           // nanoseconds after noon that its clock shows
}

type lockedBuffer struct {
	mu sync.Mutex // guards what follows
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts a server of a new world; it ends with the test.
func serve(t testing.TB, c api.Config) *served { return serveWorld(t, newWorld(), c, live.Options{}) }

func serveWorld(t testing.TB, w *world, c api.Config, o live.Options) *served {
	t.Helper()
	s := &served{world: w, hub: live.NewHub(w, past{w}, o), log: &lockedBuffer{}, metrics: prometheus.NewRegistry()}
	s.Server = httptest.NewUnstartedServer(nil)
	if c.Addr == "" {
		c.Addr = s.Listener.Addr().String()
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.Error(w, "no such page", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, "the page")
	})
	a, err := api.New(c, api.Deps{Searcher: w, Facets: w, Reader: w, Hub: s.hub, Intake: intake{w}, State: w.state, Before: w.before, Coverage: ledger{}, Sources: streams{}, Page: page, Metrics: s.metrics,
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Now: func() time.Time { return noon.Add(time.Duration(s.later.Load())) },
		Explain: map[string]api.Explainer{"toy": func(e query.Expr) (any, error) { return map[string]string{"asks": e.String()}, nil }},
		Ready:   func(context.Context) []api.Check { return []api.Check{{Name: "archive", Ready: w.fails == nil}} },
		Status:  func(context.Context) (any, error) { return map[string]int{"tweets": 3}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s.Config = a.HTTPServer()
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote := s.remote.Load(); remote != nil {
			r.RemoteAddr = *remote
		}
		inner.ServeHTTP(w, r)
	})
	s.Start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- s.hub.Run(ctx) }()
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		s.hub.Close()
		s.Server.Close()
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		http.DefaultClient.CloseIdleConnections()
	})
	s.waitForHub(t)
	return s
}

// secured is the same server over TLS and HTTP/2.
func (s *served) secured(t testing.TB) *httptest.Server {
	t.Helper()
	x := httptest.NewUnstartedServer(s.Config.Handler)
	x.EnableHTTP2 = true
	x.StartTLS()
	t.Cleanup(func() { s.hub.Close(); x.Close() })
	return x
}

// waitForHub asks until the hub lets subscriptions in.
func (s *served) waitForHub(t testing.TB) {
	t.Helper()
	q := query.All()
	for {
		ctx, cancel := context.WithCancel(context.Background())
		sub, err := s.hub.Subscribe(ctx, live.Request{Queries: []live.Query{{Expr: q}}})
		cancel()
		if err == nil {
			sub.Close()
			return
		}
	}
}

// answer is what a server said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *served) do(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, s.URL+path, from)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{a.StatusCode, a.Header, string(b)}
}

func (s *served) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", header...)
}

// liveOptions are the hub's defaults.
var liveOptions live.Options

func itoa(n int) string { return strconv.Itoa(n) }

// intake takes every line of a body for one tweet's text.
type intake struct{ *world }

func (n intake) Wanted(_ context.Context, after tweet.ID, limit int) (ids []tweet.ID, err error) {
	for id := after + 1; id <= 5 && len(ids) < limit; id++ {
		ids = append(ids, id)
	}
	return ids, nil
}

func (n intake) Ingest(_ context.Context, body io.Reader) (results []api.IngestResult, err error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read: %s", err) // not wrapped: the server must know by itself
	}
	for i, line := range slices.Collect(strings.Lines(string(b))) {
		switch line = strings.TrimSpace(line); line {
		case "bad":
			results = append(results, api.IngestResult{Pos: int64(i + 1), Result: "bad", Error: "no tweet"})
		case "busy":
			return nil, fmt.Errorf("%w: disk", api.ErrBusy)
		case "panic":
			panic("secret of the inside")
		case "odd":
			return nil, errors.New("secret of the inside")
		default:
			id := tweet.ID(1000 + i)
			results = append(results, api.IngestResult{Pos: int64(i + 1), ID: id, Kind: "tweet", Result: "new", Seq: n.note(id, line)})
		}
	}
	return results, nil
}

func (n intake) Import(_ context.Context, body io.Reader) (any, error) {
	_, err := io.Copy(io.Discard, body)
	return map[string]int{"new": 1}, err
}

// DeleteUser is tried by the command's tests.
func (n intake) DeleteUser(context.Context, tweet.ID) error { return nil }

func (n intake) Delete(_ context.Context, ids []tweet.ID, _ string) ([]bool, error) {
	for _, id := range ids {
		n.delete(id)
	}
	return make([]bool, len(ids)), nil
}
