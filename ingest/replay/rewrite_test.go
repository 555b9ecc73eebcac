package replay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 250_000_000, time.UTC)

func renumbering() replay.Options {
	return replay.Options{Renumber: true, Seed: 1, Now: func() time.Time { return noon }}
}

// TestRenumberSplices shows one tweet with all that is replaced in it; every other byte stays.
func TestRenumberSplices(t *testing.T) {
	in := `{ "created_at":"Wed Aug 27 13:08:45 +0000 2008", "id" : 1234567890123456789,"id_str":"1234567890123456789","text":"see 1234567890123456789 \u00e4",` +
		`"source":"<a>x<\/a>","in_reply_to_status_id":1111111111111111111,"in_reply_to_status_id_str":"1111111111111111111","user":{"id":7,"id_str":"7","created_at":"Tue Mar 21 20:50:14 +0000 2006"},` +
		`"quoted_status_id":2222222222222222222,"quoted_status":{"id":2222222222222222222,"id_str":"2222222222222222222","in_reply_to_status_id":null,"created_at":"Tue Aug 26 13:08:45 +0000 2008","text":"q"},` +
		`"extended_entities":{"media":[{"id":5,"source_status_id":1111111111111111111,"source_status_id_str":"1111111111111111111"}]},"timestamp_ms":"1219842525000"}`
	out, ids := replay.Rewrite(renumbering(), []byte(in))
	// ids are given to what is quoted first, then to what is replied to, then to the tweet
	own, reply, quoted := ids[0], ids[0]-1, ids[0]-2
	got := string(out[0])
	for _, id := range []int64{1234567890123456789, 1111111111111111111, 2222222222222222222} {
		if n := strings.Count(strings.Replace(got, "see 1234567890123456789", "", 1), fmt.Sprint(id)); n > 0 {
			t.Errorf("recorded id %d is left %d times", id, n)
		}
	}
	want := strings.NewReplacer(
		"see 1234567890123456789", "see 1234567890123456789",
		"1234567890123456789", fmt.Sprint(own), "1111111111111111111", fmt.Sprint(reply), "2222222222222222222", fmt.Sprint(quoted),
		"Wed Aug 27 13:08:45 +0000 2008", "Wed Mar 04 12:00:00 +0000 2026", "Tue Aug 26 13:08:45 +0000 2008", "Wed Mar 04 12:00:00 +0000 2026",
		"1219842525000", fmt.Sprint(noon.UnixMilli())).Replace(in)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if at := own>>22 + 1288834974657; at != noon.UnixMilli() {
		t.Errorf("the id is of %d, not of %d", at, noon.UnixMilli())
	}
}

var idField = regexp.MustCompile(`"(id|id_str|in_reply_to_status_id|in_reply_to_status_id_str|quoted_status_id|quoted_status_id_str|source_status_id|source_status_id_str)":\s*"?(\d+)"?`)

// TestRenumberSample: all real tweets keep everything but ids and times, and no tweet's id is left.
func TestRenumberSample(t *testing.T) {
	lines := slices.Collect(sample.Lines())
	out, ids := replay.Rewrite(renumbering(), lines...)
	recorded := map[string]bool{} // tweet ids in the sample
	var tweets func(v any)
	tweets = func(v any) {
		m, _ := v.(map[string]any)
		if m == nil {
			return
		}
		for _, key := range []string{"id_str", "in_reply_to_status_id_str", "quoted_status_id_str"} {
			if s, ok := m[key].(string); ok {
				recorded[s] = true
			}
		}
		tweets(m["retweeted_status"])
		tweets(m["quoted_status"])
	}
	for _, line := range lines {
		tweets(decode(t, line))
	}
	for i, line := range lines {
		if i > 0 && ids[i] <= ids[i-1] {
			t.Fatalf("id %d after %d", ids[i], ids[i-1])
		}
		for _, m := range idField.FindAllSubmatch(out[i], -1) {
			if recorded[string(m[2])] {
				t.Errorf("tweet %d: %s is a recorded id", i, m[0])
			}
		}
		a, b := decode(t, line), decode(t, out[i])
		strip(a)
		strip(b)
		if x, y := encode(a), encode(b); x != y {
			t.Errorf("more than ids and times differ:\n%s\n%s", x, y)
		}
	}
}

// strip takes away what renumbering may change.
func strip(v any) {
	m, _ := v.(map[string]any)
	if m == nil {
		return
	}
	for _, key := range []string{"id", "id_str", "created_at", "timestamp_ms", "in_reply_to_status_id", "in_reply_to_status_id_str",
		"quoted_status_id", "quoted_status_id_str", "current_user_retweet"} {
		delete(m, key)
	}
	strip(m["retweeted_status"])
	strip(m["quoted_status"])
	media := func(m map[string]any) {
		for _, key := range []string{"entities", "extended_entities"} {
			e, _ := m[key].(map[string]any)
			list, _ := e["media"].([]any)
			for _, item := range list {
				delete(item.(map[string]any), "source_status_id")
				delete(item.(map[string]any), "source_status_id_str")
			}
		}
	}
	media(m)
	if e, ok := m["extended_tweet"].(map[string]any); ok {
		media(e)
	}
}

