package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/ingest/sample"
)

// TestRejects: what a stream sends and nobody understands is kept as it came, behind what is there, and can be imported later.
func TestRejects(t *testing.T) {
	var line []byte
	for line = range sample.Lines() {
		break
	}
	half := `{"id_str":"one","text":"half a tweet"}`
	stream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, sent := range []string{`{"id":`, string(line), half} {
			fmt.Fprintf(w, "%s\r\n", sent)
		}
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(stream.Close) // when the server is gone
	file := filepath.Join(t.TempDir(), "rejects.jsonl")
	if err := os.WriteFile(file, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := spawn(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--stream-url", stream.URL, "--rejects", file)
	want := "before\n" + `{"id":` + "\n" + half + "\n"
	var got []byte
	err := waitFor(t.Context(), func() (bool, error) {
		var err error
		got, err = os.ReadFile(file)
		return len(got) >= len(want), err
	})
	if err != nil || string(got) != want {
		t.Errorf("the file has %q: %v", got, err)
	}
	status, body := ask(t, t.Context(), "GET", server.url+"/metrics", "", "")
	if status != 200 || !strings.Contains(body, `birdwatch_source_events_total{event="refused",source="stream"} 2`) {
		t.Errorf("the metrics do not tell of two: %d", status)
	}
}

// TestRejectsEnd: a file that is full, or cannot be written, holds no stream up.
func TestRejectsEnd(t *testing.T) {
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	r, err := openRejects(path, 10, log)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"four", "fours", "a", "b"} { // the second would be the eleventh byte
		r.keep([]byte(line))
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "four\n" || strings.Count(said.String(), "\n") != 1 || !strings.Contains(said.String(), "full") {
		t.Errorf("kept %q, said %q: %v", got, said.String(), err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}

	said.Reset()
	if err := os.WriteFile(path, []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err = openRejects(path, 8, log); err != nil {
		t.Fatal(err)
	}
	r.keep([]byte("new"))
	if got, err := os.ReadFile(path); err != nil || string(got) != "cut\nnew\n" || said.Len() > 0 {
		t.Errorf("behind a line that was cut off: %q, said %q: %v", got, said.String(), err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	if r, err = openRejects(path, 8, log); err != nil || strings.Count(said.String(), "full") != 1 {
		t.Errorf("a file that is full: said %q: %v", said.String(), err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}

	said.Reset()
	if r, err = openRejects(path, 100, log); err != nil {
		t.Fatal(err)
	}
	_ = r.file.Close()
	r.keep([]byte("lost"))
	r.keep([]byte("lost"))
	if strings.Count(said.String(), "\n") != 1 {
		t.Errorf("said %q", said.String())
	}
	if r, err := openRejects("", 100, log); r != nil || err != nil {
		t.Errorf("no file: %v %v", r, err)
	}

	env := &environment{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard, log: log}
	err = (&serveCommand{Rejects: filepath.Join(path, "below")}).Run(env)
	var code *codeError
	if !errors.As(err, &code) || code.code != exitUsage {
		t.Errorf("a file that cannot be: %v", err)
	}
}
