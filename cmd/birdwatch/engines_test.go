package main

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"birdwatch/ingest/journal"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestCopyBetweenEngines: an archive goes to Elasticsearch while a server writes it, is served from there with the same journal, and
// comes back. Nothing differs, and nothing that came meanwhile is lost.
func TestCopyBetweenEngines(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		f := onElastic(t, url)
		if out, code := runCommand(t, "import", "--data", f.Data, "-q", "--bundled"); code != 0 {
			t.Fatalf("import: %d %s", code, out)
		}
		player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", "40", "--loop", "--renumber", "--deletes", "0.1", "--delete-after", "1s", "--seed", "3")
		server := spawn(t, "serve", "--data", f.Data, "--listen", "127.0.0.1:0", "--stream-url", player.url)
		var copying sync.WaitGroup
		copying.Go(func() {
			// While more comes the rounds may not end in equality: then the command says so.
			out, code := runCommand(t, "copy", "--from", f.Data, "--to", url, "--elastic-prefix", f.With.Prefix, "-q")
			if !strings.Contains(out, "round 1: ") || code != 0 && code != exitFault {
				t.Errorf("copy while it is written to: %d %s", code, out)
			}
		})
		copying.Wait()
		player.stop(syscall.SIGTERM)
		server.stop(syscall.SIGTERM)

		// The server on Elasticsearch takes from the journal what came after the copy.
		moved := spawn(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, f.args()...)...)
		w := &faultWorld{t: t, server: moved, token: tokenOf(t, f.Data)}
		w.caughtUp("moved")
		moved.stop(syscall.SIGTERM)
		settle(t, f) // it may have been stopped before its archive had all

		if out, code := runCommand(t, "copy", "--from", f.Data, "--to", url, "--elastic-prefix", f.With.Prefix, "-q"); code != 0 || !strings.Contains(out, "equal: ") && !strings.Contains(out, "all ") {
			t.Errorf("copy again: %d %s", code, out)
		}
		back := filepath.Join(t.TempDir(), "back")
		if out, code := runCommand(t, "copy", "--from", url, "--to", back, "--elastic-prefix", f.With.Prefix, "-q"); code != 0 || !strings.Contains(out, "equal: ") {
			t.Errorf("copy back: %d %s", code, out)
		}
		same(t, dataFlags{Data: f.Data}, dataFlags{Data: back})
	})
}

// settle has a folder's archive take all that the journal has.
func settle(t *testing.T, f dataFlags) {
	t.Helper()
	n, err := openNode(t.Context(), f, journal.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { _ = n.follow(ctx) })
	if err := n.caughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	following.Wait()
}

// same holds two archives against each other: every document, and what a search finds.
func same(t *testing.T, a, b dataFlags) {
	t.Helper()
	documents := map[string]*tweet.Document{}
	sums := func(f dataFlags) map[string]uint64 {
		n, err := openNode(t.Context(), f, journal.Options{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer n.close()
		ctx, cancel := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { _ = n.follow(ctx) })
		if err := n.caughtUp(ctx); err != nil { // the server may have been stopped before its archive had all
			t.Fatal(err)
		}
		cancel()
		following.Wait()
		m := map[string]uint64{}
		r := copyRound{source: n.archive, target: n.archive, show: func(int64) {}}
		if err := r.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		m["documents"], m["sum"] = uint64(r.here.n), r.here.sum
		for d, err := range search.Documents(t.Context(), n.archive) {
			if err != nil {
				t.Fatal(err)
			}
			m["document "+d.ID.String()], documents[f.Data+d.ID.String()] = d.Checksum(), d
		}
		page, err := n.archive.Search(t.Context(), search.Request{Query: query.All(), Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			m[h.ID.String()] = uint64(h.FirstSeq)
		}
		return m
	}
	x, y := sums(a), sums(b)
	if len(x) != len(y) || x["sum"] != y["sum"] || x["documents"] != y["documents"] || len(x) < 400 {
		t.Errorf("%d documents with sum %x, and %d with %x", x["documents"], x["sum"], y["documents"], y["sum"])
	}
	for id, v := range x {
		if y[id] != v {
			t.Errorf("%s: %d and %d", id, v, y[id])
			if number, is := strings.CutPrefix(id, "document "); is {
				t.Logf("%+v\n\n%+v", documents[a.Data+number], documents[b.Data+number])
			}
		}
	}
}

// TestServeOnElasticsearch: what the embedded default does: search, counts, raw, deletion, dead letters, reindex, health.
func TestServeOnElasticsearch(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		f := onElastic(t, url)
		if out, code := runCommand(t, append([]string{"import", "-q", "--bundled"}, f.args()...)...); code != 0 || !strings.Contains(out, "425 new") {
			t.Fatalf("import: %d %s", code, out)
		}
		if out, code := runCommand(t, append([]string{"import", "-q", "--bundled"}, f.args()...)...); code != 0 || !strings.Contains(out, "0 new, 425 the same") {
			t.Fatalf("import again: %d %s", code, out)
		}
		server := spawn(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, f.args()...)...)
		token := tokenOf(t, f.Data)
		get := func(path string) string {
			status, answer := ask(t, t.Context(), http.MethodGet, server.url+path, token, "")
			if status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, answer)
			}
			return answer
		}
		for path, part := range map[string]string{
			"/2/tweets/search/all?query=lang:ja&max_results=10":           `"result_count":10`,
			"/2/tweets/search/all?query=&sort_order=likes&max_results=10": `"next_token"`,
			"/2/tweets/search/facets?query=&facets=languages&limit=2":     `"tweets":425`,
			"/2/query/explain?query=lang:ja+-is:retweet":                  `"engines"`,
			"/2/status": `"engine":"elasticsearch `,
			"/readyz":   `"ready":true`,
		} {
			if s := get(path); !strings.Contains(s, part) {
				t.Errorf("%s: no %s in %.400s", path, part, s)
			}
		}
		for _, args := range [][]string{{"reindex", "-q"}, {"status"}, {"deadletters"}, {"healthcheck", "--ready"}} {
			flags := []string{"--data", f.Data}
			if out, code := runCommand(t, append(args, flags...)...); code != 0 {
				t.Errorf("%v: %d %s", args, code, out)
			}
		}
		if s := get("/2/tweets/search/facets?query=&facets=languages&limit=2"); !strings.Contains(s, `"tweets":425`) {
			t.Errorf("after reindex: %.300s", s)
		}
		server.stop(syscall.SIGTERM)
		if server.err != nil {
			t.Errorf("%v\n%s", server.err, server.log)
		}
	})
}
