package replay_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
)

// tagged makes a tweet of a text; parts are further fields.
func tagged(text, parts string) string {
	b, _ := json.Marshal(text)
	if parts != "" {
		parts = "," + parts
	}
	return fmt.Sprintf(`{"id":1,"id_str":"1","text":%s,"user":{"id":7}%s}`, b, parts)
}

func urls(expanded, display string) string {
	return fmt.Sprintf(`"entities":{"urls":[{"url":"https://t.co/x","expanded_url":%q,"display_url":%q}]}`, expanded, display)
}

// TestTrack has Twitter's own examples, and the rules around them.
func TestTrack(t *testing.T) {
	mention := `"entities":{"user_mentions":[{"screen_name":"Twitter"}]}`
	hashtag := `"entities":{"hashtags":[{"text":"Twitter"}]}`
	tests := []struct {
		track, text, parts string
		want               bool
	}{
		{"Twitter", "TWITTER", "", true},
		{"Twitter", `"Twitter"`, "", true},
		{"Twitter", "twitter.", "", true},
		{"Twitter", "#twitter", "", true},
		{"Twitter", "@twitter", "", true},
		{"Twitter", "x", mention, true},
		{"Twitter", "x", hashtag, true},
		{"Twitter", "x", urls("http://twitter.com", "twitter.com"), true},
		{"Twitter", "TwitterTracker", "", false},
		{"Twitter", "#newtwitter", "", false},
		{"Twitter's", "I like Twitter's new design", "", true},
		{"Twitter's", "Someday I'd like to visit @Twitter's office", mention, false},
		{"twitter api,twitter streaming", "The Twitter API is awesome", "", true},
		{"twitter api,twitter streaming", "The twitter streaming service is fast", "", true},
		{"twitter api,twitter streaming", "Twitter has a streaming API", "", true},
		{"twitter api,twitter streaming", "I'm new to Twitter", "", false},
		{"example.com", "Someday I will visit example.com", "", true},
		{"example.com", "There is no example.com/foobarbaz", "", false},
		{"example.com/foobarbaz", "x", urls("http://example.com/foobarbaz", "example.com/foobarbaz"), true},
		{"example.com/foobarbaz", "x", urls("http://www.example.com/foobarbaz", "www.example.com/foobarbaz"), true},
		{"example.com/foobarbaz", "example.com", "", false},
		{"www.example.com/foobarbaz", "x", urls("http://www.example.com/foobarbaz", "x…"), true},
		{"www.example.com/foobarbaz", "x", urls("http://example.com/foobarbaz", "x…"), false},
		{"example com", "foo.example.com", "", true},
		{"example com", "x", urls("https://foo.example.com/bar", "foo.example.com/bar"), true},
		{"example com", "another boring foobar example com", "", true},
		{"hello.", "hello world", "", false},
		{"hello", "my brother says hello.", "", true},
		{"touché", "touche", "", false},
		{"TOUCHÉ", "touché!", "", true},
		{"#twitter", "x", hashtag, true},
		{"#twitter", "twitter", "", false},
		{"#twitter", "(#Twitter's)", hashtag, true},
		{"@twitter", "by @Twitter:", mention, true},
		{"$go", "buy $GO, now", "", true},
		{"🐦", "look 🐦 there", "", true},
		{"brown fox", "the fox is brown", "", true},
		{"pic.twitter.com/a", "x", `"entities":{"media":[{"expanded_url":"https://twitter.com/a/status/1/photo/1","display_url":"pic.twitter.com/A"}]}`, true},
		{"tail", "cut …", `"extended_tweet":{"full_text":"cut not: tail"}`, true},
		{"tail", "RT @a: cut …", `"retweeted_status":{"id":2,"text":"the whole tail"}`, true},
		{"quoted", "mine", `"quoted_status":{"id":2,"text":"quoted"}`, false},
		{"name", "x", `"user":{"id":7,"screen_name":"name","name":"name"}`, false},
	}
	for _, tt := range tests {
		got := played(t, "filter.json", url.Values{"track": {tt.track}}, tagged(tt.text, tt.parts))
		if (len(got) == 1) != tt.want {
			t.Errorf("track %q on %q %s: %v, want %v", tt.track, tt.text, tt.parts, len(got) == 1, tt.want)
		}
	}
}

