package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// startup runs a server's command in this process for a while: one that is refused says so at once.
func startup(t *testing.T, args ...string) (stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(3*time.Second, cancel) // as an interrupt does
	var errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), io.Discard, &errs)
	return errs.String(), code
}

// TestServeRefuses: settings that cannot be meant end serve with exit code 2, and are named.
func TestServeRefuses(t *testing.T) {
	const long = "a-token-that-is-long-enough"
	for _, tt := range []struct{ flags, says string }{
		{"--stream-track go", "without --stream-url, for which --stream-track was given"},
		{"--stream-follow 12 --stream-language en", "--stream-follow, --stream-language was given"},
		{"--x-stream-url http://127.0.0.1:1 --stream-track go", "without --stream-url"},
		{"--x-stream-rule cats", "without --x-stream-url, for which --x-stream-rule was given"},
		{"--page-writes --public --listen 0.0.0.0:0", "--page-writes holds on loopback only"},
		{"--max-streams 0", "--max-streams takes a number above 0"},
		{"--max-streams=-1", "--max-streams takes"},
		{"--max-streams-address=-1", "--max-streams-address takes 0, which is any, or"},
		{"--max-streams-token=-1", "--max-streams-token takes 0, which is any, or"},
		{"--max-queries 0", "--max-queries takes"},
		{"--max-queries=-1", "--max-queries takes"},
		{"--max-rules 0", "--max-rules takes"},
		{"--max-rules=-1", "--max-rules takes"},
		{"--max-query-cost=-1", "--max-query-cost takes 0, which is any, or"},
		{"--max-query-cost NaN", "--max-query-cost takes"},
		{"--max-body 0", "--max-body takes a number of bytes above 0"},
		{"--max-body=-1", "--max-body takes"},
		{"--journal-age 0", "--journal-age takes a time above 0"},
		{"--journal-age=-1h", "--journal-age takes"},
		{"--journal-bytes 0", "--journal-bytes takes"},
		{"--journal-bytes=-1", "--journal-bytes takes"},
		{"--x-stream-url http://127.0.0.1:1 --x-stream-budget=-1", "--x-stream-budget takes"},
		{"--write-token x", "a token is shorter than 16 characters"},
		{"--read-token x", "a token is shorter than 16 characters"},
		{"--cors foo", `origin "foo" is not of the form scheme://host`},
		{"--listen nowhere", "missing port"},
		{"--listen 0.0.0.0:0", "others can reach this address"},
		{"--elastic http://127.0.0.1:1 --elastic-cloud-id a:b", "--elastic-cloud-id stands instead of --elastic"},
		{"--elastic 127.0.0.1:9200", "https://host:port"},
		{"--country germany", "codes of two letters"},
	} {
		args := append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, strings.Fields(tt.flags)...)
		if said, code := startup(t, args...); code != exitUsage || !strings.Contains(said, tt.says) {
			t.Errorf("serve %s: %d %s", tt.flags, code, said)
		}
	}
	for _, flags := range []string{
		"--max-streams-address 0 --max-streams-token 0 --max-query-cost 0", "--page-writes --listen localhost:0", "--write-token " + long + " --cors https://example.org",
		"--stream-url http://127.0.0.1:1 --stream-track go",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, strings.Fields(flags)...)
			if said, code := startup(t, args...); code != exitOK {
				t.Errorf("%d %s", code, said)
			}
		})
	}
}

// TestReplayRefuses: what a tape cannot be played from, or by, is said when it starts, not to its clients.
func TestReplayRefuses(t *testing.T) {
	for _, tt := range []struct {
		flags, says string
		code        int
	}{
		{"/nonexist", "/nonexist: no such file", exitUsage},
		{"settings_test.go /nonexist", "/nonexist: no such file", exitUsage},
		{"--live", "--live needs --rate or --speed", exitUsage},
		{"--live --max-gap 1s", "--live needs --rate or --speed", exitUsage},
		{"--live --rate 1", "replaying", exitOK},
		{"--live --speed 1", "replaying", exitOK},
		{"settings_test.go", "replaying", exitOK},
	} {
		t.Run(tt.flags, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"replay", "--listen", "127.0.0.1:0"}, strings.Fields(tt.flags)...)
			if said, code := startup(t, args...); code != tt.code || !strings.Contains(said, tt.says) {
				t.Errorf("%d %s", code, said)
			}
		})
	}
}

// TestStreamFlagsNeedURL: each flag of a stream, and its environment variable, is refused where the stream's URL is missing.
func TestStreamFlagsNeedURL(t *testing.T) {
	var cli commandLine
	parser, err := newParser(&cli, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range parser.Model.Children {
		for _, f := range c.Flags {
			x := strings.HasPrefix(f.Name, "x-stream-")
			if c.Name != "serve" || strings.HasSuffix(f.Name, "-url") || !x && !strings.HasPrefix(f.Name, "stream-") {
				continue
			}
			seen++
			value := "1"
			if f.Tag.Type == "existingfile" {
				value = os.Args[0]
			}
			want := "--stream-url, for which --" + f.Name + " was"
			if x {
				want = "--x-" + want[2:]
			}
			t.Run(f.Name, func(t *testing.T) {
				serve := []string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}
				if said, code := startup(t, append(serve, "--"+f.Name+"="+value)...); code != exitUsage || !strings.Contains(said, want) {
					t.Errorf("the flag: %d %s", code, said)
				}
				t.Setenv(f.Envs[0], value)
				if said, code := startup(t, serve...); code != exitUsage || !strings.Contains(said, want) {
					t.Errorf("the variable: %d %s", code, said)
				}
			})
		}
	}
	if seen < 14 {
		t.Errorf("only %d flags of streams were found", seen)
	}
	t.Run("an empty variable", func(t *testing.T) {
		t.Setenv("BIRDWATCH_STREAM_TRACK", "")
		t.Setenv("BIRDWATCH_X_STREAM_RULE", "")
		t.Setenv("BIRDWATCH_STREAM_TOKEN", "")
		if said, code := startup(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"); code != exitOK {
			t.Errorf("%d %s", code, said)
		}
	})
}
