package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"birdwatch/api"
	"birdwatch/live"
)

// TestCostlyQueries: a query that would take too much of every tweet's time is refused, with what would be right; as a search it is welcome.
func TestCostlyQueries(t *testing.T) {
	s := serveWorld(t, newWorld(), api.Config{}, live.Options{MaxCost: 3})
	for path, want := range map[string][]string{
		"/2/tweets/search/live?query=cat&query=" + url.QueryEscape("-a -b"): {
			"too costly", "5.0 steps a tweet, and 3 are the most", `"parameter":"query","index":1,"pos":0,"end":5`, "add a word, tag, language or author"},
		"/2/tweets/search/live?query=" + url.QueryEscape("has:media OR -lang:ja"): {"too costly", `"hint"`},
	} {
		a := s.get(t, path)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", path, a.status)
		}
		for _, part := range want {
			if !strings.Contains(a.body, part) {
				t.Errorf("%s: no %q in %s", path, part, a.body)
			}
		}
	}
	for _, path := range []string{"/2/tweets/search/all?query=-a+-b", "/2/query/explain?query=-a+-b"} {
		if a := s.get(t, path); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
