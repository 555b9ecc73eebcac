package api_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// block is one block of an event stream.
type block struct{ event, id, data, retry, comment string }

// reader reads the stream of one connection.
type reader struct {
	t      *testing.T
	cancel func()
	answer *http.Response
	lines  *bufio.Scanner
	lastID string
}

// open starts a stream with 200 as its answer, and reads its first block.
func (s *served) open(t *testing.T, query string, header ...string) *reader {
	t.Helper()
	r := s.connect(t, query, header...)
	if kind := r.answer.Header.Get("Content-Type"); r.answer.StatusCode != 200 || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("%d %s", r.answer.StatusCode, kind)
	}
	if b, ok := r.block(); !ok || b.comment == "" || b.retry == "" {
		t.Fatalf("it begins with %+v", b)
	}
	return r
}

func (s *served) connect(t *testing.T, query string, header ...string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	q, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/2/tweets/search/live?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Add(name, value)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	from := io.Reader(a.Body)
	if a.Header.Get("Content-Encoding") == "gzip" { // it was asked for by the test: the client does not unpack it
		if from, err = gzip.NewReader(a.Body); err != nil {
			t.Fatal(err)
		}
	}
	r := &reader{t: t, cancel: cancel, answer: a, lines: bufio.NewScanner(from)}
	r.lines.Buffer(nil, 1<<20)
	t.Cleanup(r.close)
	return r
}

func (r *reader) close() {
	r.cancel()
	r.answer.Body.Close()
}

// block reads the next one; false at the end of the stream.
func (r *reader) block() (b block, ok bool) {
	r.t.Helper()
	for r.lines.Scan() {
		line := r.lines.Text()
		if line == "" {
			return b, true
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			b.comment = value + "."
		case "event":
			b.event = value
		case "id":
			b.id, r.lastID = value, value
		case "data":
			b.data += value
		case "retry":
			b.retry = value
		default:
			r.t.Fatalf("a line of the stream is %q", line)
		}
	}
	return b, false
}

// next is the next block that is no heartbeat.
func (r *reader) next() block {
	r.t.Helper()
	for {
		b, ok := r.block()
		if !ok {
			r.t.Fatalf("the stream ended: %v", r.lines.Err())
		}
		if b.comment == "" {
			return b
		}
	}
}

func (r *reader) want(event, id, data string) {
	r.t.Helper()
	b := r.next()
	if b.event != event || b.id != id || data != "*" && b.data != data {
		r.t.Fatalf("got  %q %q %s\nwant %q %q %s", b.event, b.id, b.data, event, id, data)
	}
}

func (r *reader) wantEnd() {
	r.t.Helper()
	for {
		b, ok := r.block()
		if !ok {
			if err := r.lines.Err(); err != nil {
				r.t.Fatalf("the end is not a clean one: %v", err)
			}
			return
		}
		if b.comment == "" {
			r.t.Fatalf("after the end came %+v", b)
		}
	}
}
