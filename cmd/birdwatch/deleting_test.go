package main

import (
	"net/url"
	"strings"
	"testing"

	"birdwatch/search/elastic/elastictest"
)

// TestDeletedAtOnce: what a server says is deleted its next answer does not have.
func TestDeletedAtOnce(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { deletedAtOnce(t, dataFlags{Data: t.TempDir()}) })
	elastictest.Each(t, func(t *testing.T, url string) { deletedAtOnce(t, onElastic(t, url)) })
}

func deletedAtOnce(t *testing.T, f dataFlags) {
	if out, code := runCommand(t, append([]string{"import", "-q", "--bundled"}, f.args()...)...); code != 0 {
		t.Fatalf("import: %d %s", code, out)
	}
	server := spawn(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, f.args()...)...)
	token := tokenOf(t, f.Data)
	found := func(query string) []string {
		t.Helper()
		status, body := ask(t, t.Context(), "GET", server.url+"/2/tweets/search/export?format=ids&query="+url.QueryEscape(query), "", "")
		if status != 200 {
			t.Fatalf("export: %d %s", status, body)
		}
		return strings.Fields(body)
	}
	remove := func(path string) {
		t.Helper()
		if status, body := ask(t, t.Context(), "DELETE", server.url+path, token, ""); status != 200 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	all := found("")
	if len(all) < 100 {
		t.Fatalf("only %d tweets are here", len(all))
	}
	for _, id := range all[:20] {
		remove("/2/tweets/" + id)
		if left := found("id:" + id); len(left) > 0 {
			t.Fatalf("%s is deleted and found", id)
		}
	}
	remove("/2/tweets?max_results=500&query=lang:en")
	if left := found("lang:en"); len(left) > 0 {
		t.Errorf("%d are deleted and found", len(left))
	}
	if left := found(""); len(left) == 0 {
		t.Error("all are gone")
	}
}
