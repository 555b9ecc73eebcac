package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/ingest/sample"
)

// coverageAt asks a server for the account.
func coverageAt(t *testing.T, server string, q url.Values) []api.CoverageSpan {
	t.Helper()
	status, body := ask(t, t.Context(), "GET", server+"/2/coverage?"+q.Encode(), "", "")
	var page api.CoveragePage
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 {
		t.Fatalf("coverage: %d %s %v", status, body, err)
	}
	return page.Data
}

func when(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestCoverage follows the account through a kill, a restart, and an import that closes the gap of it.
func TestCoverage(t *testing.T) {
	player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", "100", "--seed", "1")
	data := t.TempDir()
	serve := func() *process {
		return spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--stream-url", player.url)
	}
	tweets := func(p *process) string {
		_, body := ask(t, t.Context(), "GET", p.url+"/metrics", "", "")
		_, rest, _ := strings.Cut(body, `birdwatch_source_events_total{event="tweets",source="stream"} `)
		n, _, _ := strings.Cut(rest, "\n")
		return n
	}
	has := func(p *process, n int) {
		t.Helper()
		err := waitFor(t.Context(), func() (bool, error) {
			var have int
			fmt.Sscan(tweets(p), &have)
			return have >= n, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p := serve()
	has(p, 120)
	p.stop(syscall.SIGKILL)
	killed := time.Now()
	time.Sleep(10 * time.Millisecond) // so that the last entry and the restart cannot be taken for each other
	restarted := time.Now()
	p = serve()
	has(p, 120)
	spans := coverageAt(t, p.url, url.Values{"kinds": {"connected,gap"}, "neighbors": {"true"}})
	if len(spans) != 3 || spans[0].Cause != "killed" || spans[1].Kind != "gap" || spans[1].Cause != "killed" || !spans[2].Open {
		t.Fatalf("after a kill: %+v", spans)
	}
	gap := spans[1]
	if end := when(t, spans[0].End); end.After(killed) || !end.Equal(when(t, gap.Start)) || when(t, gap.End).Before(restarted) {
		t.Errorf("killed at %v, restarted at %v: %+v", killed, restarted, spans)
	}
	if spans[0].Asked != "sample" || len(gap.Before) != 100 || len(gap.After) != 100 {
		t.Errorf("%+v", spans)
	}

	file := filepath.Join(t.TempDir(), "grab.jsonl")
	var lines []byte
	for line := range sample.Lines() {
		lines = append(append(lines, line...), '\n')
	}
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := runCommand(t, "import", "--data", data, "-q", file)
	if code != 0 || !strings.Contains(out, "1 gaps of sources are filled") {
		t.Errorf("import through the server: %d %s", code, out)
	}
	spans = coverageAt(t, p.url, url.Values{"kinds": {"gap"}, "source": {"stream:stream"}})
	if len(spans) != 1 || spans[0].FilledBy == nil || spans[0].FilledBy.By != "import" || !strings.Contains(spans[0].FilledBy.Evidence, "holds 100 and 100") {
		t.Errorf("the import fills the gap: %+v", spans)
	}
	imports := coverageAt(t, p.url, url.Values{"kinds": {"import"}})
	if len(imports) != 1 || imports[0].ID != spans[0].FilledBy.Span || imports[0].File.Name != "grab.jsonl" || imports[0].Count != int64(sample.Count()) {
		t.Errorf("imports: %+v", imports)
	}
	for says, args := range map[string][]string{
		`nothing is known of a source "foo"`: {"coverage", "--data", data, "--source", "foo"}, "knows no such source": {"import", "--data", data, "-q", "--fills", "stream:foo", file},
	} {
		if said, code := startup(t, args...); code != exitOK || !strings.Contains(said, says) {
			t.Errorf("%s at the server: %d %s", args[0], code, said)
		}
	}
	for _, args := range [][]string{{"coverage", "--data", data, "--source", "stream:stream", "--end", "2006-01-01T00:00:00Z"}, {"import", "--data", data, "-q", "--fills", "stream:stream", file}} {
		if said, code := startup(t, args...); code != exitOK || strings.Contains(said, "source") {
			t.Errorf("%s of a source that the server knows: %d %s", args[0], code, said)
		}
	}

	p.stop(syscall.SIGTERM)
	out, code = runCommand(t, "coverage", "--data", data, "--json", "--source", "stream:stream")
	last := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || !strings.Contains(last[len(last)-1], `"cause":"stopped"`) || !strings.Contains(last[len(last)-1], `"open":true`) {
		t.Errorf("after a stop: %d %s", code, out)
	}
}

// TestChangeTopics changes what a running source asks for.
func TestChangeTopics(t *testing.T) {
	player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", "50", "--loop", "--renumber", "--seed", "1")
	data := t.TempDir()
	p := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--stream-url", player.url)
	token, err := readLine(filepath.Join(data, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	change := func(name, body string) (int, string) {
		return ask(t, t.Context(), "PUT", p.url+"/2/sources/"+name, token, body)
	}
	state := func(want string) {
		t.Helper()
		var body string
		err := waitFor(t.Context(), func() (bool, error) {
			_, body = ask(t, t.Context(), "GET", p.url+"/2/sources", "", "")
			return strings.Contains(body, want), nil
		})
		if err != nil {
			t.Fatalf("no %s in %s", want, body)
		}
	}
	state(`"state":"connected"`)
	for body, want := range map[string]string{
		`{"sample":true,"track":["a"]}`: "400 .*a sample takes no track",
		`{"trick":["a"]}`:               `400 .*unknown field \"trick\"`,
		`{}`:                            "400 .*track, follow or locations is needed",
		`{"track":["` + strings.Repeat("x", 61) + `"]}`: "409 .*the server answered 406: parameter track",
	} {
		status, answer := change("stream", body)
		if code, text, _ := strings.Cut(want, " .*"); fmt.Sprint(status) != code || !strings.Contains(answer, text) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if status, answer := change("streak", `{"sample":true}`); status != 404 {
		t.Errorf("another name: %d %s", status, answer)
	}
	state(`"asks":{"sample":true}`)
	if status, answer := change("stream", `{"track":["twitter"],"language":["en"]}`); status != 200 || !strings.Contains(answer, `"asks":{"track":["twitter"],"language":["en"]}`) {
		t.Errorf("change: %d %s", status, answer)
	}
	state(`"state":"connected"`)
	err = waitFor(t.Context(), func() (bool, error) {
		spans := coverageAt(t, p.url, url.Values{"kinds": {"connected,gap"}})
		return len(spans) == 2 && spans[0].Cause == "changed" && spans[1].Open && spans[1].Asked == "track=twitter language=en", nil
	})
	if err != nil {
		t.Errorf("a change leaves no gap: %+v", coverageAt(t, p.url, nil))
	}
	p.stop(syscall.SIGTERM)
	p = spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--stream-url", player.url)
	state(`"asks":{"track":["twitter"],"language":["en"]}`)
	p.stop(syscall.SIGTERM)
	p = spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--stream-url", player.url, "--stream-track", "api")
	state(`"asks":{"track":["api"]}`)
}