func decode(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, b)
	}
	return v
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// TestRenumberedIDsAgree: one tweet has one new id, wherever it is named.
func TestRenumberedIDsAgree(t *testing.T) {
	out, ids := replay.Rewrite(renumbering(),
		[]byte(`{"id":100,"id_str":"100","text":"a","retweeted_status":{"id":50,"id_str":"50","text":"b"}}`),
		[]byte(`{"id":101,"id_str":"101","text":"a","in_reply_to_status_id":100,"in_reply_to_status_id_str":"100","quoted_status_id":50,"retweeted_status":{"id":50,"id_str":"50","text":"b"}}`),
		[]byte(`{"delete":{"status":{"id":101,"id_str":"101","user_id":3,"user_id_str":"3"},"timestamp_ms":"5"}}`),
		[]byte(`{"delete":{"status":{"id":7777,"id_str":"7777"}}}`),
		[]byte(`{"scrub_geo":{"user_id":101,"user_id_str":"101","up_to_status_id":101,"up_to_status_id_str":"101"}}`),
		[]byte(`{"status_withheld":{"id":100,"user_id":100,"withheld_in_countries":["DE"]}}`),
		[]byte(`{"user_withheld":{"id":100,"withheld_in_countries":["DE"]}}`),
		[]byte(`{"limit":{"track":100}}`))
	shared := ids[0] - 1
	for i, want := range []string{
		fmt.Sprintf(`{"id":%d,"id_str":"%[1]d","text":"a","retweeted_status":{"id":%d,"id_str":"%[2]d","text":"b"}}`, ids[0], shared),
		fmt.Sprintf(`{"id":%d,"id_str":"%[1]d","text":"a","in_reply_to_status_id":%d,"in_reply_to_status_id_str":"%[2]d","quoted_status_id":%d,"retweeted_status":{"id":%[3]d,"id_str":"%[3]d","text":"b"}}`, ids[1], ids[0], shared),
		fmt.Sprintf(`{"delete":{"status":{"id":%d,"id_str":"%[1]d","user_id":3,"user_id_str":"3"},"timestamp_ms":"%d"}}`, ids[1], noon.UnixMilli()),
		fmt.Sprintf(`{"delete":{"status":{"id":%d,"id_str":"%[1]d"}}}`, ids[3]),
		fmt.Sprintf(`{"scrub_geo":{"user_id":101,"user_id_str":"101","up_to_status_id":%d,"up_to_status_id_str":"%[1]d"}}`, ids[1]),
		fmt.Sprintf(`{"status_withheld":{"id":%d,"user_id":100,"withheld_in_countries":["DE"]}}`, ids[0]),
		`{"user_withheld":{"id":100,"withheld_in_countries":["DE"]}}`,
		`{"limit":{"track":100}}`,
	} {
		if string(out[i]) != want {
			t.Errorf("message %d:\ngot  %s\nwant %s", i, out[i], want)
		}
	}
	if ids[3] < ids[1] {
		t.Errorf("an unknown id became %d", ids[3])
	}
}

func TestSourceIsMarked(t *testing.T) {
	o := replay.Options{Source: `<a href="https://example.org" rel="nofollow">BirdWatch replay</a>`, Now: time.Now}
	out, _ := replay.Rewrite(o, []byte(`{"id":5,"text":"a","source":"web", "retweeted_status":{"source":"web"}}`), []byte(`{"delete":{"source":"web"}}`))
	want := `{"id":5,"text":"a","source":"<a href=\"https://example.org\" rel=\"nofollow\">BirdWatch replay</a>", "retweeted_status":{"source":"web"}}`
	if string(out[0]) != want || string(out[1]) != `{"delete":{"source":"web"}}` {
		t.Errorf("got %s and %s", out[0], out[1])
	}
}

// FuzzRewrite: whatever is played, splicing does not panic and leaves valid JSON valid.
func FuzzRewrite(f *testing.F) {
	for line := range sample.Lines() {
		if len(line) < 3000 {
			f.Add(line)
		}
	}
	f.Add([]byte(`{"delete":{"status":{"id":1,"id_str":"1"},"timestamp_ms":1}}`))
	f.Add([]byte(`{"id":1,"text":"\\","extended_tweet":{"entities":{"media":[{"source_status_id":4},]}}}`))
	f.Add([]byte(`{"id":"1","id":1,"text":[,"a":"`))
	f.Fuzz(func(t *testing.T, line []byte) {
		o := renumbering()
		o.Source = "x"
		out, _ := replay.Rewrite(o, line)
		if json.Valid(line) && !json.Valid(out[0]) {
			t.Errorf("%q became %q", line, out[0])
		}
		keys, _ := replay.Members(line)
		var m map[string]json.RawMessage
		if json.Unmarshal(line, &m) == nil && len(keys) < len(m) {
			t.Errorf("%d members of %q, want %d", len(keys), line, len(m))
		}
	})
}
