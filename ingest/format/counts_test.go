package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// shared gives a folder of real data that is not part of the project; without it the test skips aloud.
func shared(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv("BIRDWATCH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "data", folder)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED LOUDLY: no real data at %s; BIRDWATCH_SHARED names the folder that has data/", dir)
	}
	return dir
}

// tally is what an input holds.
type tally struct{ tweets, ids, deletes, controls, bad int }

func count(t testing.TB, paths ...string) tally {
	t.Helper()
	var n tally
	ids := map[tweet.ID]bool{}
	for it := range format.Files(t.Context(), paths, format.Options{From: "test"}) {
		switch {
		case it.Err != nil:
			n.bad++
			t.Logf("%s:%d: %v", it.File, it.Pos, it.Err)
		case it.Control != nil:
			n.controls++
		}
		for _, r := range it.Records {
			switch r.Kind {
			case tweet.KindTweet:
				n.tweets++
				ids[r.ID] = true
			case tweet.KindDelete:
				n.deletes++
			}
		}
	}
	n.ids = len(ids)
	return n
}

// TestRealFiles: the counts are those of the collection's own manifest.
func TestRealFiles(t *testing.T) {
	for _, tt := range []struct {
		path string
		want tally
	}{
		{"unlicensed/ia-twitterstream/2011", tally{30747, 30546, 440, 0, 0}},
		{"unlicensed/ia-twitterstream/20190703", tally{1813, 1812, 5770, 0, 0}},
		{"unlicensed/ia-twitterstream/twitter-stream-2013-08-10.zip", tally{8290, 8286, 949, 0, 0}},
		{"unlicensed/ia-twitterstream/twitter_stream_2019_07_03.tar", tally{14566, 14537, 45221, 0, 0}},
		{"unlicensed/v1.1-stream", tally{123, 123, 0, 7, 0}},
		{"permissive/v1.1-stream/anserini*", tally{6, 6, 3, 0, 0}},
		{"permissive/v1.1-stream/kite*", tally{8, 6, 0, 0, 0}},
		{"permissive/v1.1-stream/pytwitter*", tally{73, 72, 0, 0, 0}},
		{"permissive/v1.1-stream/sferik*", tally{3, 1, 1, 4, 0}},
		{"permissive/v1.1-rest/pytwitter*", tally{125, 124, 0, 0, 0}},
		{"permissive/v1.1-rest/sferik*", tally{81, 81, 0, 0, 0}},
		{"permissive/v1.1-rest/simdjson*", tally{224, 122, 0, 0, 0}},
	} {
		t.Run(filepath.Base(tt.path), func(t *testing.T) {
			if testing.Short() {
				t.Skip("SKIPPED LOUDLY: -short")
			}
			paths, err := filepath.Glob(filepath.Join(shared(t, "."), filepath.FromSlash(tt.path)))
			if err != nil || len(paths) == 0 {
				t.Skipf("SKIPPED LOUDLY: no %s (%v)", tt.path, err)
			}
			if got := count(t, paths...); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestRawIsWhatCame: the raws of every record stand in its file, byte for byte and in order; of lines each is a whole line.
func TestRawIsWhatCame(t *testing.T) {
	for _, folder := range []string{"permissive/v1.1-stream", "permissive/v1.1-rest"} {
		dir := shared(t, folder)
		files := map[string][]byte{}
		for it := range format.Files(t.Context(), []string{dir}, format.Options{}) {
			if ext := filepath.Ext(it.File); ext == ".gz" || ext == ".bz2" {
				continue
			}
			rest, known := files[it.File]
			if !known {
				var err error
				if rest, err = os.ReadFile(filepath.Join(dir, it.File)); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range it.Records {
				at := bytes.Index(rest, r.Raw)
				if at < 0 {
					t.Fatalf("%s:%d: raw %.60q is not in the file", it.File, it.Pos, r.Raw)
				}
				before := bytes.TrimSpace(rest[:at])
				if rest = rest[at+len(r.Raw):]; !json.Valid(r.Raw) || filepath.Ext(it.File) == ".jsonl" && (len(before) > 0 || len(rest) > 0 && rest[0] != '\n') {
					t.Errorf("%s:%d: raw %.60q is no whole record", it.File, it.Pos, r.Raw)
				}
			}
			files[it.File] = rest
		}
		for name, rest := range files {
			if n := bytes.Count(rest, []byte(`"id_str"`)); n > 0 {
				t.Errorf("%s: %d ids behind the last record", name, n)
			}
		}
	}
}
