package format_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// tally is what an input holds. Passed are messages of no tweet, bad what cannot be read.
type tally struct{ tweets, ids, deletes, passed, bad int }

func (n tally) String() string {
	return fmt.Sprintf("%7d %7d %6d %6d %4d", n.tweets, n.ids, n.deletes, n.passed, n.bad)
}

func count(t testing.TB, paths ...string) (tally, []string) {
	t.Helper()
	var n tally
	var wrong []string
	ids := map[tweet.ID]bool{}
	for it := range format.Files(t.Context(), paths, format.Options{From: "test"}) {
		switch {
		case it.Err != nil:
			n.bad++
			wrong = append(wrong, fmt.Sprintf("%s:%d: %v", it.File, it.Pos, it.Err))
		case it.Control != nil:
			n.passed++
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
	return n, wrong
}

// manifest has the counts of the collection's own list for every part of it. What it calls records of other kinds is passed or bad here: why
// says which.
var manifest = []struct {
	path string
	want tally
	why  string
}{
	{"permissive/LICENSES", tally{0, 0, 0, 0, 9}, "9 texts of licences: one error each"},
	{"permissive/csv", tally{15350, 15350, 0, 0, 0}, ""},
	{"permissive/gnip", tally{76, 25, 0, 0, 0}, "26 of the 76 are activities"},
	{"permissive/topics", tally{0, 0, 0, 0, 2}, "2 lists of queries: one error each"},
	{"permissive/twitter-text", tally{0, 0, 0, 0, 6}, "6 files of test cases: one error each"},
	{"permissive/v1.1-rest/pytwitter*", tally{125, 124, 0, 0, 0}, ""},
	{"permissive/v1.1-rest/sferik*", tally{81, 81, 0, 0, 0}, ""},
	{"permissive/v1.1-rest/simdjson*", tally{224, 122, 0, 0, 0}, ""},
	{"permissive/v1.1-stream/anserini*", tally{6, 6, 3, 0, 0}, ""},
	{"permissive/v1.1-stream/kite*", tally{8, 6, 0, 0, 0}, "the 6 others are the lengths of messages"},
	{"permissive/v1.1-stream/pytwitter*", tally{73, 72, 0, 0, 0}, ""},
	{"permissive/v1.1-stream/sferik*", tally{3, 1, 1, 4, 0}, "direct message, event, friends, warning are passed"},
	{"permissive/v2-academictwitteR-store", tally{1633, 1633, 0, 7, 0}, "5 files of users are joined with the tweets, 2 queries are passed"},
	{"permissive/v2-pages", tally{5696, 2499, 0, 75, 0}, "the 75 entries of INDEX.json are passed"},
	{"permissive/v2-twarc2/[a-su-z]*", tally{212, 111, 0, 169, 1}, "with the two rows below: 213 tweets; 169 counts are passed, the last line of a stream is cut off"},
	{"permissive/v2-twarc2/two_tweets.jsonl", tally{1, 1, 0, 0, 0}, ""},
	{"permissive/v2-twarc2/tweets_compliance.jsonl", tally{0, 0, 2, 0, 0}, "the 2 of another kind are deletes"},
	{"permissive/v2-twarc2/twut*", tally{10, 10, 0, 0, 0}, ""},
	{"unlicensed/export-grailbird/0xabad1dea.zip", tally{129000, 129000, 0, 3, 0}, "3 files of no tweets are passed"},
	{"unlicensed/export-grailbird/anildash.zip", tally{28541, 28541, 0, 3, 0}, "3 files of no tweets are passed"},
	{"unlicensed/export-ytd", tally{2001, 2001, 0, 2, 0}, "2 files of no tweets are passed"},
	{"unlicensed/ia-twitterstream/2011", tally{30747, 30546, 440, 0, 0}, ""},
	{"unlicensed/ia-twitterstream/20190703", tally{1813, 1812, 5770, 0, 0}, ""},
	{"unlicensed/ia-twitterstream/twitter-stream-2013-08-10.zip", tally{8290, 8286, 949, 0, 0}, ""},
	{"unlicensed/ia-twitterstream/twitter_stream_2019_07_03.tar", tally{14566, 14537, 45221, 0, 0}, ""},
	{"unlicensed/v1.1-stream", tally{123, 123, 0, 7, 0}, "7 limit notices are passed"},
}

// TestManifest reads everything that there is; -v prints the table.
func TestManifest(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short")
	}
	root := shared(t, ".")
	var table strings.Builder
	fmt.Fprintf(&table, "%-58s %7s %7s %6s %6s %4s\n", "", "tweets", "ids", "delete", "passed", "bad")
	for _, tt := range manifest {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(tt.path)))
		if err != nil || len(paths) == 0 {
			t.Logf("SKIPPED LOUDLY: no %s (%v)", tt.path, err)
			continue
		}
		got, wrong := count(t, paths...)
		fmt.Fprintf(&table, "%-58s %s\n%58s %s  %s\n", tt.path, tt.want, "got", got, tt.why)
		if got != tt.want {
			t.Errorf("%s: got %+v, want %+v\n%s", tt.path, got, tt.want, strings.Join(wrong[:min(len(wrong), 5)], "\n"))
		}
	}
	t.Logf("\n%s", table.String())
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
