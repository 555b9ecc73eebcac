package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// retractions are the ids that a stream says are deleted, as they come.
func retractions(t *testing.T, url string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var answer *http.Response
	for begun := time.Now(); answer == nil || answer.StatusCode != http.StatusOK && time.Since(begun) < time.Minute; { // streams begin a moment after the server
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/2/tweets/search/live?query=&backfill=500", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err = http.DefaultClient.Do(r); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { cancel(); answer.Body.Close() })
	ids, live := make(chan string, 1000), make(chan struct{})
	go func() {
		event := ""
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case name == "event":
				if event = value; event == "live" {
					close(live)
				}
			case name == "data" && event == "delete":
				var d struct{ ID string }
				_ = json.Unmarshal([]byte(value), &d)
				ids <- d.ID
			case name == "":
				event = ""
			}
		}
	}()
	select {
	case <-live:
	case <-time.After(time.Minute):
		t.Fatal("the stream does not go live")
	}
	return ids
}

// TestEveryWayOfDeletion: whatever deletes a tweet, open streams that were sent it are told, at once, it can be had no more, and the audit log says why.
func TestEveryWayOfDeletion(t *testing.T) {
	data := t.TempDir()
	var lines strings.Builder
	for id := 1; id <= 12; id++ {
		fmt.Fprintf(&lines, `{"id":%d,"text":"word%d all","user":{"id":%d,"screen_name":"u%d"}}`+"\n", id, id, id%3+100, id%3+100)
	}
	file := filepath.Join(t.TempDir(), "tweets.jsonl")
	notices := filepath.Join(t.TempDir(), "notices.jsonl")
	for name, text := range map[string]string{file: lines.String(), notices: `{"delete":{"status":{"id":4,"user_id":101}}}` + "\n" + `{"id":"5","action":"delete","type":"tweets","reason":"deleted"}` + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := runCommand(t, "import", "--data", data, "-q", file); code != 0 {
		t.Fatalf("import: %d %s", code, out)
	}
	server := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	token, err := readLine(filepath.Join(data, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	told := retractions(t, server.url)
	call := func(method, path, body string) func() {
		return func() {
			if status, answer := ask(t, t.Context(), method, server.url+path, token, body); status != 200 {
				t.Fatalf("%s %s: %d %s", method, path, status, answer)
			}
		}
	}
	command := func(args ...string) func() {
		return func() {
			if out, code := runCommand(t, append(args, "--data", data)...); code != 0 {
				t.Fatalf("%v: %d %s", args, code, out)
			}
		}
	}
	for _, tt := range []struct {
		name string
		do   func()
		want []string
	}{
		{"DELETE by id", call("DELETE", "/2/tweets/1", ""), []string{"1"}},
		{"DELETE by query", call("DELETE", "/2/tweets?query=word2", ""), []string{"2"}},
		{"ingest of a notice", call("POST", "/2/tweets/ingest", `{"data":{"delete":{"tweet":{"id":"3","author_id":"100"}}}}`), []string{"3"}},
		{"import of notices", command("import", "-q", notices), []string{"4", "5"}},
		{"dry run", command("delete", "--query", "all", "--dry-run"), nil},
		{"command by id", command("delete", "6"), []string{"6"}},
		{"command by query", command("delete", "--query", "word7"), []string{"7"}},
		{"command by user", command("delete", "--user", "102"), []string{"11", "8"}},
		{"notice of a user's deletion", call("POST", "/2/tweets/ingest", `{"user_delete":{"id":100}}`), []string{"12", "9"}},
	} {
		started := time.Now()
		tt.do()
		var got []string
		for range tt.want {
			select {
			case id := <-told:
				got = append(got, id)
			case <-time.After(time.Minute):
				t.Fatalf("%s: the stream was told of %v, want %v\n%s", tt.name, got, tt.want, server.log)
			}
		}
		t.Logf("%s: told %v after %v, with the time of the command", tt.name, got, time.Since(started))
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: told of %v, want %v", tt.name, got, tt.want)
		}
	}
	var status int
	var answer string
	for begun := time.Now(); !strings.Contains(answer, `"result_count":1}`) && time.Since(begun) < time.Minute; { // the archive follows the journal, as the streams do
		status, answer = ask(t, t.Context(), "GET", server.url+"/2/tweets/search/all?query=all&max_results=100", token, "")
	}
	if status != 200 || !strings.Contains(answer, `"result_count":1}`) || !strings.Contains(answer, "word10") {
		t.Errorf("there are %s", answer)
	}
	if status, answer := ask(t, t.Context(), "POST", server.url+"/2/tweets/ingest", token, `{"id":99,"text":"late","user":{"id":102,"screen_name":"u"}}`); !strings.Contains(answer, `"result":"deleted"`) {
		t.Errorf("a later tweet of a deleted user: %d %s", status, answer)
	}
	server.stop(syscall.SIGTERM)
	out, code := runCommand(t, "audit", "--data", data)
	for _, want := range []string{" removed 1: delete (delete)\n", " removed 2: delete (delete query: word2)\n", " removed 3 user 100: delete (ingest:1)\n", "removed 4 user 101: delete (import ",
		"removed 5: delete (import ", " removed 7: delete (delete query: word7)\n", " user_removed 0 user 102: user_delete (delete)\n", " user_removed 0 user 100: user_delete (ingest:1)\n", "removed 9 user 100: user_delete (user_delete)\n"} {
		if !strings.Contains(out, want) || code != 0 || strings.Contains(out, "word1 ") {
			t.Errorf("the audit log lacks %q: %d\n%s", want, code, out)
		}
	}
}
