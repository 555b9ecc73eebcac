package api_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/api"
	"birdwatch/live"
)

func plain(t *testing.T) *api.Server {
	t.Helper()
	w := newWorld()
	s, err := api.New(api.Config{Addr: "127.0.0.1:1"}, api.Deps{Searcher: w, Reader: w, Hub: live.NewHub(w, past{w}, live.Options{}), Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDescriptionIsWhole: the description has the routes that there are, and no other.
func TestDescriptionIsWhole(t *testing.T) {
	s := serve(t, api.Config{})
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]any
		}
	}
	a := s.get(t, "/openapi.json")
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != 200 || d.OpenAPI != "3.1.0" {
		t.Fatalf("%d %v %.200s", a.status, err, a.body)
	}
	var described []string
	for path, methods := range d.Paths {
		for method, o := range methods {
			described = append(described, method+" "+path)
			if len(o.Responses) != 2 {
				t.Errorf("%s %s: %v", method, path, o.Responses)
			}
		}
	}
	routes := plain(t).Routes()
	slices.Sort(described)
	slices.Sort(routes)
	if !slices.Equal(described, routes) {
		t.Errorf("described %q\nrouted %q", described, routes)
	}
	if n := len(d.Paths["/2/tweets/search/live"]["get"].Parameters); n != 15 {
		t.Errorf("a stream has %d parameters", n)
	}
}

// TestLinesAreShared: a tweet is encoded once for all streams that select alike, and what was long ago is forgotten.
func TestLinesAreShared(t *testing.T) {
	s := plain(t)
	item := func(i int) *live.Item {
		return &live.Item{Payload: fmt.Appendf(nil, `{"data":{"id":"%d","text":"a","lang":"en"}}`, i)}
	}
	first := item(1)
	line := s.Line(first)
	if string(line) != `"data":{"id":"1","text":"a"}` {
		t.Errorf("%s", line)
	}
	if again := s.Line(first); &again[0] != &line[0] {
		t.Error("it is encoded twice")
	}
	for i := range 5000 {
		s.Line(item(i))
	}
	if again := s.Line(first); &again[0] == &line[0] {
		t.Error("it is kept for ever")
	}
}
