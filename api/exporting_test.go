package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/search"
	"birdwatch/tweet"
)

const export = "/2/tweets/search/export"

// flock is a world of n tweets.
func flock(n int) *world {
	w := newWorld()
	for i := range n {
		w.note(tweet.ID(i+1), "bird")
	}
	return w
}

// body reads an answer by hand, so that how it ends is seen.
func body(t *testing.T, s *served, path string, header ...string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequest("GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	return a, string(b), err
}

func TestExportShapes(t *testing.T) {
	s := serveWorld(t, rich(), api.Config{}, liveOptions)
	s.docs = append(s.docs, &tweet.Document{ID: 9, Payload: []byte(`{"data":{"id":"9","text":"of a CSV","created_at":"2024-06-01T10:00:00.000Z"}}`), Raw: []byte("9,of a CSV")},
		&tweet.Document{ID: 10, Payload: []byte(`{"data":{"id":"10","text":"cut","created_at":"2024-06-01T10:00:00.000Z"}}`), RawCut: true},
		&tweet.Document{ID: 11, Payload: []byte(`{"data":{"id":"11","text":"pretty","created_at":"2024-06-01T10:00:00.000Z"}}`), Raw: []byte("{\r\n  \"id\": 11\n}")})
	var all strings.Builder
	for _, q := range []string{"", "&content=raw", "&format=ids&sort_order=recency", "&format=csv", "&format=csv&columns=text,id&header=false", "&expansions=author_id&max_results=2",
		"&since_id=11&sort_order=recency&tweet.fields=lang", "&until_id=9", "&until_id=9&format=csv&columns=id", "&until_id=9&format=ids", "&max_results=1&content=raw&until_id=11&sort_order=recency"} {
		a, got, err := body(t, s, export+"?query="+q)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s\n%s; %s\n%s\n", q, a.Header.Get("Content-Type"), a.Header.Get("Content-Disposition"), got)
	}
	golden(t, "export", all.String())
}

// TestExportIsWhole: every match once, in either order, with an end that says so.
func TestExportIsWhole(t *testing.T) {
	s := serveWorld(t, flock(1203), api.Config{}, liveOptions)
	for _, test := range []struct{ order, first, last string }{{"", "1", "1203"}, {"&sort_order=recency", "1203", "1"}} {
		a, got, err := body(t, s, export+"?query=bird&format=ids"+test.order)
		ids := strings.Fields(got)
		if err != nil || len(ids) != 1203 || ids[0] != test.first || ids[1202] != test.last {
			t.Fatalf("%v: %d ids", err, len(ids))
		}
		for i := 1; i < len(ids); i++ {
			if x, y := atoi(t, ids[i-1]), atoi(t, ids[i]); x-y != 1 && y-x != 1 {
				t.Fatalf("%d stands before %d", x, y)
			}
		}
		if a.ContentLength >= 0 || a.Trailer.Get("X-Result-Count") != "1203" || a.Trailer.Get("X-More") != "false" || a.Trailer.Get("X-Newest-Id") != "1203" || a.Trailer.Get("X-Oldest-Id") != "1" {
			t.Errorf("length %d, trailers %v", a.ContentLength, a.Trailer)
		}
	}
	_, got, err := body(t, s, export+"?query=bird&max_results=700")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if err != nil || len(lines) != 701 || lines[700] != `{"meta":{"complete":true,"result_count":700,"left_out":0,"more":true,"newest_id":"700","oldest_id":"1"}}` {
		t.Errorf("%v: %d lines, the last %s", err, len(lines), lines[len(lines)-1])
	}
	if a := s.do(t, "HEAD", export+"?query=bird&format=csv", ""); a.status != 200 || a.body != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Errorf("HEAD: %+v", a)
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExportInParts: small exports have a length and say how to go on; together they are the whole.
func TestExportInParts(t *testing.T) {
	s := serveWorld(t, flock(1203), api.Config{}, liveOptions)
	for _, d := range s.docs[400:800] {
		d.RawCut = true // among them all of one part
	}
	for format, want := range map[string]int{"format=ids": 1203, "format=csv&header=false": 1203, "content=raw": 803} {
		lines, parts, since := 0, 0, "0"
		for more := "true"; more == "true"; parts++ {
			a, got, err := body(t, s, export+"?query=bird&max_results=200&"+format+map[bool]string{true: "&since_id=" + since}[since != "0"], "Accept-Encoding: identity")
			if err != nil || a.ContentLength != int64(len(got)) {
				t.Fatalf("%v: %d of %d bytes", err, len(got), a.ContentLength)
			}
			n := strings.Count(strings.ReplaceAll(got, `{"meta"`, "\n"), "\n")
			if format == "content=raw" {
				n -= 2
			}
			if strconv.Itoa(n) != a.Header.Get("X-Result-Count") {
				t.Fatalf("%d rows, said to be %s", n, a.Header.Get("X-Result-Count"))
			}
			lines, since, more = lines+n, a.Header.Get("X-Newest-Id"), a.Header.Get("X-More")
		}
		if lines != want || parts != 7 {
			t.Errorf("%s: %d rows in %d parts", format, lines, parts)
		}
	}
}

// failsAt makes the archive fail from its nth search on.
func (s *served) failsAt(n int, err error) {
	f := &failure{err: err}
	f.left.Store(int64(n))
	s.failing.Store(f)
}

// TestExportBreaksOff: no client takes what is broken off for whole, and the line that says so tells how to go on.
func TestExportBreaksOff(t *testing.T) {
	w := flock(1203)
	s := serveWorld(t, w, api.Config{}, liveOptions)
	for _, format := range []string{"format=jsonl", "format=csv", "format=ids", "content=raw"} {
		for _, coding := range []string{"identity", "gzip"} {
			s.failsAt(2, fmt.Errorf("secret: %w", search.ErrUnavailable))
			a, got, err := body(t, s, export+"?query=bird&"+format, "Accept-Encoding: "+coding)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s %s: ends by %v", format, coding, err)
			}
			if coding == "gzip" {
				r, err := gzip.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: gzip ends by %v", format, err)
				}
				got = string(b)
			}
			if n := strings.Count(got, "\n"); n < 1000 || n > 1001 || a.Trailer.Get("X-Result-Count") != "" || strings.Contains(got, "secret") {
				t.Errorf("%s %s: %d lines, trailers %v", format, coding, n, a.Trailer)
			}
			if strings.HasPrefix(format, "format=jsonl") || format == "content=raw" {
				lines := strings.Split(strings.TrimSpace(got), "\n")
				var last struct {
					Errors []api.Problem
					Meta   struct {
						Complete bool
						Newest   string `json:"newest_id"`
					}
				}
				if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(last.Errors) != 1 || last.Errors[0].Status != 503 || last.Meta.Complete || last.Meta.Newest != "1000" {
					t.Errorf("%s %s: %v, the last line is %s", format, coding, err, lines[len(lines)-1])
				}
			}
		}
	}
	if log := s.log.String(); !strings.Contains(log, "export broke off") || !strings.Contains(log, "secret") || !strings.Contains(log, `route=/2/tweets/search/export status=200`) {
		t.Errorf("log: %.1000s", log)
	}
}

