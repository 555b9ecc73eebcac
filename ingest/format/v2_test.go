package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// records gives all tweets of paths by id; of several sightings the last.
func records(t testing.TB, o format.Options, paths ...string) map[tweet.ID]tweet.Record {
	t.Helper()
	all := map[tweet.ID]tweet.Record{}
	for it := range format.Files(t.Context(), paths, o) {
		if it.Err != nil {
			t.Errorf("%s:%d: %v", it.File, it.Pos, it.Err)
		}
		for _, r := range it.Records {
			all[r.ID] = r
		}
	}
	return all
}

// compareGolden compares payloads, and when they were captured, with testdata; -update writes them.
func compareGolden(t *testing.T, name string, recs ...tweet.Record) {
	t.Helper()
	var got bytes.Buffer
	for _, r := range recs {
		head, err := json.Marshal(map[string]any{"captured_at": r.CapturedAt, "partial": r.Partial, "raw": len(r.Raw), "kind": r.Kind.String(), "pos": r.Provenance.Pos})
		if err != nil {
			t.Fatal(err)
		}
		got.Write(head)
		got.WriteByte('\n')
		if len(r.Payload) > 0 {
			got.WriteString(indented(t, r.Payload))
		}
		got.WriteByte('\n')
	}
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s:\n%s", name, difference(got.String(), string(want)))
	}
}

// TestGoldenFiles: one small file of every shape, whole payloads.
func TestGoldenFiles(t *testing.T) {
	for _, name := range []string{"page.json", "flat.jsonl", "stream.jsonl", "activity.jsonl", "store", "compliance.jsonl"} {
		var recs []tweet.Record
		for it := range format.Files(t.Context(), []string{filepath.Join("testdata", "shapes", name)}, format.Options{From: "test"}) {
			if it.Err != nil {
				t.Errorf("%s: %v", name, it.Err)
			}
			recs = append(recs, it.Records...)
		}
		compareGolden(t, name+".golden", recs...)
	}
}

// TestFlattened: what twarc2 flattened gives the same payloads as the page that it came from.
func TestFlattened(t *testing.T) {
	dir := shared(t, "permissive/v2-twarc2")
	pages, flat := records(t, format.Options{}, filepath.Join(dir, "noflat.jsonl")), records(t, format.Options{}, filepath.Join(dir, "flat.jsonl"))
	if len(pages) != 100 || len(flat) != len(pages) {
		t.Fatalf("%d and %d tweets", len(pages), len(flat))
	}
	for id, f := range flat {
		p := pages[id]
		if got, want := indented(t, f.Payload), indented(t, p.Payload); got != want {
			t.Errorf("%d:\n%s", id, difference(got, want))
		}
		if f.CapturedAt != p.CapturedAt || f.CapturedAt != 1617910472000 || f.Partial != p.Partial {
			t.Errorf("%d: captured at %d and %d", id, f.CapturedAt, p.CapturedAt)
		}
	}
}

