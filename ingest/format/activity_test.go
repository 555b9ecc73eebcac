package format_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// only are fields that one of the two formats does not have.
var only = regexp.MustCompile(`(?m)^ *"(?:possibly_sensitive|unwound_url|title|description|status|location|url|url": "https://t.co[^"]*|duration_ms)": .*\n|\.\d{3}Z|,$`)

// lacking are the tweets of which activities lack more, and what.
var lacking = map[tweet.ID]string{
	867842308955226112: "that the quoted tweet is a quote", 867475261532459008: "that the quoted tweet is a quote", 867837275152842752: "that the quoted tweet is a quote",
	867478374385557508: "the replies of the repeated tweet", 867478493000368128: "the replies", 867478524235366400: "the replies", 867479301360205824: "the replies", 867475059358683136: "the words of the retweet, cut elsewhere",
}

// TestActivities: the same tweets, delivered by the enterprise API in both of its formats, give the same payloads.
func TestActivities(t *testing.T) {
	dir := shared(t, "permissive/gnip")
	activities := records(t, format.Options{}, filepath.Join(dir, "tweet_parser_activity_streams_examples.json"))
	originals := records(t, format.Options{}, filepath.Join(dir, "tweet_parser_original_format_examples.json"))
	if len(activities) != 25 || len(originals) != 25 {
		t.Fatalf("%d and %d tweets", len(activities), len(originals))
	}
	for id, a := range activities {
		got, want := only.ReplaceAllString(indented(t, a.Payload), ""), only.ReplaceAllString(indented(t, originals[id].Payload), "")
		if (got == want) != (lacking[id] == "") || a.Partial != originals[id].Partial {
			t.Errorf("%d:\n%s", id, difference(got, want))
		}
		checkRecord(t, a.Raw, a)
	}
}

func TestActivityErrors(t *testing.T) {
	for in, want := range map[string]string{
		`{"verb":"post","id":"tag:x:y","body":"a"}`:                            `"id" gives no id`,
		`{"verb":"post","id":"tag:x:5"}`:                                       `"body" is missing`,
		`{"verb":"share","id":"tag:x:5","body":"a","object":{"id":"tag:x:6"}}`: `object: "body" is missing`,
		`{"verb":"delete","id":"tag:x:5"}`:                                     `deletes no tweet`,
		`{"verb":"post","id":"tag:x:5","body":5}`:                              `field "body" is of type number, not string`,
	} {
		_, _, err := format.Parse([]byte(in), tweet.Provenance{}, 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
	recs, _, err := format.Parse([]byte(`{"verb":"delete","object":{"id":"tag:search.twitter.com,2005:5"},"actor":{"id":"id:twitter.com:7"}}`), tweet.Provenance{}, 9)
	if err != nil || len(recs) != 1 || recs[0].Kind != tweet.KindDelete || recs[0].ID != 5 || recs[0].UserID != 7 || recs[0].CapturedAt != 9 {
		t.Errorf("delete: %+v, %v", recs, err)
	}
}