// TestExportFailsWhole: what fails before the first byte is an answer of its own.
func TestExportFailsWhole(t *testing.T) {
	s := serveWorld(t, flock(20), api.Config{}, liveOptions)
	s.fails = search.ErrTimeout
	for _, q := range []string{"", "&format=csv", "&max_results=20"} {
		a := s.get(t, export+"?query=bird"+q)
		if problemOf(t, a); a.status != 504 || a.header.Get("Content-Disposition") != "" || a.header.Get("Trailer") != "" {
			t.Errorf("%s: %+v", q, a)
		}
	}
}

// TestExportTakesItsTime: a page of an export may take longer than a search, and that it took too long is still told.
func TestExportTakesItsTime(t *testing.T) {
	s := serveWorld(t, flock(20), api.Config{SearchTimeout: time.Millisecond, WriteTimeout: 100 * time.Millisecond, ExportTimeout: 300 * time.Millisecond}, liveOptions)
	s.slow = true
	for _, q := range []string{"", "&max_results=20"} {
		began := time.Now()
		a := s.get(t, export+"?query=bird"+q)
		if problemOf(t, a); a.status != 504 || time.Since(began) < 300*time.Millisecond {
			t.Errorf("%d after %s", a.status, time.Since(began))
		}
	}
}

// TestExportThroughOldProxy: to an HTTP/1.0 client the end of the connection is the end; the last line tells it from a break.
func TestExportThroughOldProxy(t *testing.T) {
	s := serveWorld(t, flock(600), api.Config{}, liveOptions)
	ask := func() string {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET "+export+"?query=bird HTTP/1.0\r\nHost: localhost\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := ask(); strings.Count(got, "\n") != 601 || !strings.Contains(got, `"complete":true`) {
		t.Errorf("%.200s", got)
	}
	s.failsAt(1, search.ErrUnavailable)
	if got := ask(); strings.Count(got, "\n") != 501 || !strings.Contains(got, `"complete":false`) {
		t.Errorf("%.200s", got)
	}
}

// TestExportLimits: so many long ones at once; and one whose client takes nothing ends, and makes room.
func TestExportLimits(t *testing.T) {
	w := newWorld()
	for i := range 4000 { // more than what lies between a server and a client that does not read
		w.docs = append(w.docs, &tweet.Document{ID: tweet.ID(i + 1), Payload: []byte(`{"data":{"id":"` + strconv.Itoa(i+1) + `","text":"` + strings.Repeat("x", 5000) + `"}}`)})
	}
	s := serveWorld(t, w, api.Config{MaxExports: 1, WriteTimeout: 200 * time.Millisecond, SearchTimeout: time.Hour}, liveOptions)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET "+export+"?query= HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	a := s.get(t, export+"?query=")
	if p := problemOf(t, a); a.status != 503 || a.header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "1 exports") {
		t.Errorf("%+v", a)
	}
	if _, got, err := body(t, s, export+"?query=&max_results=1&format=ids"); err != nil || got != "1\n" {
		t.Errorf("a short one waits for none: %v: %q", err, got)
	}
	for {
		a, got, err := body(t, s, export+"?query=&format=ids")
		if a.StatusCode == 503 {
			time.Sleep(10 * time.Millisecond) // the first one is not given up yet
			continue
		}
		if err != nil || !strings.HasPrefix(got, "1\n2\n") {
			t.Errorf("%v: %.100q", err, got)
		}
		break
	}
	rest, _ := io.ReadAll(c)
	if bytes.Contains(rest, []byte(`"complete"`)) || len(rest) > 15_000_000 {
		t.Errorf("the client that did not read has got %d bytes", len(rest))
	}
	if strings.Contains(s.log.String(), "export broke off") {
		t.Error("a client that leaves is no fault")
	}
}
