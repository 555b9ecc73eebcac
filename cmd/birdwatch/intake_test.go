package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImportLines: what is wrong with a line of an import is told; a record that its payload contradicts is counted, not stored.
func TestImportLines(t *testing.T) {
	data := t.TempDir()
	p := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	b, err := os.ReadFile(filepath.Join(data, tokenFile))
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(b))
	good := `{"kind":1,"id":"7","payload":{"data":{"id":"7","text":"a bird"}},"raw":"e30="}` + "\n"
	for _, tt := range []struct {
		line   string
		status int
		says   string
	}{
		{`{"kind":9,"id":"1","raw":""}`, 400, "Line 2: the kind 9 is not one of 1 (tweet)"},
		{`{"kind":2,"id":"1","raw":""}`, 400, "Line 2: the kind 2"},
		{`{"kind":3,"id":"-1","raw":""}`, 400, "Line 2: an id is negative"},
		{`{"kind":6,"user_id":"-1","raw":""}`, 400, "Line 2: an id is negative"},
		{`{"id":"-4","wanted":true}`, 400, "Line 2: an id is negative"},
		{`{"kind":3,"raw":""}`, 400, "Line 2: the id of the tweet is missing"},
		{`{"kind":300}`, 400, "Line 2: it is not of the form"},
		{`x`, 400, "Line 2: it is not of the form"},
		{`{"kind":1,"id":"8","payload":{"data":{"id":"9","text":"another"}},"raw":"e30="}`, 200, `"bad":1`},
		{`{"kind":1,"id":"8","payload":"none","raw":"e30="}`, 200, `"bad":1`},
	} {
		if status, body := ask(t, t.Context(), "POST", p.url+"/2/tweets/import", token, good+tt.line); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s", tt.line, status, body)
		}
	}
	if _, body := ask(t, t.Context(), "GET", p.url+"/2/tweets?ids=7,8,9", token, ""); !strings.Contains(body, "a bird") || strings.Contains(body, "another") {
		t.Errorf("stored: %s", body)
	}
	if _, body := ask(t, t.Context(), "GET", p.url+"/2/tweets/wanted", token, ""); strings.Contains(body, "-4") {
		t.Errorf("wanted: %s", body)
	}
	p.stop(syscall.SIGTERM)
	if p.err != nil {
		t.Errorf("it ended badly: %v\n%s", p.err, p.log)
	}
}
