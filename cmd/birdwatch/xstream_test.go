package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestXStream takes X's filtered stream in from the mock server: rules from flags and a file, other rules at run time, a gap that
// a backfill fills, and a budget that outlives the process.
func TestXStream(t *testing.T) {
	player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", "50", "--loop", "--renumber", "--live", "--seed", "1", "--fault", "every 1s reset")
	data := t.TempDir()
	rules := filepath.Join(data, "rules")
	if err := os.WriteFile(rules, []byte("# ours\nlang:en has:media\tmedia\n\n(lang:en\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := func(more ...string) *process {
		return spawn(t, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--x-stream-url", player.url, "--x-stream-bearer", "app",
			"--x-stream-rules", rules, "--x-stream-rule", "lang:en", "--x-stream-backfill-minutes", "5"}, more...)...)
	}
	p := serve()
	sources := func() string {
		_, body := ask(t, t.Context(), "GET", p.url+"/2/sources", "", "")
		return body
	}
	until := func(what string, so func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := waitFor(ctx, func() (bool, error) { return so(), nil }); err != nil {
			t.Fatalf("%s: %s\n%s", what, sources(), p.log)
		}
	}
	until("connected", func() bool { return strings.Contains(sources(), `"kind":"x","state":"connected"`) })
	if s := sources(); !strings.Contains(s, `"refused":[{"value":"(lang:en","reason":"`) || !strings.Contains(s, `"asks":{"rules":[{"value":"lang:en"},{"value":"lang:en has:media","tag":"media"},`) {
		t.Errorf("sources: %s", s)
	}
	until("a filled gap", func() bool {
		for _, s := range coverageAt(t, p.url, url.Values{"kinds": {"gap"}}) {
			if s.FilledBy != nil && s.FilledBy.By == "backfill" && s.Cause == "reset" {
				return true
			}
		}
		return false
	})
	if spans := coverageAt(t, p.url, url.Values{"kinds": {"backfill"}}); len(spans) == 0 || spans[0].Source != "stream:x" {
		t.Errorf("backfills: %+v", spans)
	}
	token, err := readLine(filepath.Join(data, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	if status, body := ask(t, t.Context(), "PUT", p.url+"/2/sources/x", token, `{"rules":[{"value":"lang:ja"},{"value":"from:"}]}`); status != 409 || !strings.Contains(body, "refused rules: from:: ") {
		t.Errorf("a rule that is refused: %d %s", status, body)
	}
	if status, body := ask(t, t.Context(), "PUT", p.url+"/2/sources/x", token, `{"rules":[{"value":"lang:ja","tag":"j"}]}`); status != 200 || strings.Contains(body, `"refused":[`) {
		t.Errorf("another rule: %d %s", status, body)
	}
	until("tweets of the new rule", func() bool {
		_, body := ask(t, t.Context(), "GET", p.url+"/2/tweets/search/all?query=lang:ja&max_results=10", "", "")
		return strings.Contains(body, `"newest_id"`)
	})
	until("what is asked for now", func() bool {
		spans := coverageAt(t, p.url, url.Values{"kinds": {"connected"}})
		return spans[len(spans)-1].Asked == "rules=lang:ja"
	})
	p.stop(syscall.SIGTERM)
	p = serve("--x-stream-budget", "10") // more has been read already
	until("spent", func() bool {
		s := sources()
		return strings.Contains(s, `"state":"spent"`) && strings.Contains(s, `"most":10`) && !strings.Contains(s, `"read":0,`)
	})
	until("in the account", func() bool {
		spans := coverageAt(t, p.url, url.Values{"kinds": {"gap"}})
		last := spans[len(spans)-1]
		return last.Open && last.Refusals["spent"] == 1
	})
	if status, _ := ask(t, t.Context(), "GET", p.url+"/readyz", "", ""); status != 200 {
		t.Errorf("the server is there still: %d", status)
	}
}
