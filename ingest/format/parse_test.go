package format_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// TestParsePayload: single rules of the mapping; want is the payload's JSON.
func TestParsePayload(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"strings for numbers", `{"id":"5","text":"a","user":{"id":"7","screen_name":"x"},"retweet_count":"100+","favorite_count":"3"}`,
			`{"data":{"id":"5","text":"a","edit_history_tweet_ids":["5"],"author_id":"7","conversation_id":"5","public_metrics":{"retweet_count":100,"reply_count":0,"like_count":3,"quote_count":0}},"includes":{"users":[{"id":"7","username":"x"}]}}`},
		{"numbers for strings, beyond 2^53", `{"id":9007199254740992,"id_str":9007199254740993,"text":"a","user":{"id_str":9223372036854775807,"screen_name":"x"}}`,
			`{"data":{"id":"9007199254740993","text":"a","edit_history_tweet_ids":["9007199254740993"],"author_id":"9223372036854775807","conversation_id":"9007199254740993"},"includes":{"users":[{"id":"9223372036854775807","username":"x"}]}}`},
		{"as MongoDB exports it", `{"_id":{"$oid":"x"},"id":{"$numberLong":"9007199254740993"},"text":"a","user":{"id":{"$numberLong":"7"},"screen_name":"x"},"retweet_count":{"$numberInt":"3"}}`,
			`{"data":{"id":"9007199254740993","text":"a","edit_history_tweet_ids":["9007199254740993"],"author_id":"7","conversation_id":"9007199254740993","public_metrics":{"retweet_count":3,"reply_count":0,"like_count":0,"quote_count":0}},"includes":{"users":[{"id":"7","username":"x"}]}}`},
		{"null everywhere", `{"id":1,"id_str":null,"text":"a","created_at":null,"user":null,"geo":null,"coordinates":null,"place":null,"entities":null,"retweeted_status":null,"quoted_status":null,"retweet_count":null,"lang":null,"source":null,"delete":null,"possibly_sensitive":null,"extended_tweet":null,"withheld_in_countries":null,"edit_history":null}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1"}}`},
		{"empty lists are not known from none", `{"id":1,"text":"a","entities":{"hashtags":[],"urls":[],"user_mentions":[],"symbols":[]}}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1"}}`},
		{"milliseconds", `{"id":1,"text":"a","created_at":"Wed Oct 10 20:19:24 +0000 2018","timestamp_ms":"1539202764123"}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"created_at":"2018-10-10T20:19:24.123Z","conversation_id":"1"}}`},
		{"milliseconds of another time", `{"id":1,"text":"a","created_at":"Wed Oct 10 20:19:24 +0000 2018","timestamp_ms":"1"}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"created_at":"2018-10-10T20:19:24.000Z","conversation_id":"1"}}`},
		{"RFC 3339", `{"id":1,"text":"a","created_at":"2018-10-10T22:19:24.5+02:00"}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"created_at":"2018-10-10T20:19:24.500Z","conversation_id":"1"}}`},
		{"RFC 1123", `{"id":1,"text":"a","created_at":"Wed, 10 Oct 2018 20:19:24 +0000"}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"created_at":"2018-10-10T20:19:24.000Z","conversation_id":"1"}}`},
		{"source and text", `{"id":1,"text":"\u0000\ud800x &amp;","source":"<a href=\"x\">A &amp; B</a>"}`,
			"{\"data\":{\"id\":\"1\",\"text\":\"\uFFFD\uFFFDx &amp;\",\"edit_history_tweet_ids\":[\"1\"],\"conversation_id\":\"1\",\"source\":\"A & B\"}}"},
		{"geo is lat,lon", `{"id":1,"text":"a","geo":{"type":"Point","coordinates":[50.1,8.7]}}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1","geo":{"coordinates":{"type":"Point","coordinates":[8.7,50.1]}}}}`},
		{"a place off the Earth", `{"id":1,"text":"a","coordinates":{"coordinates":[8,500]},"place":{"id":"p","bounding_box":{"coordinates":[1,2]}}}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1","geo":{"place_id":"p"}},"includes":{"places":[{"id":"p","full_name":""}]}}`},
		{"withheld and edits", `{"id":1,"text":"a","withheld_copyright":true,"withheld_in_countries":["DE"],"edit_history":{"edit_tweet_ids":["1",2]},"edit_controls":{"editable_until_ms":"1000","edits_remaining":"5","is_edit_eligible":true}}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1","2"],"conversation_id":"1","edit_controls":{"editable_until":"1970-01-01T00:00:01.000Z","edits_remaining":5,"is_edit_eligible":true},"withheld":{"copyright":true,"country_codes":["DE"]}}}`},
		{"a quote that was not delivered", `{"id":1,"text":"a","quoted_status_id_str":"2"}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1","referenced_tweets":[{"type":"quoted","id":"2"}]}}`},
		{"a quote without text leaves a reference", `{"id":1,"text":"a","quoted_status":{"id":2}}`,
			`{"data":{"id":"1","text":"a","edit_history_tweet_ids":["1"],"conversation_id":"1","referenced_tweets":[{"type":"quoted","id":"2"}]}}`},
		{"a retweet's quote stands at its top only", `{"id":1,"text":"RT @x: b","retweeted_status":{"id":2,"text":"b"},"quoted_status_id":3,"quoted_status":{"id":3,"text":"c"}}`,
			`{"data":{"id":"1","text":"RT @x: b","edit_history_tweet_ids":["1"],"referenced_tweets":[{"type":"retweeted","id":"2"}]},"includes":{"tweets":[{"id":"2","text":"b","edit_history_tweet_ids":["2"],"conversation_id":"2","referenced_tweets":[{"type":"quoted","id":"3"}]},{"id":"3","text":"c","edit_history_tweet_ids":["3"],"conversation_id":"3"}]}}`},
		{"the fuller copy of a user", `{"id":1,"text":"@x","user":{"id":7,"screen_name":"y"},"entities":{"user_mentions":[{"id":8,"screen_name":"x","name":"X"}]},"quoted_status":{"id":2,"text":"q","user":{"id":8,"screen_name":"x","name":"X","followers_count":3}}}`,
			`{"data":{"id":"1","text":"@x","edit_history_tweet_ids":["1"],"author_id":"7","conversation_id":"1","referenced_tweets":[{"type":"quoted","id":"2"}],"entities":{"mentions":[{"start":0,"end":0,"username":"x","id":"8"}]}},"includes":{"users":[{"id":"7","username":"y"},{"id":"8","name":"X","username":"x","public_metrics":{"followers_count":3,"following_count":0,"tweet_count":0,"listed_count":0}}],"tweets":[{"id":"2","text":"q","edit_history_tweet_ids":["2"],"author_id":"8","conversation_id":"2"}]}}`},
		{"cashtags", `{"id":1,"text":"$A","entities":{"symbols":[{"text":"A","indices":[0,2]}]}}`,
			`{"data":{"id":"1","text":"$A","edit_history_tweet_ids":["1"],"conversation_id":"1","entities":{"cashtags":[{"start":0,"end":2,"tag":"A"}]}}}`},
	} {
		recs, ctl, err := format.Parse([]byte(tt.in), tweet.Provenance{}, 0)
		if err != nil || ctl != nil || len(recs) != 1 {
			t.Errorf("%s: %v, %v, %v", tt.name, recs, ctl, err)
			continue
		}
		if got := string(recs[0].Payload); canonical(t, got) != canonical(t, tt.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
		checkRecord(t, []byte(tt.in), recs[0])
	}
}