func TestOtherPredicates(t *testing.T) {
	point := `"coordinates":{"type":"Point","coordinates":[-73.5,40.5]}`
	place := `"place":{"bounding_box":{"coordinates":[[[-75,39],[-75,40.2],[-73.9,40.2],[-73.9,39]]]}}`
	far := `"place":{"bounding_box":{"coordinates":[[[10,50],[10,51],[11,51],[11,50]]]}}`
	newYork := url.Values{"locations": {"10,10,11,11,-74,40,-73,41"}}
	follow := url.Values{"follow": {"7,99"}}
	tests := []struct {
		form  url.Values
		parts string
		want  bool
	}{
		{follow, `"user":{"id":7}`, true},
		{follow, `"user":{"id":8}`, false},
		{follow, `"user":{"id":8},"in_reply_to_user_id":99`, true},
		{follow, `"user":{"id":8},"retweeted_status":{"text":"x","user":{"id":99}}`, true},
		{follow, `"user":{"id":8},"entities":{"user_mentions":[{"id":99,"screen_name":"x"}]}`, false},
		{follow, `"user":{"id":8},"quoted_status":{"user":{"id":99}}`, false},
		{newYork, point, true},
		{newYork, point + "," + far, true},
		{newYork, place, true},
		{newYork, far, false},
		{newYork, `"coordinates":{"coordinates":[10.5,50.5]},` + place, false},
		{newYork, `"coordinates":null,` + place, true},
		{newYork, `"geo":null`, false},
		{newYork, point + `,"retweeted_status":{"text":"x"}`, false},
		{newYork, `"place":{"bounding_box":{"coordinates":[[[1]]]}}`, false},
		{url.Values{"track": {"zebra"}, "follow": {"5"}, "locations": {"-74,40,-73,41"}}, point, true},
		{url.Values{"track": {"text"}, "language": {"de,en"}}, `"lang":"en"`, true},
		{url.Values{"track": {"text"}, "language": {"de,en"}}, `"lang":"en-GB"`, true},
		{url.Values{"track": {"text"}, "language": {"de,en"}}, `"lang":"fr"`, false},
		{url.Values{"track": {"text"}, "language": {"en"}}, `"lang":null`, false},
		{url.Values{"track": {"text"}, "filter_level": {"low"}}, `"filter_level":"medium"`, true},
		{url.Values{"track": {"text"}, "filter_level": {"medium"}}, `"filter_level":"low"`, false},
		{url.Values{"track": {"text"}, "filter_level": {"none"}}, `"filter_level":"low"`, true},
	}
	for _, tt := range tests {
		line := fmt.Sprintf(`{"id":1,"text":"text",%s}`, tt.parts)
		got := played(t, "filter.json", tt.form, line)
		if (len(got) == 1) != tt.want {
			t.Errorf("%s on %s: %v, want %v", tt.form.Encode(), line, len(got) == 1, tt.want)
		}
	}
	en := played(t, "sample.json", url.Values{"language": {"en"}}, `{"id":1,"text":"a","lang":"en"}`, `{"id":2,"text":"a","lang":"de"}`)
	equal(t, en, `{"id":1,"text":"a","lang":"en"}`)
}

// TestNoticesGoWhereTheyConcern: a sample stream gets all; a filter's those of tweets it was sent and of
// users it follows.
func TestNoticesGoWhereTheyConcern(t *testing.T) {
	del := func(id, user int) string {
		return fmt.Sprintf(`{"delete":{"status":{"id":%d,"id_str":"%d","user_id":%d},"timestamp_ms":"1"}}`, id, id, user)
	}
	tape := []string{del(9, 3), `{"id":1,"text":"go","user":{"id":1}}`, `{"id":2,"text":"rust","user":{"id":2}}`, del(1, 1), del(2, 2),
		`{"status_withheld":{"id":1,"user_id":1,"withheld_in_countries":["DE"]}}`, `{"user_withheld":{"id":3,"withheld_in_countries":["DE"]}}`,
		`{"scrub_geo":{"user_id":3,"up_to_status_id":1000}}`, `{"limit":{"track":3}}`, `not JSON`}
	equal(t, played(t, "sample.json", nil, tape...), tape...)
	equal(t, played(t, "filter.json", url.Values{"track": {"go"}}, tape...), tape[1], tape[3], tape[5])
	equal(t, played(t, "filter.json", url.Values{"follow": {"3"}}, tape...), tape[0], tape[6], tape[7])
}

func BenchmarkTrack(b *testing.B) {
	var lines [][]byte
	for line := range sample.Lines() {
		lines = append(lines, line)
	}
	for i := 0; b.Loop(); i++ {
		replay.Match(lines[i%len(lines)], "twitter api,golang")
	}
}
