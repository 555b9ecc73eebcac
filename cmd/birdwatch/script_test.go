package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"birdwatch/ingest/sample"
)

// TestScripts runs the command line as a user does: testdata/script/*.txt.
func TestScripts(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			f, err := os.Create(filepath.Join(e.WorkDir, "sample.jsonl"))
			if err != nil {
				return err
			}
			defer f.Close()
			for line := range sample.Lines() {
				if _, err := f.Write(append(line, '\n')); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// exits runs a command that has to end with a code: exits 2 birdwatch search …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		code = ended.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("it ended with %d, not %s", code, args[0])
	}
}

// TestDemo starts the demo twice: the second goes on with the data of the first.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		p := spawn(t, "demo", "--data", data, "--listen", "127.0.0.1:0", "--rate", "20")
		ctx, cancel := context.WithCancel(t.Context())
		status, body := ask(t, ctx, "GET", p.url+"/2/tweets/search/all?query=lang:ja&max_results=10", "", "")
		if status != 200 || len(body) < 500 {
			t.Errorf("search in the demo: %d %s", status, body)
		}
		err := waitFor(ctx, func() (bool, error) {
			_, body := ask(t, ctx, "GET", p.url+"/2/tweets/search/all?query=source:%22BirdWatch+replay%22&max_results=10", "", "")
			return len(body) > 1000, nil
		})
		if err != nil {
			t.Error(err)
		}
		if status, body := ask(t, ctx, "GET", p.url+"/", "", ""); status != 200 || len(body) < 500 {
			t.Errorf("page of the demo: %d", status)
		}
		cancel()
		p.stop(syscall.SIGINT)
		if p.err != nil {
			t.Errorf("the demo ended badly: %v\n%s", p.err, p.log)
		}
	}
}
