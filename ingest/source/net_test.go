package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network in memory, for tests whose time is not real.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve runs a handler on a network in memory until the test's end.
func serve(t *testing.T, h http.Handler) (http.RoundTripper, *http.Server) {
	t.Helper()
	p := newPipes()
	var wg sync.WaitGroup // handlers too: Close does not wait for them
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wg.Add(1)
		defer wg.Done()
		h.ServeHTTP(w, r)
	})}
	wg.Go(func() { _ = srv.Serve(p) })
	t.Cleanup(func() {
		_ = srv.Close()
		wg.Wait()
	})
	return &http.Transport{DialContext: p.dial, DisableKeepAlives: true, DisableCompression: true}, srv
}

// convert stands in for the package format: tweets with an id, notices, and refusals.
func convert(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error) {
	var m struct {
		IDStr  string `json:"id_str"`
		Delete *struct {
			Status struct {
				IDStr string `json:"id_str"`
			} `json:"status"`
		} `json:"delete"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, err
	}
	r := tweet.Record{Kind: tweet.KindTweet, CapturedAt: at, Raw: line, Provenance: p}
	if m.Delete != nil {
		r.Kind, m.IDStr = tweet.KindDelete, m.Delete.Status.IDStr
	}
	id, err := strconv.ParseInt(m.IDStr, 10, 64)
	r.ID = tweet.ID(id)
	return []tweet.Record{r}, err
}

// listener collects what a stream hands on and tells.
type listener struct {
	mu     sync.Mutex // guards what follows
	recs   []tweet.Record
	events []source.Event
	on     func(n int) // called in the sink, with the number of records so far
}

func (l *listener) sink(_ context.Context, recs []tweet.Record) error {
	l.mu.Lock()
	l.recs = append(l.recs, recs...)
	n, on := len(l.recs), l.on
	l.mu.Unlock()
	if on != nil {
		on(n)
	}
	return nil
}

func (l *listener) observe(e source.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *listener) raws() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var raws []string
	for _, r := range l.recs {
		raws = append(raws, string(r.Raw))
	}
	return raws
}

func (l *listener) of(kind source.EventKind) []source.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	var es []source.Event
	for _, e := range l.events {
		if e.Kind == kind {
			es = append(es, e)
		}
	}
	return es
}

// open makes a stream of the test's credentials, with no chance in its waits.
func open(t *testing.T, l *listener, c source.Config) *source.Stream {
	t.Helper()
	c.Name, c.Convert, c.Observe = "test", convert, l.observe
	c.ConsumerKey, c.ConsumerSecret, c.Token, c.TokenSecret = "ck", "cs", "tk", "ts"
	if c.BaseURL == "" {
		c.BaseURL = "http://stream.test"
	}
	if c.Random == nil {
		c.Random = func() float64 { return 0 }
	}
	if len(c.Track)+len(c.Follow)+len(c.Locations) == 0 {
		c.Sample = true
	}
	s, err := source.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs the stream; the function ends it and gives Run's error.
func start(t *testing.T, s *source.Stream, sink source.Sink) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, sink) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// script is a server that sends these pieces, each flushed, and closes, or hangs with hang.
func script(hang bool, pieces ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		for _, p := range pieces {
			if _, err := io.WriteString(w, p); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
		if hang {
			<-r.Context().Done()
		}
	})
}

func line(id int) string { return fmt.Sprintf(`{"id":%d,"id_str":"%d","text":"ä"}`, id, id) }
