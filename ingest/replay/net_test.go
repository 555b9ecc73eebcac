package replay_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"birdwatch/ingest/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network in memory, for tests whose time is not real.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

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

// server plays on a network in memory until the test's end, or until shutdown.
type server struct {
	*replay.Server
	client   *http.Client
	shutdown context.CancelFunc
}

func serve(t *testing.T, o replay.Options) *server {
	t.Helper()
	h, err := replay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup // handlers too: Close does not wait for them
	srv := &http.Server{BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wg.Add(1)
			defer wg.Done()
			h.ServeHTTP(w, r)
		})}
	wg.Go(func() { _ = srv.Serve(p) })
	t.Cleanup(func() {
		cancel()
		_ = srv.Close()
		wg.Wait()
	})
	return &server{h, &http.Client{Transport: &http.Transport{DialContext: p.dial, DisableKeepAlives: true}}, cancel}
}

const authorized = `OAuth oauth_consumer_key="ck", oauth_nonce="n", oauth_signature="s%2B%3D", oauth_signature_method="HMAC-SHA1", ` +
	`oauth_timestamp="1318622958", oauth_token="%TOKEN", oauth_version="1.0"`

// open asks for a stream as the account of the token.
func (s *server) open(t *testing.T, token, path string, form url.Values) *http.Response {
	t.Helper()
	return s.openAt(t, "http://stream.test", token, path, form)
}

func (s *server) openAt(t *testing.T, base, token, path string, form url.Values) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", base+"/1.1/statuses/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", strings.Replace(authorized, "%TOKEN", token, 1))
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// messages reads a stream to its end; keep-alives are left out.
func messages(t *testing.T, r io.Reader) []string {
	t.Helper()
	var ms []string
	b, err := io.ReadAll(r)
	if err != nil {
		t.Errorf("read stream: %v", err)
	}
	for m := range strings.SplitSeq(string(b), "\r\n") {
		if m != "" {
			ms = append(ms, m)
		}
	}
	return ms
}

// played gives what a stream of the tape with these parameters holds.
func played(t *testing.T, path string, form url.Values, tape ...string) []string {
	t.Helper()
	h, err := replay.New(replay.Options{Tape: tapeOf(tape...), CloseAtEnd: true})
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest("GET", "/1.1/statuses/"+path+"?"+form.Encode(), nil)
	req.Header.Set("Authorization", strings.Replace(authorized, "%TOKEN", "t", 1))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Fatalf("%s?%s: %d %s", path, form.Encode(), w.Code, w.Body)
	}
	return messages(t, w.Body)
}

func tapeOf(lines ...string) replay.Tape {
	return func(yield func([]byte, error) bool) {
		for _, l := range lines {
			if !yield([]byte(l), nil) {
				return
			}
		}
	}
}

// reader reads one message or keep-alive ("") at a time.
type reader struct {
	t *testing.T
	r *bufio.Reader
}

func (r reader) next() string {
	r.t.Helper()
	line, err := r.r.ReadString('\n')
	if err != nil {
		return fmt.Sprint("end: ", err)
	}
	return strings.TrimSuffix(line, "\r\n")
}

func read(t *testing.T, resp *http.Response) reader {
	return reader{t, bufio.NewReader(resp.Body)}
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