func indented(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", " "); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPages: every tweet of a page is the object that X sent, with what it refers to, and nothing else.
func TestPages(t *testing.T) {
	dir := shared(t, "permissive/v2-pages")
	n := 0
	for _, r := range records(t, format.Options{}, dir) {
		checkRecord(t, r.Raw, r)
		n++
		var sent, kept map[string]json.RawMessage
		var p struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(r.Raw, &sent) != nil || json.Unmarshal(r.Payload, &p) != nil || json.Unmarshal(p.Data, &kept) != nil {
			t.Fatalf("%d: raw %.80q", r.ID, r.Raw)
		}
		for key, v := range sent {
			if string(v) == "false" || key == "entities" || key == "attachments" {
				continue
			}
			if !sameJSON(t, v, kept[key]) {
				t.Errorf("%d: %s is %s, X sent %s", r.ID, key, kept[key], v)
			}
		}
		refers := map[tweet.ID]bool{}
		for _, x := range r.Tweet.Data.ReferencedTweets {
			refers[x.ID] = true
		}
		if in := r.Tweet.Includes; in != nil {
			for _, x := range in.Tweets {
				for _, y := range x.ReferencedTweets {
					refers[y.ID] = true
				}
			}
			for _, x := range in.Tweets {
				if !refers[x.ID] {
					t.Errorf("%d includes %d, to which nothing refers", r.ID, x.ID)
				}
			}
		}
	}
	if n != 2499 {
		t.Errorf("%d tweets", n)
	}
}

// sameJSON compares values, whatever the order of keys.
func sameJSON(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	normal := func(raw json.RawMessage) string {
		var v any
		if len(raw) == 0 || json.Unmarshal(raw, &v) != nil {
			return "?"
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(out), `"description":"",`, "") // absent
	}
	return normal(a) == normal(b)
}

// TestPayloadAgain: a payload of ours is a shape too, and gives itself.
func TestPayloadAgain(t *testing.T) {
	dir := shared(t, "permissive")
	n := 0
	for it := range format.Files(t.Context(), []string{filepath.Join(dir, "v2-pages"), filepath.Join(dir, "v2-twarc2"), filepath.Join(dir, "gnip"), filepath.Join(dir, "v1.1-rest"), filepath.Join(dir, "v1.1-stream"), filepath.Join(dir, "csv")}, format.Options{}) {
		for _, r := range it.Records {
			if r.Kind != tweet.KindTweet {
				continue
			}
			n++
			again, _, err := format.Parse(r.Payload, tweet.Provenance{}, r.CapturedAt)
			if err != nil || len(again) != 1 {
				t.Fatalf("%s:%d: %v\n%s", it.File, it.Pos, err, r.Payload)
			}
			if !bytes.Equal(again[0].Payload, r.Payload) {
				t.Fatalf("%s:%d: %s", it.File, it.Pos, difference(indented(t, again[0].Payload), indented(t, r.Payload)))
			}
		}
	}
	if n < 21000 {
		t.Errorf("%d tweets", n)
	}
}

// TestV2Rules: single rules of what v2 sends; want is the payload's JSON.
func TestV2Rules(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		partial        bool
	}{
		{"numbers, a text of NULs, empty objects for lists", `{"id":5,"text":"\u0000\ud800","author_id":7,"entities":{"urls":{},"hashtags":[{"start":-3,"end":2,"tag":"x"}]},"attachments":{},"context_annotations":{},"geo":{}}`,
			"{\"data\":{\"id\":\"5\",\"text\":\"\uFFFD\uFFFD\",\"edit_history_tweet_ids\":[\"5\"],\"author_id\":\"7\",\"entities\":{\"hashtags\":[{\"start\":0,\"end\":0,\"tag\":\"x\"}]}}}", true},
		{"one about one", `{"data":{"id":"5","text":"a","author_id":"7","conversation_id":"5"},"includes":{"users":[{"id":"7","username":"x","name":"X"},{"id":"8","username":"stranger"}]},"matching_rules":[{"id":"1"}]}`,
			`{"data":{"id":"5","text":"a","edit_history_tweet_ids":["5"],"author_id":"7","conversation_id":"5"},"includes":{"users":[{"id":"7","name":"X","username":"x"}]}}`, false},
		{"a mention gets its id, a strange member of includes costs itself", `{"data":{"id":"5","text":"@B","author_id":"7","entities":{"mentions":[{"start":0,"end":2,"username":"B"}]}},"includes":{"users":[{"id":"7","username":"x"},{"id":[],"username":{}},{"id":"9","username":"b"}]}}`,
			`{"data":{"id":"5","text":"@B","edit_history_tweet_ids":["5"],"author_id":"7","entities":{"mentions":[{"start":0,"end":2,"username":"B","id":"9"}]}},"includes":{"users":[{"id":"7","username":"x"},{"id":"9","username":"b"}]}}`, false},
		{"a retweet of a quote, and a tweet inside itself", `{"data":{"id":"5","text":"RT @b: q","author_id":"7","referenced_tweets":[{"type":"retweeted","id":"6"}]},"includes":{"users":[{"id":"7","username":"x"}],"tweets":[{"id":"6","text":"q","author_id":"7","referenced_tweets":[{"type":"quoted","id":"4"},{"type":"replied_to","id":"5"}]},{"id":"4","text":"z","author_id":"7"},{"id":"3","text":"other"},{"id":"5","text":"itself"}]}}`,
			`{"data":{"id":"5","text":"RT @b: q","edit_history_tweet_ids":["5"],"author_id":"7","referenced_tweets":[{"type":"retweeted","id":"6"}]},"includes":{"users":[{"id":"7","username":"x"}],"tweets":[{"id":"6","text":"q","edit_history_tweet_ids":["6"],"author_id":"7","referenced_tweets":[{"type":"quoted","id":"4"},{"type":"replied_to","id":"5"}]},{"id":"4","text":"z","edit_history_tweet_ids":["4"],"author_id":"7"}]}}`, false},
		{"a retweet that is cut", `{"id":"5","text":"RT @b: q…","author_id":"7","author":{"id":"7","username":"x"},"referenced_tweets":[{"type":"retweeted","id":"6"}]}`,
			`{"data":{"id":"5","text":"RT @b: q…","edit_history_tweet_ids":["5"],"author_id":"7","referenced_tweets":[{"type":"retweeted","id":"6"}]},"includes":{"users":[{"id":"7","username":"x"}]}}`, true},
		{"a note, edits as strings, withheld", `{"id":"5","text":"a","author_id":"7","note_tweet":{"text":"abc","entities":{"hashtags":[{"start":0,"end":2,"tag":"b"}]}},"edit_history_tweet_ids":["4","5"],"edit_controls":{"edits_remaining":"4","is_edit_eligible":true,"editable_until":"2022-10-03T18:27:01Z"},"withheld":{"country_codes":["DE"],"scope":"user"}}`,
			`{"data":{"id":"5","text":"a","edit_history_tweet_ids":["4","5"],"author_id":"7","note_tweet":{"text":"abc","entities":{"hashtags":[{"start":0,"end":2,"tag":"b"}]}},"edit_controls":{"editable_until":"2022-10-03T18:27:01.000Z","edits_remaining":4,"is_edit_eligible":true},"withheld":{"country_codes":["DE"],"scope":"user"}}}`, true},
	} {
		recs, ctl, err := format.Parse([]byte(tt.in), tweet.Provenance{}, 0)
		if err != nil || ctl != nil || len(recs) != 1 {
			t.Errorf("%s: %v, %v, %v", tt.name, recs, ctl, err)
			continue
		}
		if got := string(recs[0].Payload); got != canonical(t, tt.want) || recs[0].Partial != tt.partial {
			t.Errorf("%s (partial %t):\ngot  %s\nwant %s", tt.name, recs[0].Partial, got, canonical(t, tt.want))
		}
		checkRecord(t, []byte(tt.in), recs[0])
	}
}

