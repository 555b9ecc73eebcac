package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"birdwatch/search/elastic/elastictest"
)

// ownElastic is an Elasticsearch of the test's own, which can be killed.
type ownElastic struct {
	url, dir, port string
}

func startElastic(t *testing.T) *ownElastic {
	t.Helper()
	elastictest.URLs(t) // where there are none, none is wanted
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	dir, err := os.MkdirTemp("", "birdwatch-elastic-") // not under t.TempDir, which other users cannot enter
	if err != nil {
		t.Fatal(err)
	}
	e := &ownElastic{"http://127.0.0.1:" + port, dir, port}
	t.Cleanup(func() { e.script(t, "stop"); os.RemoveAll(dir) })
	e.script(t, "start")
	return e
}

func (e *ownElastic) script(t *testing.T, command string) {
	t.Helper()
	out, err := exec.Command("../../scripts/elasticsearch", command, "--version", "7.17.29", "--data", e.dir, "--port", e.port).CombinedOutput()
	if err != nil {
		t.Fatalf("scripts/elasticsearch %s: %v\n%s", command, err, out)
	}
}

// pids are the server's processes: those whose command line names its folder.
func (e *ownElastic) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, name := range lines {
		b, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(b, []byte(e.dir)) || !bytes.Contains(b, []byte("java")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, sig); err == nil {
			sent++
		}
	}
	if sent == 0 {
		t.Fatalf("no process of %s to send %v", e.dir, sig)
	}
}

// middle stands between birdwatch and Elasticsearch.
type middle struct {
	*httptest.Server
	slow   atomic.Int64 // nanoseconds that a request waits
	refuse atomic.Bool  // every second item of a bulk is answered 429
}

func startMiddle(t *testing.T, to string) *middle {
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	m := &middle{}
	pass := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(u) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(m.slow.Load())):
		case <-r.Context().Done():
			return
		}
		if m.refuse.Load() && strings.HasSuffix(r.URL.Path, "/_bulk") {
			m.half(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(m.Server.Close)
	return m
}

// half sends the even items of a bulk on, and answers for the odd ones as a server does whose queue is full.
func (m *middle) half(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	var on []byte
	for i := 0; i+1 < len(lines); i += 4 {
		on = append(append(on, lines[i]...), lines[i+1]...)
	}
	on = append(bytes.TrimSuffix(on, []byte("\n")), '\n')
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(on)), int64(len(on))
	record := httptest.NewRecorder()
	pass.ServeHTTP(record, r)
	var answer struct {
		Took   int              `json:"took"`
		Errors bool             `json:"errors"`
		Items  []map[string]any `json:"items"`
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	if json.Unmarshal(record.Body.Bytes(), &answer) != nil || answer.Items == nil {
		w.WriteHeader(record.Code)
		_, _ = w.Write(record.Body.Bytes())
		return
	}
	var items []map[string]any
	for i := range len(lines) / 2 {
		if i%2 == 0 {
			items = append(items, answer.Items[i/2])
			continue
		}
		items = append(items, map[string]any{"index": map[string]any{"status": 429, "error": map[string]any{"type": "es_rejected_execution_exception", "reason": "rejected execution"}}})
	}
	answer.Items, answer.Errors = items, true
	_ = json.NewEncoder(w).Encode(answer)
}
