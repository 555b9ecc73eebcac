package format_test

import (
	"bytes"
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
		{"permissive/v1.1-stream/pytwitter_stream_lines.json", tally{72, 71, 0, 0, 0}},
		{"permissive/v1.1-rest/simdjson_twitter.json", tally{100, 100, 0, 0, 0}},
		{"permissive/v1.1-rest/pytwitter_get_search_raw.json", tally{100, 100, 0, 0, 0}},
	} {
		t.Run(filepath.Base(tt.path), func(t *testing.T) {
			if testing.Short() {
				t.Skip("SKIPPED LOUDLY: -short")
			}
			if got := count(t, shared(t, tt.path)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestRawIsTheLine: every record's raw is a line of its file, byte for byte.
func TestRawIsTheLine(t *testing.T) {
	dir := shared(t, "permissive/v1.1-stream")
	for _, name := range []string{"pytwitter_stream_lines.json", "sferik_track_streaming.json"} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(b, []byte("\n"))
		for it := range format.Files(t.Context(), []string{path}, format.Options{}) {
			for _, r := range it.Records {
				if want := bytes.TrimSuffix(lines[r.Provenance.Pos-1], []byte("\r")); !bytes.Equal(r.Raw, want) {
					t.Errorf("%s:%d: raw %.60q, line %.60q", name, r.Provenance.Pos, r.Raw, want)
				}
			}
		}
	}
}
