// Package elastictest gives tests the real Elasticsearch servers that run beside them.
//
// BIRDWATCH_TEST_ELASTIC names the servers: URLs parted by commas, the oldest version first. (BIRDWATCH_ELASTIC is the
// program's own setting; a test run must never touch the archive that it names.) scripts/test starts servers and sets it.
package elastictest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Variable is the environment variable with the servers' URLs.
const Variable = "BIRDWATCH_TEST_ELASTIC"

// URLs are the servers, the oldest version first. Without any the test skips aloud, or fails where BIRDWATCH_REQUIRE names elastic.
func URLs(t testing.TB) []string {
	t.Helper()
	var urls []string
	for u := range strings.SplitSeq(os.Getenv(Variable), ",") {
		if u = strings.TrimRight(strings.TrimSpace(u), "/"); u != "" {
			urls = append(urls, u)
		}
	}
	if len(urls) > 0 {
		return urls
	}
	if strings.Contains(os.Getenv("BIRDWATCH_REQUIRE"), "elastic") {
		t.Fatalf("Elasticsearch is required: set %s to the servers' URLs", Variable)
	}
	t.Skipf("SKIPPED LOUDLY: no Elasticsearch in %s; scripts/elasticsearch starts one", Variable)
	return nil
}

// Each runs a test once for each server, one after the other, as a subtest named by the server's version.
func Each(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	for _, u := range URLs(t) {
		v, err := Version(t.Context(), u)
		if err != nil {
			t.Fatalf("%s: %v", u, err)
		}
		t.Run(v, func(t *testing.T) { test(t, u) })
	}
}

var versions sync.Map // URL to version

// Version asks a server for its version. It does not use GET /, which a minimal server lacks.
func Version(ctx context.Context, server string) (string, error) {
	if v, ok := versions.Load(server); ok {
		return v.(string), nil
	}
	var answer struct {
		Nodes map[string]struct{ Version string }
	}
	if err := call(ctx, http.MethodGet, server+"/_nodes/_local?filter_path=nodes.*.version", "", &answer); err != nil {
		return "", err
	}
	for _, n := range answer.Nodes {
		versions.Store(server, n.Version)
		return n.Version, nil
	}
	return "", fmt.Errorf("%s names no node", server)
}

// Prefix gives names that no other test has, and removes at the end, on every server, the indices and index templates that
// begin with it.
func Prefix(t testing.TB) string {
	t.Helper()
	urls := URLs(t)
	prefix := "test-" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for _, u := range urls {
			if err := Remove(ctx, u, prefix); err != nil {
				t.Errorf("remove %s: %v", prefix, err)
			}
		}
	})
	return prefix
}

// Remove deletes the indices and index templates whose names begin with a prefix. Servers refuse to delete by wildcard, so
// they are asked for the names first.
func Remove(ctx context.Context, server, prefix string) error {
	var indices map[string]json.RawMessage
	if err := call(ctx, http.MethodGet, server+"/"+prefix+"*/_settings?filter_path=*.settings.index.uuid&expand_wildcards=all", "", &indices); err != nil {
		return err
	}
	for name := range indices {
		index := server + "/" + url.PathEscape(name)
		// A test may leave it blocked, and then it could not be deleted.
		if err := call(ctx, http.MethodPut, index+"/_settings", `{"index.blocks.read_only":null,"index.blocks.read_only_allow_delete":null,"index.blocks.metadata":null}`, nil); err != nil {
			return err
		}
		if err := call(ctx, http.MethodDelete, index, "", nil); err != nil {
			return err
		}
	}
	var templates struct {
		List []struct{ Name string } `json:"index_templates"`
	}
	if err := call(ctx, http.MethodGet, server+"/_index_template/"+prefix+"*?filter_path=index_templates.name", "", &templates); err != nil {
		return err
	}
	for _, t := range templates.List {
		if err := call(ctx, http.MethodDelete, server+"/_index_template/"+url.PathEscape(t.Name), "", nil); err != nil {
			return err
		}
	}
	return nil
}

// call makes a request and reads the answer's JSON. Not found is no error, and an empty answer.
func call(ctx context.Context, method, u, body string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, u, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 16<<20))
	if err != nil {
		return err
	}
	if a.StatusCode == http.StatusNotFound {
		return nil
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.300s", method, u, a.Status, b)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}
