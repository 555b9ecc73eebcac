package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/tweet"
)

// golden are real tweets of the sample and what each is there for.
var golden = map[string]string{
	"55709764298092545":  "2011, place and point, no media",
	"244100411563339777": "reply of 2012",
	"244102729860009984": "retweet",
	"668246004051873793": "retweet of a quote, which is repeated at the top",
	"671793258159280128": "retweet of a video",
	"674674925823787008": "retweet of a gif",
	"782737772490600448": "REST, full_text, alternative text of a photo",
	"850413178534211584": "REST, full_text, quote with media",
	"867473446648676352": "extended_tweet, reply, gif, place",
	"867475059358683136": "retweet of an extended_tweet",
	"972472987956858880": "extended_tweet, three photos",
	"972473004738338816": "extended_tweet, place and point",
	"972472958601056256": "extended_tweet, quote",
}

// TestGolden compares whole payloads with testdata; -update writes them.
func TestGolden(t *testing.T) {
	found := 0
	for line := range sample.Lines() {
		recs, _, err := format.Parse(line, tweet.Provenance{From: "sample"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		name := recs[0].ID.String()
		if golden[name] == "" {
			continue
		}
		found++
		var got bytes.Buffer
		if err := json.Indent(&got, recs[0].Payload, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		path := filepath.Join("testdata", "golden", name+".json")
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
			t.Errorf("%s (%s):\n%s", name, golden[name], difference(got.String(), string(want)))
		}
	}
	if found != len(golden) {
		t.Errorf("the sample has %d of the %d tweets", found, len(golden))
	}
}

// difference is the first line that differs, with its neighbours.
func difference(got, want string) string {
	g, w := bytes.Split([]byte(got), []byte("\n")), bytes.Split([]byte(want), []byte("\n"))
	i := 0
	for i < len(g) && i < len(w) && bytes.Equal(g[i], w[i]) {
		i++
	}
	around := func(l [][]byte) []byte { return bytes.Join(l[max(0, i-2):min(len(l), i+3)], []byte("\n")) }
	return "got\n" + string(around(g)) + "\nwant\n" + string(around(w))
}

// TestSampleInvariants: promises that hold for every payload, on all tweets of the sample.
func TestSampleInvariants(t *testing.T) {
	for line := range sample.Lines() {
		recs, _, err := format.Parse(line, tweet.Provenance{}, 7)
		if err != nil {
			t.Fatal(err)
		}
		checkRecord(t, line, recs[0])
		p := recs[0].Tweet
		if recs[0].CapturedAt != 7 || p.Includes == nil || p.Includes.Users[0].ID != p.Data.AuthorID || p.Data.CreatedAt == "" {
			t.Errorf("%d: captured %d, author %d, created %q", p.Data.ID, recs[0].CapturedAt, p.Data.AuthorID, p.Data.CreatedAt)
		}
		var plain struct {
			Retweeted *struct {
				ID string `json:"id_str"`
			} `json:"retweeted_status"`
		}
		if err := json.Unmarshal(line, &plain); err != nil {
			t.Fatal(err)
		}
		if r := plain.Retweeted; r != nil {
			id, _ := tweet.ParseID(r.ID)
			if p.Data.Ref("retweeted") != id || p.Included(id) == nil || p.Data.Ref("quoted") != 0 || p.User(p.Included(id).AuthorID) == nil {
				t.Errorf("%d is a retweet of %d, but refers to %+v", p.Data.ID, id, p.Data.ReferencedTweets)
			}
		}
	}
}

// checkRecord holds what is promised of every record of any input.
func checkRecord(t *testing.T, raw []byte, r tweet.Record) {
	t.Helper()
	if !bytes.Equal(r.Raw, raw) {
		t.Errorf("raw differs: %.80q", r.Raw)
	}
	if r.Kind != tweet.KindTweet {
		if r.Tweet != nil || r.ID < 0 || r.UserID < 0 || r.ID == 0 && r.UserID == 0 {
			t.Errorf("notice %+v", r)
		}
		return
	}
	again, err := tweet.Decode(r.Payload)
	if err != nil {
		t.Fatalf("payload %q: %v", r.Payload, err)
	}
	if b, err := tweet.Encode(again); err != nil || !bytes.Equal(b, r.Payload) {
		t.Errorf("payload is not canonical (%v):\n%s\n%s", err, r.Payload, b)
	}
	if !json.Valid(r.Payload) || bytes.Contains(r.Payload, []byte(`\u0000`)) {
		t.Errorf("payload %q", r.Payload)
	}
	if r.ID != r.Tweet.Data.ID || r.ID <= 0 || r.UserID != r.Tweet.Data.AuthorID {
		t.Errorf("ids %d, %d", r.ID, r.UserID)
	}
	checkIncludes(t, r.Tweet)
}

// checkIncludes: no id twice, and the tweet not inside itself.
func checkIncludes(t *testing.T, p *tweet.Payload) {
	t.Helper()
	if p.Includes == nil {
		return
	}
	seen := map[any]bool{p.Data.ID: true}
	once := func(id any) {
		if seen[id] {
			t.Errorf("%d: %v is included twice", p.Data.ID, id)
		}
		seen[id] = true
	}
	type user tweet.ID
	for _, u := range p.Includes.Users {
		once(user(u.ID))
	}
	for _, u := range p.Includes.Tweets {
		once(u.ID)
	}
	for _, m := range p.Includes.Media {
		once(m.MediaKey)
	}
	type place string
	for _, l := range p.Includes.Places {
		once(place(l.ID))
	}
}
