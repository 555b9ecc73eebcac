package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"birdwatch/tweet"
)

// TestHerd: the server is killed while all clients are there; when it is back, all come at once and are sent what they missed, whole and in
// order. scripts/exactness herd runs it with very many.
func TestHerd(t *testing.T) {
	clients, missed := setting("BIRDWATCH_HERD_CLIENTS", 200), setting("BIRDWATCH_HERD_EVENTS", 100)
	if testing.Short() {
		clients, missed = 50, 20
	}
	data := t.TempDir()
	start := func(address string) *process {
		return spawn(t, "serve", "--data", data, "--listen", address, "--max-streams-address", "20000", "--max-streams", "20000")
	}
	server := start("127.0.0.1:0")
	token, err := localToken(data)
	if err != nil {
		t.Fatal(err)
	}
	now := tweet.IDAt(time.Now())
	post := func(from, n int) (ids []string) {
		var body strings.Builder
		for i := from; i < from+n; i++ {
			id := fmt.Sprint(now + tweet.ID(i))
			ids = append(ids, id)
			fmt.Fprintf(&body, `{"id_str":"%s","text":"go birds, the %d of those that are missed","created_at":"%s","lang":"en","user":{"id_str":"9","screen_name":"poster","name":"Poster"}}`+"\n",
				id, i, time.Now().UTC().Format(time.RubyDate))
		}
		if status, answer := ask(t, t.Context(), http.MethodPost, server.url+"/2/tweets/ingest", token, body.String()); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		return ids
	}
	h := &herd{address: server.address(), at: make([]string, clients)}
	first := post(0, 1)
	if took, err := h.run(t.Context(), "backfill=1&", first); err != nil { // each has a place now
		t.Fatal(err)
	} else {
		t.Logf("%d clients came and had the first event within %v", clients, took.Round(time.Millisecond))
	}
	want := post(1, missed)
	server.stop(syscall.SIGKILL)
	server = start(h.address)
	took, err := h.run(t.Context(), "", want)
	if err != nil {
		t.Errorf("%v\n%s", err, server.log)
	}
	t.Logf("%d clients came back at once, and each had the %d events that it had missed within %v (%.0f events/s); the server had %s of memory at most",
		clients, missed, took.Round(time.Millisecond), float64(clients*missed)/took.Seconds(), peak(t, server))
}

// peak is the most memory that a process ever had resident.
func peak(t *testing.T, p *process) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return "an unknown amount"
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "an unknown amount"
}

// herd are clients with a place each.
type herd struct {
	address string
	at      []string
}

// run connects all, and ends when each was sent just the tweets of these ids, in order; it says how long that took.
func (h *herd) run(ctx context.Context, parameters string, ids []string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // one that waits for good fails, not hangs
	defer cancel()
	var all sync.WaitGroup
	var failed atomic.Pointer[error]
	began := time.Now()
	for i := range h.at {
		all.Go(func() {
			if err := h.client(ctx, i, parameters, ids); err != nil {
				err = fmt.Errorf("client %d: %w", i, err)
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	if err := failed.Load(); err != nil {
		return took, *err
	}
	return took, nil
}

func (h *herd) client(ctx context.Context, i int, parameters string, ids []string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", h.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	resume := ""
	if h.at[i] != "" {
		resume = "Last-Event-ID: " + h.at[i] + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "GET /2/tweets/search/live?%squery=birds HTTP/1.0\r\nHost: %s\r\n%s\r\n", parameters, h.address, resume); err != nil {
		return err
	}
	in := bufio.NewReaderSize(conn, 2048)
	got, answer := []string(nil), ""
	for len(got) < len(ids) {
		line, err := in.ReadSlice('\n')
		switch {
		case err == io.EOF:
			return fmt.Errorf("the stream ended: %q", answer)
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
		if answer == "" {
			answer = string(line)
		}
		if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			h.at[i] = string(bytes.TrimSpace(id))
		}
		if rest, ok := bytes.CutPrefix(line, []byte(`data: {"data":{"id":"`)); ok {
			id, _, _ := bytes.Cut(rest, []byte(`"`))
			got = append(got, string(id))
		}
	}
	if !slices.Equal(got, ids) {
		return fmt.Errorf("it was sent %v, not %v", got, ids)
	}
	return nil
}