// TestV2Messages: what of v2 is no tweet.
func TestV2Messages(t *testing.T) {
	for in, want := range map[string]string{
		`{"meta":{"result_count":0}}`:                    "meta",
		`{"data":[{"id":"1","username":"x"}],"meta":{}}`: "data",
		`{"data":[{"start":"a","tweet_count":3}]}`:       "data",
		`{"data":{"id":"1","username":"x"}}`:             "data",
		`{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"upstream"}]}`:                  "disconnect upstream",
		`{"errors":[{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","type":"…/x"}]}`: "errors This stream is currently at the maximum allowed connection limit.",
		`{"errors":[{"code":88,"message":"Rate limit exceeded"}]}`:                                                                               "errors Rate limit exceeded",
		`{"users":[{"id":"1"}],"tweets":[{"id":"2","text":"a"}]}`:                                                                                "includes",
		`{"info":{"message":"Replay Request Completed"}}`:                                                                                        "info Replay Request Completed",
		`{"data":{"tweet_edit":{"tweet":{"id":"5"},"event_at":"2022-10-03T18:27:01Z"}}}`:                                                         "tweet_edit",
	} {
		recs, ctl, err := format.Parse([]byte(in), tweet.Provenance{}, 0)
		if err != nil || len(recs) > 0 || ctl == nil || strings.TrimSpace(ctl.Name+" "+ctl.Detail) != want {
			t.Errorf("%s: %v %+v %v, want %s", in, recs, ctl, err, want)
		}
	}
}
