package elastictest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"birdwatch/search/elastic/elastictest"
)

// send makes a request that must succeed.
func send(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode >= 300 && a.StatusCode != http.StatusNotFound {
		t.Fatalf("%s %s: %s: %s", method, url, a.Status, b)
	}
	return string(b)
}

func exists(t *testing.T, url string) bool {
	t.Helper()
	a, err := http.Head(url)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// TestPrefixLeavesNothing: what a test made under its prefix is gone when the test is over, and nothing else is.
func TestPrefixLeavesNothing(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		other := elastictest.Prefix(t)
		send(t, http.MethodPut, url+"/"+other+"-kept", `{"settings":{"number_of_replicas":0}}`)
		var prefix string
		t.Run("inner", func(t *testing.T) {
			prefix = elastictest.Prefix(t)
			send(t, http.MethodPut, url+"/_index_template/"+prefix, `{"index_patterns":["`+prefix+`-*"],"template":{"settings":{"number_of_replicas":0}}}`)
			send(t, http.MethodPut, url+"/"+prefix+"-a", `{"aliases":{"`+prefix+`":{}}}`)
			send(t, http.MethodPut, url+"/"+prefix+"-b", `{"settings":{"index.blocks.read_only":true}}`)
			if !exists(t, url+"/"+prefix) || !exists(t, url+"/_index_template/"+prefix) {
				t.Error("not made")
			}
		})
		for _, path := range []string{"/" + prefix, "/" + prefix + "-a", "/" + prefix + "-b", "/_index_template/" + prefix} {
			if exists(t, url+path) {
				t.Errorf("%s is left", path)
			}
		}
		if !exists(t, url+"/"+other+"-kept") {
			t.Error("another test's index was removed")
		}
	})
}

// TestServersAreOldestFirst: tests that need the percolator take the first.
func TestServersAreOldestFirst(t *testing.T) {
	urls := elastictest.URLs(t)
	last := ""
	for _, u := range urls {
		v, err := elastictest.Version(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		if v < last {
			t.Errorf("%s (%s) stands behind %s", u, v, last)
		}
		last = v
	}
}