// canonical lets the cases name the fields in any order.
func canonical(t *testing.T, s string) string {
	t.Helper()
	p, err := tweet.Decode([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPartial(t *testing.T) {
	for in, want := range map[string]bool{
		`{"id":1,"text":"a","user":{"id":2}}`:                   false,
		`{"id":1,"text":"a"}`:                                   true,
		`{"id":1,"text":"a…","truncated":true,"user":{"id":2}}`: true,
		`{"id":1,"text":"a…","truncated":true,"user":{"id":2},"extended_tweet":{"full_text":"abc"}}`:                            false,
		`{"id":1,"full_text":"abc","truncated":true,"user":{"id":2}}`:                                                           false,
		`{"id":1,"text":"RT @x: a…","truncated":true,"user":{"id":2},"retweeted_status":{"id":3,"text":"abc","user":{"id":4}}}`: false,
		`{"id":1,"text":"RT @x: a…","user":{"id":2},"retweeted_status":{"id":3,"text":"a…","truncated":true,"user":{"id":4}}}`:  true,
	} {
		recs, _, err := format.Parse([]byte(in), tweet.Provenance{}, 0)
		if err != nil || recs[0].Partial != want {
			t.Errorf("%s: partial is not %t (%v)", in, want, err)
		}
	}
}

func TestNotices(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want tweet.Record
		ctl  format.Control
	}{
		{in: `{"delete":{"status":{"id":5,"id_str":"5","user_id":7,"user_id_str":"7"},"timestamp_ms":"1470956272691"}}`,
			want: tweet.Record{Kind: tweet.KindDelete, ID: 5, UserID: 7, CapturedAt: 1470956272691}},
		{in: `{"delete":{"status":{"id":9007199254740993,"user_id":7}}}`,
			want: tweet.Record{Kind: tweet.KindDelete, ID: 9007199254740993, UserID: 7, CapturedAt: 11}},
		{in: `{"scrub_geo":{"user_id":1,"user_id_str":"1","up_to_status_id":2,"up_to_status_id_str":"2"}}`,
			want: tweet.Record{Kind: tweet.KindGeo, ID: 2, UserID: 1, CapturedAt: 11}},
		{in: `{"status_withheld":{"id":1,"user_id":2,"withheld_in_countries":["DE","XY"]}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 1, UserID: 2, CapturedAt: 11, Payload: []byte(`{"event":"status_withheld","countries":["DE","XY"]}`)}},
		{in: `{"user_withheld":{"id":2,"withheld_in_countries":["DE"]}}`,
			want: tweet.Record{Kind: tweet.KindUser, UserID: 2, CapturedAt: 11, Payload: []byte(`{"event":"user_withheld","countries":["DE"]}`)}},
		{in: `{"user_protect":{"id":2,"timestamp_ms":"12"}}`,
			want: tweet.Record{Kind: tweet.KindUser, UserID: 2, CapturedAt: 12, Payload: []byte(`{"event":"user_protect"}`)}},
		{in: `{"data":{"delete":{"event_at":"2021-07-06T18:40:40.000Z","tweet":{"id":"5","author_id":"7"}}}}`,
			want: tweet.Record{Kind: tweet.KindDelete, ID: 5, UserID: 7, CapturedAt: 1625596840000}},
		{in: `{"data":{"withheld":{"event_at":"2021-07-06T18:40:40.000Z","tweet":{"id":"5","author_id":"7"},"withheld_in_countries":["DE"]}}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 1625596840000, Payload: []byte(`{"event":"status_withheld","countries":["DE"]}`)}},
		{in: `{"data":{"drop":{"tweet":{"id":"5","author_id":"7"}}}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 11, Payload: []byte(`{"event":"tweet_drop"}`)}},
		{in: `{"data":{"undrop":{"tweet":{"id":"5","author_id":"7"}}}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 11, Payload: []byte(`{"event":"tweet_undrop"}`)}},
		{in: `{"data":{"user_suspend":{"event_at":"2021-07-06T18:40:40.000Z","user":{"id":"7"}}}}`,
			want: tweet.Record{Kind: tweet.KindUser, UserID: 7, CapturedAt: 1625596840000, Payload: []byte(`{"event":"user_suspend"}`)}},
		{in: `{"data":{"user_withheld":{"user":{"id":"7"},"withheld_in_countries":["DE"]}}}`,
			want: tweet.Record{Kind: tweet.KindUser, UserID: 7, CapturedAt: 11, Payload: []byte(`{"event":"user_withheld","countries":["DE"]}`)}},
		{in: `{"data":{"scrub_geo":{"user":{"id":"7"},"up_to_tweet_id":"5"}}}`, want: tweet.Record{Kind: tweet.KindGeo, ID: 5, UserID: 7, CapturedAt: 11}},
		{in: `{"drop":{"status":{"id":5,"user_id":7},"timestamp_ms":"12"}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 12, Payload: []byte(`{"event":"tweet_drop"}`)}},
		{in: `{"undrop":{"status":{"id":5,"user_id":7},"timestamp_ms":"12"}}`,
			want: tweet.Record{Kind: tweet.KindWithheld, ID: 5, UserID: 7, CapturedAt: 12, Payload: []byte(`{"event":"tweet_undrop"}`)}},
		{in: `{"data":{"user_profile_modification":{"user":{"id":"7"}}}}`, ctl: format.Control{Name: "user_profile_modification"}},
		{in: `{"limit":{"track":1234}}`, ctl: format.Control{Name: "limit", Track: 1234}},
		{in: `{"disconnect":{"code":4,"stream_name":"","reason":"slow"}}`, ctl: format.Control{Name: "disconnect", Code: 4, Detail: "slow"}},
		{in: `{"warning":{"code":"FALLING_BEHIND","message":"m","percent_full":60}}`, ctl: format.Control{Name: "warning", Percent: 60, Detail: "FALLING_BEHIND: m"}},
		{in: `{"friends":[1,2]}`, ctl: format.Control{Name: "friends"}},
		{in: `{"event":"favorite","created_at":"x"}`, ctl: format.Control{Name: "event"}},
		{in: `{"event":"follow","source":{"id":1},"target":{"id":2}}`, ctl: format.Control{Name: "event"}},
		{in: `{"direct_message":{"id":1,"text":"x"}}`, ctl: format.Control{Name: "direct_message"}},
		{in: `{"control":{"control_uri":"/x"}}`, ctl: format.Control{Name: "control"}},
	} {
		recs, ctl, err := format.Parse([]byte(tt.in), tweet.Provenance{}, 11)
		switch {
		case err != nil:
			t.Errorf("%s: %v", tt.in, err)
		case ctl != nil:
			if *ctl != tt.ctl || len(recs) > 0 {
				t.Errorf("%s: %+v", tt.in, *ctl)
			}
		case tt.ctl.Name != "" || len(recs) != 1:
			t.Errorf("%s: %+v", tt.in, recs)
		default:
			r := recs[0]
			checkRecord(t, []byte(tt.in), r)
			if w := tt.want; r.Kind != w.Kind || r.ID != w.ID || r.UserID != w.UserID || r.CapturedAt != w.CapturedAt || string(r.Payload) != string(w.Payload) {
				t.Errorf("%s: %+v", tt.in, r)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	long := strings.Repeat("9", 1000)
	for in, want := range map[string]string{
		``:                                   "empty",
		`[]`:                                 "not a JSON object",
		`{"id":1`:                            "ends before its end",
		`{"id":1,}`:                          "at byte 9",
		`{"id":1,"text":5}`:                  `field "text" is of type number, not string`,
		`{"id":1,"text":"a","user":[]}`:      `field "user" is of type array, not object`,
		`{"id":1,"text":` + long + `}`:       `field "text" is of type number, not string`,
		`{"id":1}`:                           `"text" is missing`,
		`{"id":-1,"text":"a"}`:               "give no id",
		`{"id":1.5,"text":"a"}`:              "give no id",
		`{"text":"a"}`:                       "give no id",
		`{"id":1,"id_str":"1","source":"x"}`: `"text" is missing`,
		`{"id":1,"text":"a","created_at":"y` + long + `"}`:       `"created_at" is "y99`,
		`{"id":1,"text":"a","retweeted_status":{}}`:              "retweeted_status: ",
		`{"id":1,"text":"a","retweeted_status":{"id":1}}`:        "inside itself",
		`{"delete":{"status":{}}}`:                               `"delete" names no status`,
		`{"scrub_geo":{"user_id":1}}`:                            `"scrub_geo" names no`,
		`{"user_withheld":{}}`:                                   `"user_withheld" names no one`,
		`{"data":{"delete":{"tweet":{}}}}`:                       `"delete" names no tweet`,
		`{"data":{"scrub_geo":{"user":{"id":"7"}}}}`:             `"scrub_geo" names no user or no tweet`,
		`{"drop":{"status":{"user_id":7}}}`:                      `"tweet_drop" names no one`,
		`{"id":"5","action":"delete","reason":"scrub_geo"}`:      `"id" may be a tweet's or a user's: add "type"`,
		`{"id":"5","action":"keep"}`:                             `"action" is "keep", not "delete"`,
		`{"id":"x","action":"delete"}`:                           `"id" gives no id`,
		`{"data":{"id":"5","text":7}}`:                           `field "text" is of type number, not string`,
		`{"data":[{"id":"5","text":"a"},{"id":"0","text":"a"}]}`: `"id" gives no id`,
		strings.Repeat(`{"a":`, 100_000):                         "nests deeper than 100",
	} {
		recs, ctl, err := format.Parse([]byte(in), tweet.Provenance{}, 0)
		if err == nil || len(recs) > 0 || ctl != nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%.80s: %v, want %q", in, err, want)
		}
	}
	if _, _, err := format.Parse([]byte(`{"hello":1}`), tweet.Provenance{}, 0); !errors.Is(err, format.ErrNotTweet) {
		t.Errorf("unknown object: %v", err)
	}
}

// TestComplianceResults: the lines of a job do not say whether they are about tweets or users. The ids and times are those of real ones.
func TestComplianceResults(t *testing.T) {
	const gone = int64(1629221175788) // 2021-08-17T17:26:15.788Z
	deleted := func(id tweet.ID) tweet.Record { return tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: gone} }
	user := func(id tweet.ID, event string) tweet.Record {
		return tweet.Record{Kind: tweet.KindUser, UserID: id, CapturedAt: gone, Payload: []byte(`{"event":"` + event + `"}`)}
	}
	for _, tt := range []struct {
		name, id, created, rest string
		want                    []tweet.Record
	}{
		{"a tweet of 2013", "366000000000000000", "2013-08-10T00:40:00.000Z", `"reason":"deleted"`, []tweet.Record{deleted(366000000000000000)}},
		{"its place", "366000000000000000", "2013-08-10T00:40:00.000Z", `"reason":"scrub_geo"`, []tweet.Record{{Kind: tweet.KindGeo, ID: 366000000000000000, CapturedAt: gone}}},
		{"a tweet of 2010, before ids held times", "20000000000", "2010-08-01T00:00:00.000Z", `"reason":"deleted"`, []tweet.Record{deleted(20000000000)}},
		{"a tweet of 2008", "1000000000", "2008-11-11T00:00:00.000Z", `"reason":"deleted"`, []tweet.Record{deleted(1000000000)}},
		{"a user of 2012", "1000000000", "2012-12-10T00:00:00.000Z", `"reason":"deleted"`, []tweet.Record{user(1000000000, "user_delete")}},
		{"a user of 2007", "11348282", "2007-12-19T20:20:32.000Z", `"reason":"suspended"`, []tweet.Record{user(11348282, "user_suspend")}},
		{"its tweets' places", "11348282", "2007-12-19T20:20:32.000Z", `"reason":"scrub_geo"`,
			[]tweet.Record{{Kind: tweet.KindGeo, ID: tweet.IDAt(time.UnixMilli(gone)), UserID: 11348282, CapturedAt: gone}}},
		{"a tweet of 2007", "60000000", "2007-05-12T00:00:00.000Z", `"reason":"deleted"`, []tweet.Record{deleted(60000000)}},
		{"a tweet or a user of 2019", "1170147183095664640", "2019-09-07T01:30:03.390Z", `"reason":"protected"`,
			[]tweet.Record{deleted(1170147183095664640), user(1170147183095664640, "user_protect")}},
		{"a user by its type", "1170147183095664640", "2019-09-07T01:30:03.390Z", `"type":"users","reason":"deactivated"`, []tweet.Record{user(1170147183095664640, "user_delete")}},
		{"a tweet by its type", "20", "2006-03-21T20:50:14.000Z", `"type":"tweets","reason":"deleted"`, []tweet.Record{deleted(20)}},
	} {
		in := fmt.Sprintf(`{"id":"%s","action":"delete","created_at":"%s","redacted_at":"2021-08-17T17:26:15.788Z",%s}`, tt.id, tt.created, tt.rest)
		recs, _, err := format.Parse([]byte(in), tweet.Provenance{}, 11)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for i := range tt.want {
			tt.want[i].Raw = []byte(in)
		}
		if !reflect.DeepEqual(recs, tt.want) {
			t.Errorf("%s: %s\n got %+v\nwant %+v", tt.name, in, recs, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":1,"id_str":"1","text":"a #b","user":{"id":2,"screen_name":"x"},"retweeted_status":{"id":3,"text":"\ud800"},"entities":{"hashtags":[{"text":"b","indices":[2,4]}],"media":[{"id":4,"type":"video","indices":[0,1]}]}}`))
	f.Add([]byte(`{"delete":{"status":{"id":5,"id_str":"5","user_id":7},"timestamp_ms":"1"}}`))
	f.Add([]byte(`{"id":1,"full_text":"a","quoted_status":{"id":1,"text":"b"},"place":{"id":"p","bounding_box":{"coordinates":[[[1,2]]]}},"coordinates":{"coordinates":[1,2]}}`))
	f.Add(realLine(f))
	for _, name := range []string{"page.json", "flat.jsonl", "stream.jsonl", "activity.jsonl", "compliance.jsonl"} {
		b, err := os.ReadFile(filepath.Join("testdata", "shapes", name))
		if err != nil {
			f.Fatal(err)
		}
		for l := range bytes.Lines(b) {
			f.Add(bytes.TrimSpace(l))
		}
	}
	f.Add([]byte(plainTweet))
	f.Add([]byte(`{"data":{"scrub_geo":{"event_at":"2021-07-06T18:40:40.000Z","user":{"id":"7"},"up_to_tweet_id":"5"}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		recs, _, err := format.Parse(b, tweet.Provenance{From: "fuzz"}, 1)
		if err != nil && len(err.Error()) > 250 {
			t.Errorf("error of %d bytes: %v", len(err.Error()), err)
		}
		for _, r := range recs {
			if len(recs) > 1 || bytes.Contains(b, []byte(`"data"`)) && !bytes.Equal(r.Raw, b) { // a page: each its own
				b := r.Raw
				checkRecord(t, b, r)
				continue
			}
			checkRecord(t, b, r)
		}
	})
}
