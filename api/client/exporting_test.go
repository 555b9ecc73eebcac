package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"birdwatch/api/client"
)

// exporter answers as the API does for ids 1 to 1200, and fails as it is told. It notes what it was asked.
type exporter struct {
	asked []url.Values
	fail  func(n int, w http.ResponseWriter) bool // of the nth request, from 0; whether it failed
}

func (e *exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/2/query/explain" {
		fmt.Fprintf(w, `{"data":{"normal":"bird since:2024-06-01T11:00:00Z","relative":%t}}`, strings.Contains(r.FormValue("query"), "1h"))
		return
	}
	q := r.URL.Query()
	e.asked = append(e.asked, q)
	if e.fail != nil && e.fail(len(e.asked)-1, w) {
		return
	}
	since, _ := strconv.Atoi(q.Get("since_id"))
	most, _ := strconv.Atoi(q.Get("max_results"))
	last := min(since+most, 1200)
	h := w.Header()
	h.Set("X-Result-Count", strconv.Itoa(last-since))
	h.Set("X-Left-Out", "0")
	h.Set("X-More", strconv.FormatBool(last < 1200))
	if last > since {
		h.Set("X-Newest-Id", strconv.Itoa(last))
	}
	if q.Get("format") == "csv" && q.Get("header") != "false" {
		fmt.Fprintln(w, "id")
	}
	for id := since + 1; id <= last; id++ {
		fmt.Fprintln(w, id)
	}
	if q.Get("format") == "" {
		fmt.Fprintln(w, `{"meta":{"complete":true}}`)
	}
}

func (e *exporter) start(t *testing.T) *client.Client {
	server := httptest.NewServer(e)
	c := client.New(server.URL, "")
	c.Hurry()
	t.Cleanup(func() { c.Close(); server.Close() })
	return c
}

// cut sends half a part and breaks off.
func cut(w http.ResponseWriter) bool {
	w.Header().Set("X-Result-Count", "100")
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, "half a pa")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func ids(from, to int) string {
	var b strings.Builder
	for id := from; id <= to; id++ {
		fmt.Fprintln(&b, id)
	}
	return b.String()
}

func TestExport(t *testing.T) {
	flaky := func(n int, w http.ResponseWriter) bool {
		switch n % 4 {
		case 0:
			http.Error(w, "away", http.StatusBadGateway)
		case 1:
			return cut(w)
		case 2: // as it comes through a proxy that takes the end of the connection for the end
			w.Header().Set("X-Result-Count", "9")
			fmt.Fprint(w, "12\n13")
		default:
			return false
		}
		return true
	}
	for _, test := range []struct {
		name, query string
		fail        func(int, http.ResponseWriter) bool
		want, last  string
		requests    int
	}{
		{"whole", "query=bird", nil, ids(1, 1200), "1200", 3},
		{"behind a place", "query=bird&since_id=700", nil, ids(701, 1200), "1200", 1},
		{"nothing left", "query=bird&since_id=1200", nil, "", "", 1},
		{"some", "query=bird&max_results=501", nil, ids(1, 501), "501", 2},
		{"just some", "query=bird&max_results=500", nil, ids(1, 500), "500", 1},
		{"through faults", "query=bird", flaky, ids(1, 1200), "1200", 12},
		{"ids through faults", "query=bird&format=ids", flaky, ids(1, 1200), "1200", 12},
		{"rows of a CSV", "query=bird&format=csv", nil, "id\n" + ids(1, 1200), "1200", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &exporter{fail: test.fail}
			q, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			notes := 0
			done, err := e.start(t).Export(t.Context(), q, &out, func(string) { notes++ })
			if err != nil || out.String() != test.want || done.Last != test.last || done.Count != strings.Count(strings.TrimPrefix(test.want, "id\n"), "\n") {
				t.Errorf("%v, %+v: %d bytes for %d", err, done, out.Len(), len(test.want))
			}
			if len(e.asked) != test.requests || test.fail != nil && notes != 9 || q.Encode() != test.query && q.Has("header") {
				t.Errorf("%d requests, %d notes, then %v", len(e.asked), notes, q)
			}
		})
	}
}

// TestExportGivesUp: what would be refused again is not tried again, and what was written is told.
func TestExportGivesUp(t *testing.T) {
	e := &exporter{fail: func(n int, w http.ResponseWriter) bool {
		if n == 1 {
			w.WriteHeader(http.StatusForbidden)
		}
		return n == 1
	}}
	var out strings.Builder
	done, err := e.start(t).Export(t.Context(), url.Values{"query": {"bird since:1h"}}, &out, nil)
	var problem *client.Error
	if !errors.As(err, &problem) || problem.Status != 403 || out.String() != ids(1, 500) || done.Last != "500" || done.Count != 500 || len(e.asked) != 2 {
		t.Errorf("%v %+v, %d requests", err, done, len(e.asked))
	}
	for _, q := range e.asked {
		if q.Get("query") != "bird since:2024-06-01T11:00:00Z" {
			t.Errorf("relative times were left to each part: %q", q.Get("query"))
		}
	}
	e = &exporter{fail: func(_ int, w http.ResponseWriter) bool { return cut(w) }}
	if _, err := e.start(t).Export(t.Context(), url.Values{"query": {"bird"}}, &out, nil); err == nil || len(e.asked) != 8 {
		t.Errorf("%v after %d requests", err, len(e.asked))
	}
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, `{"data":{}}`) }))
	defer old.Close()
	c := client.New(old.URL, "")
	defer c.Close()
	if _, err := c.Export(t.Context(), url.Values{"query": {"bird"}}, &out, nil); err == nil || !strings.Contains(err.Error(), "no part of an export") {
		t.Errorf("%v", err)
	}
}
