package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// grab is a part of a real stream grab: most of its lines are deletes. BIRDWATCH_GRAB=whole takes all minutes of it that there are.
func grab(t *testing.T) (path string, tweets, notices []tweet.Record) {
	t.Helper()
	path = filepath.Join(sharedData(t), "unlicensed", "ia-twitterstream", "20190703")
	if os.Getenv("BIRDWATCH_GRAB") == "whole" {
		path = filepath.Join(sharedData(t), "unlicensed", "ia-twitterstream", "twitter_stream_2019_07_03.tar")
	}
	for it := range format.Files(t.Context(), []string{path}, format.Options{From: "import"}) {
		if it.Err != nil {
			t.Fatal(it.Err)
		}
		for _, r := range it.Records {
			if r.Kind == tweet.KindTweet {
				tweets = append(tweets, r)
			} else {
				notices = append(notices, r)
			}
		}
	}
	if os.Getenv("BIRDWATCH_GRAB") != "whole" {
		tweets, notices = tweets[:600], notices[:2000]
	}
	// Few of the tweets that its own deletes name were ever seen: others are made up, of all kinds.
	last := tweets[len(tweets)-1].CapturedAt
	for i, r := range tweets {
		n := tweet.Record{Kind: tweet.KindDelete, ID: r.ID, CapturedAt: last + int64(i)}
		p, err := r.Decoded()
		if err != nil {
			t.Fatal(err)
		}
		switch copies := p.Copies(); {
		case i%40 == 0:
		case i%40 == 1 && len(copies) > 0:
			n.ID = copies[0].ID
		case i%40 == 2:
			n = userNotice(r.UserID, last+int64(i), "user_delete")
		case i%40 == 3:
			n = userNotice(r.UserID, last+int64(i), "user_suspend")
		case i%40 == 4:
			n.Kind, n.UserID = tweet.KindGeo, r.UserID
		case i%40 == 5 && p.Data.Geo != nil:
			n.Kind = tweet.KindGeo
		default:
			continue
		}
		notices = append(notices, n)
	}
	return path, tweets, notices
}

func sharedData(t *testing.T) string {
	t.Helper()
	root := os.Getenv("BIRDWATCH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "data")
	if _, err := os.Stat(filepath.Join(dir, "unlicensed")); err != nil {
		t.Skipf("SKIPPED LOUDLY: no real data at %s; BIRDWATCH_SHARED names the folder that has data/", dir)
	}
	return dir
}

// TestDeletedTweetsAreGone: all notices of a grab, imported before, after and among its tweets, make the same documents, tombstones included; and when
// the files are compacted, no trace of a deleted tweet is left in any of them.
func TestDeletedTweetsAreGone(t *testing.T) {
	path, tweets, notices := grab(t)
	among := slices.Clone(tweets)
	for i, n := range notices {
		among = slices.Insert(among, (i*7919)%len(among), n)
	}
	var first map[tweet.ID]string
	for _, tt := range []struct {
		name string
		recs []tweet.Record
	}{{"before", slices.Concat(notices, tweets)}, {"after", slices.Concat(tweets, notices)}, {"among", among}} {
		data := t.TempDir()
		o := openFolder(t, dataFlags{Data: data})
		s, err := o.importer().Run(context.Background(), slices.Values(tt.recs), nil)
		if err != nil {
			t.Fatal(err)
		}
		o.settled(t)
		o.end()
		if tt.name == "after" { // what was indexed and deleted is in the index's segments until they are merged
			if out, code := runCommand(t, "verify", "--deleted", "--data", data, "--known", path); code != exitFault || !strings.Contains(out, "trace: ") {
				t.Errorf("before it is compacted: %d %s", code, out)
			}
		}
		if out, code := runCommand(t, "compact", "--data", data); code != 0 {
			t.Fatalf("%s: compact: %d %s", tt.name, code, out)
		}
		out, code := runCommand(t, "verify", "--deleted", "--data", data, "--known", path)
		if code != 0 || !strings.Contains(out, "no trace of deleted tweets\n") {
			t.Errorf("%s: verify: %d %s", tt.name, code, out)
		}
		if tt.name == "among" {
			plant(t, data, tweets, path)
		}
		docs := documents(t, data)
		gone := 0
		for _, d := range docs {
			if strings.HasPrefix(d, "tombstone") {
				gone++
			}
		}
		t.Logf("%s: %+v; %d documents, %d tombstones\n%s", tt.name, s, len(docs), gone, tail(out, 1200))
		if first == nil {
			first = docs
		}
		differ(t, tt.name, docs, first)
		if gone < len(tweets)/40 {
			t.Errorf("%s: only %d tombstones", tt.name, gone)
		}
	}
}

// plant puts what is known of a deleted tweet into the folder: it is found there.
func plant(t *testing.T, data string, tweets []tweet.Record, path string) {
	t.Helper()
	name := filepath.Join(data, "forgotten")
	if err := os.WriteFile(name, slices.Concat([]byte("xyz"), tweets[0].Raw, []byte("xyz")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := runCommand(t, "verify", "--deleted", "--data", data, "--known", path); code != exitFault || !strings.Contains(out, "forgotten holds the original bytes of "+tweets[0].ID.String()) {
		t.Errorf("what was planted is not found: %d %s", code, out)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// differ holds documents against those of another order.
func differ(t *testing.T, name string, got, want map[tweet.ID]string) {
	t.Helper()
	said := 0
	for id := range want {
		if got[id] != want[id] && said < 3 {
			said++
			t.Errorf("%s: tweet %d is\n%s\nwas\n%s", name, id, got[id], want[id])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d documents, were %d", name, len(got), len(want))
	}
}
