package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
)

// selfTest is what GET /debug/live answers.
type selfTest struct {
	OK bool `json:"ok"`
	// Note says what went wrong.
	Note string `json:"note,omitempty"`
	// ConnectMS is until the stream's head and its first event had come over the network.
	ConnectMS float64 `json:"connect_ms"`
	// Tweet is the next one that came, over the whole way from journal to client; absent when none came while it was waited for.
	Tweet *struct {
		Place     string  `json:"place"`
		LatencyMS float64 `json:"latency_ms"` // since the journal took it
	} `json:"tweet,omitempty"`
	Subscriptions int64   `json:"subscriptions"`
	Queue         int64   `json:"queue"`
	LagSeq        int64   `json:"lag_seq"`
	LagSeconds    float64 `json:"lag_seconds"`
}

// selfTestMost is how long a tweet is waited for at most, in seconds.
const selfTestMost = 30

// debugLive answers GET /debug/live: it opens a stream of every tweet at the server's own address, as a client would, and reports.
func (s *Server) debugLive(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, "wait")
	if err != nil {
		return err
	}
	wait, err := p.number("wait", 0, selfTestMost, 3)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), time.Duration(wait)*time.Second+5*time.Second)
	defer cancel()
	var t selfTest
	if err := s.watchSelf(ctx, c.Request(), &t, time.Duration(wait)*time.Second); err != nil {
		s.log.Warn("self-test failed", "request_id", requestID(c), "error", err)
		t.Note = "The stream could not be opened, or broke; the log has it."
	}
	t.OK = t.Note == ""
	st := s.Hub.Stats()
	t.Subscriptions, t.Queue, t.LagSeq, t.LagSeconds = st.Subscriptions, st.Queue, int64(st.Lag), st.Late.Seconds()
	status := http.StatusOK
	if !t.OK {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(c, status, map[string]any{"data": t})
}

func (s *Server) watchSelf(ctx context.Context, asked *http.Request, t *selfTest, wait time.Duration) error {
	local, ok := asked.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return fmt.Errorf("the server's own address is not known")
	}
	scheme := "http"
	if asked.TLS != nil {
		scheme = "https"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+local.String()+"/2/tweets/search/live?query=", nil)
	if err != nil {
		return err
	}
	r.Host = asked.Host
	r.Header.Set("Authorization", asked.Header.Get("Authorization"))
	// It asks itself: the certificate is its own, and in the name of its site.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	began := time.Now()
	a, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("own stream: %s", a.Status)
	}
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(nil, 4<<20)
	for event, id := "", ""; lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			event = value
		case "id":
			id = value
		case "":
			event, id = "", ""
		case "data":
			now := time.Now()
			switch event {
			case "live":
				t.ConnectMS = milliseconds(now.Sub(began))
				defer time.AfterFunc(wait, cancel).Stop()
			case "":
				return s.latency(ctx, t, id, now)
			}
		}
	}
	if t.ConnectMS > 0 {
		return nil // nothing came while it was waited for
	}
	return fmt.Errorf("own stream ended: %w", lines.Err())
}

// latency is of a tweet that came to the self-test.
func (s *Server) latency(ctx context.Context, t *selfTest, id string, now time.Time) error {
	at, err := live.ParsePlace(id)
	if err != nil {
		return err
	}
	t.Tweet = &struct {
		Place     string  `json:"place"`
		LatencyMS float64 `json:"latency_ms"`
	}{Place: id}
	arrived, err := s.Hub.Arrived(ctx, at.Seq)
	t.Tweet.LatencyMS = milliseconds(max(0, now.Sub(arrived)))
	return err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
