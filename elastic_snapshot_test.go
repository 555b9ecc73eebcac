package birdwatch_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/search/elastic/elastictest"
)

// TestElasticsearchSnapshot: what docs/elasticsearch.md says of snapshots. All indices of the prefix are enough to bring an
// archive back.
func TestElasticsearchSnapshot(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it builds the program")
	}
	t.Parallel()
	urls := elastictest.URLs(t)
	path := program(t)
	for _, url := range urls {
		prefix := elastictest.Prefix(t)
		ask := func(method, name, body string) string {
			t.Helper()
			r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url+name, strings.NewReader(body))
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
			if err != nil || a.StatusCode != http.StatusOK {
				t.Fatalf("%s %s: %s %s %v", method, name, a.Status, b, err)
			}
			return string(b)
		}
		env := []string{"BIRDWATCH_ELASTIC=" + url, "BIRDWATCH_ELASTIC_PREFIX=" + prefix, "BIRDWATCH_DATA=" + filepath.Join(t.TempDir(), "data")}
		run := func(input, says string, args ...string) {
			t.Helper()
			if out, err := birdwatch(t, path, env, input, args...); err != nil || !strings.Contains(out, says) {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
		run(`{"id_str":"1050118621198921728","text":"kept twice","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}
{"id_str":"20","text":"the first","created_at":"Tue Mar 21 20:50:14 +0000 2006","user":{"id_str":"12","screen_name":"jack"}}`, "2 new", "import", "-")
		ask(http.MethodPut, "/_snapshot/"+prefix, `{"type":"fs","settings":{"location":"`+prefix+`"}}`)
		t.Cleanup(func() { ask(http.MethodDelete, "/_snapshot/"+prefix, "") })
		done := ask(http.MethodPut, "/_snapshot/"+prefix+"/one?wait_for_completion=true", `{"indices":"`+prefix+`-*","include_global_state":false}`)
		if !strings.Contains(done, `"state":"SUCCESS"`) {
			t.Fatalf("snapshot: %s", done)
		}
		t.Cleanup(func() { ask(http.MethodDelete, "/_snapshot/"+prefix+"/one", "") })
		if err := elastictest.Remove(t.Context(), url, prefix); err != nil {
			t.Fatal(err)
		}
		ask(http.MethodPost, "/_snapshot/"+prefix+"/one/_restore?wait_for_completion=true", `{"indices":"`+prefix+`-*","include_global_state":false}`)
		run("", "tweets         2", "status")
		run("", "kept twice", "search", "kept")
		run(`{"id_str":"1050118621198921729","text":"one more","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`, "1 new", "import", "-")
		run("", "one more", "search", "more")
	}
}
