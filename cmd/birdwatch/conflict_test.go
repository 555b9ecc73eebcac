package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"birdwatch/search/elastic/elastictest"
)

// TestMappingConflictServed: beside a server whose index somebody made with another mapping, what does not fit is a dead letter that says why,
// all else goes in, and when the mapping is put right one command brings the rest in.
func TestMappingConflictServed(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		f := onElastic(t, url)
		server := spawn(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, f.args()...)...)
		prefix := f.With.Prefix
		index, aliases := url+"/"+prefix+"-0-000001", `"aliases":{"`+prefix+`":{},"`+prefix+`-0":{}}`
		if status, answer := put(t, index, `{`+aliases+`,"mappings":{"properties":{"source":{"type":"long"}}}}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		body := `{"id_str":"1001","text":"fits not","source":"web","created_at":"Wed Oct 10 20:19:24 +0000 2007","user":{"id_str":"1","screen_name":"a"}}
{"id_str":"1002","text":"fits","created_at":"Wed Oct 10 20:19:25 +0000 2007","user":{"id_str":"1","screen_name":"a"}}
`
		if status, answer := ask(t, t.Context(), http.MethodPost, server.url+"/2/tweets/ingest", tokenOf(t, f.Data), body); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		get := func(path string) string {
			status, answer := ask(t, t.Context(), http.MethodGet, server.url+path, "", "")
			if status != http.StatusOK {
				return http.StatusText(status)
			}
			return answer
		}
		until := func(path, part string) {
			t.Helper()
			if err := waitFor(t.Context(), func() (bool, error) { return strings.Contains(get(path), part), nil }); err != nil {
				t.Fatalf("%s: no %s in %.500s", path, part, get(path))
			}
		}
		until("/2/status", `"dead_letters":1`)
		until("/2/tweets/1002", `"text":"fits"`)
		until("/readyz", `"ready":true`) // one tweet more does not help: nothing is wrong with the rest
		if answer := get("/2/tweets/1001"); strings.Contains(answer, "fits not") {
			t.Errorf("what was refused is there: %s", answer)
		}
		if out, code := runCommand(t, "deadletters", "list", "--data", f.Data); code != 0 || !strings.Contains(out, "1001") || !strings.Contains(out, "source") {
			t.Errorf("list: %d %s", code, out)
		}
		if _, code := runCommand(t, "deadletters", "retry", "--data", f.Data, "--all"); code != exitBadLines {
			t.Errorf("retried too early: %d", code)
		}
		until("/2/status", `"dead_letters":1`)
		r, err := http.NewRequest(http.MethodDelete, index, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if status, answer := put(t, index, `{`+aliases+`}`); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		if out, code := runCommand(t, "deadletters", "retry", "--data", f.Data, "--all"); code != 0 {
			t.Errorf("retry: %d %s", code, out)
		}
		until("/2/tweets/1001", `"text":"fits not"`)
		until("/2/status", `"dead_letters":0`)
		server.stop(syscall.SIGTERM)
		if server.err != nil {
			t.Errorf("%v\n%s", server.err, server.log)
		}
	})
}
