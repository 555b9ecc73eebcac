package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/api"
	"birdwatch/search"
	"birdwatch/tweet"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", name, got, want)
	}
}

// rich is a world of a reply with all that a tweet can have, a retweet, and one deleted tweet.
func rich() *world {
	w := newWorld()
	ada := tweet.User{ID: 11, Name: "Ada", Username: "ada", Description: "numbers", Verified: true, PublicMetrics: &tweet.UserMetrics{FollowersCount: 5}}
	bob := tweet.User{ID: 12, Name: "Bob", Username: "bob"}
	w.add(&tweet.Payload{Data: tweet.Tweet{ID: 9007199254740993, Text: "see <b> \"quotes\" 🐦 @Bob", EditHistoryTweetIDs: []string{"9007199254740993"}, AuthorID: 11,
		CreatedAt: "2024-06-01T11:00:00.000Z", InReplyToUserID: 12, Lang: "en", Source: "web", ReferencedTweets: []tweet.Reference{{Type: "replied_to", ID: 77}, {Type: "quoted", ID: 78}},
		Attachments: &tweet.Attachments{MediaKeys: []string{"3_1"}, PollIDs: []string{"5"}}, Geo: &tweet.Geo{PlaceID: "p1"},
		Entities:      &tweet.Entities{Mentions: []tweet.Mention{{Start: 20, End: 24, Username: "Bob"}}},
		PublicMetrics: &tweet.TweetMetrics{LikeCount: 3}},
		Includes: &tweet.Includes{Users: []tweet.User{ada, bob, {ID: 13, Name: "Cy", Username: "cy"}, {ID: 14, Username: "unmentioned"}},
			Tweets: []tweet.Tweet{{ID: 78, Text: "quoted", AuthorID: 13, Lang: "de"}, {ID: 79, Text: "not referred to"}},
			Media:  []tweet.Media{{MediaKey: "3_1", Type: "photo", URL: "https://pbs.example/1.jpg", Width: 2}, {MediaKey: "3_2", Type: "photo"}},
			Places: []tweet.Place{{ID: "p1", FullName: "Paris, France", Country: "France"}},
			Polls:  []tweet.Poll{{ID: "5", Options: []tweet.PollOption{{Position: 1, Label: "yes"}}}}}})
	w.add(&tweet.Payload{Data: tweet.Tweet{ID: 9007199254740995, Text: "second", AuthorID: 11, CreatedAt: "2024-06-01T11:30:00.000Z"}, Includes: &tweet.Includes{Users: []tweet.User{ada}}})
	w.note(5, "gone")
	w.delete(5)
	return w
}

func TestShapes(t *testing.T) {
	w := rich()
	s := serveWorld(t, w, api.Config{}, liveOptions)
	const everything = "&expansions=author_id,referenced_tweets.id,referenced_tweets.id.author_id,in_reply_to_user_id,entities.mentions.username,attachments.media_keys,attachments.poll_ids,geo.place_id,edit_history_tweet_ids" +
		"&tweet.fields=created_at,public_metrics,lang,conversation_id&user.fields=public_metrics,verified&media.fields=url&place.fields=country&poll.fields=voting_status"
	var all strings.Builder
	for _, path := range []string{
		"/2/tweets/search/all?query=",
		"/2/tweets/search/all?query=quotes",
		"/2/tweets/search/all?query=nothing-of-the-kind",
		"/2/tweets/search/all?query=&expansions=author_id",
		"/2/tweets/search/all?query=quotes" + everything,
		"/2/tweets/search/all?query=&tweet.fields=source&since_seq=0&until_seq=1",
		"/2/tweets/search/all?query=&since_seq=1",
		"/2/tweets/search/recent?query=second&start_time=2024-06-01T11:30:00Z",
		"/2/tweets/search/all?query=&end_time=2024-06-01T11:30:00Z",
		"/2/tweets/search/all?query=&sort_order=likes&tweet.fields=public_metrics",
		"/2/tweets/search/facets?query=&facets=words,hashtags,sources&limit=3",
		"/2/tweets/search/facets?query=nothing-of-the-kind&facets=hashtags",
		"/2/tweets?ids=5,9007199254740995,9007199254740993,5,6,9007199254740995",
		"/2/tweets?ids=6",
		"/2/tweets/9007199254740995?expansions=author_id",
		"/2/tweets/5",
		"/2/tweets/6",
		"/2/tweets/9007199254740993/raw",
		"/2/tweets/5/raw",
		"/2/tweets/counts/all?query=&start_time=2024-06-01T10:30:00Z",
		"/2/tweets/counts/recent?query=&granularity=day",
		"/2/query/explain?query=cat+-from:ada+%22a+b%22+likes:5..9",
		"/2/query/explain?query=since:1h",
		"/2/query/explain?query=foo:bar",
		"/2/query/explain?query=",
		"/2/status", "/healthz", "/readyz", "/",
	} {
		a := s.get(t, path)
		all.WriteString(path + "\n" + a.header.Get("Content-Type") + " " + indent(a.body) + "\n\n")
	}
	golden(t, "shapes", all.String())
}

func indent(s string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(s), "", "  ") != nil {
		return s
	}
	return b.String()
}

func TestWanted(t *testing.T) {
	s := serve(t, api.Config{})
	for path, want := range map[string]string{
		"/2/tweets/wanted":                          `{"data":[{"id":"1"},{"id":"2"},{"id":"3"},{"id":"4"},{"id":"5"}],"meta":{"result_count":5}}`,
		"/2/tweets/wanted?after_id=2&max_results=2": `{"data":[{"id":"3"},{"id":"4"}],"meta":{"result_count":2}}`,
		"/2/tweets/wanted?after_id=5":               `{"data":[],"meta":{"result_count":0}}`,
	} {
		if a := s.get(t, path); a.status != 200 || a.body != want {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := s.get(t, "/2/tweets/wanted?after_id=x&max_results=2"); a.status != 400 {
		t.Errorf("%+v", a)
	}
}

func TestRawIsByteForByte(t *testing.T) {
	s := serve(t, api.Config{})
	raw := []byte("a row,\xff of a CSV,\u2028 1")
	d := &tweet.Document{ID: 8, BodyAt: 1717243200123, Payload: []byte(`{"data":{"id":"8","text":""}}`), Raw: raw, Provenance: tweet.Provenance{From: "import", File: "é\n.csv", Pos: 4}}
	s.docs = append(s.docs, d, &tweet.Document{ID: 9, Payload: d.Payload, RawCut: true})
	a := s.get(t, "/2/tweets/8/raw")
	if a.status != 200 || a.body != string(raw) || a.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d %q as %s", a.status, a.body, a.header.Get("Content-Type"))
	}
	for name, want := range map[string]string{"X-Captured-At": "2024-06-01T12:00:00.123Z", "X-Provenance-From": `"import"`, "X-Provenance-File": `"\u00e9\n.csv"`,
		"X-Provenance-Pos": "4", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	provenance := `"provenance":{"from":"import","file":"é\n.csv","position":4,"captured_at":"2024-06-01T12:00:00.123Z"}}`
	if got := s.get(t, "/2/tweets/8?tweet.fields=provenance").body; got != `{"data":{"id":"8","text":"",`+provenance+`}` {
		t.Error(got)
	}
	if got := s.get(t, "/2/tweets?ids=8&tweet.fields=provenance").body; got != `{"data":[{"id":"8","text":"",`+provenance+`]}` {
		t.Error(got)
	}
	if h := s.do(t, "HEAD", "/2/tweets/8/raw", ""); h.status != 200 || h.body != "" || h.header.Get("X-Captured-At") == "" {
		t.Errorf("HEAD: %+v", h)
	}
	if a := s.get(t, "/2/tweets/9/raw"); a.status != 410 {
		t.Errorf("cut raw: %d", a.status)
	}
}

// next is the next_token of a page, and its ids.
func next(t *testing.T, a answer) (token string, ids []string) {
	t.Helper()
	var page struct {
		Data []struct{ ID string }
		Meta struct {
			NextToken string `json:"next_token"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.body)
	}
	for _, d := range page.Data {
		ids = append(ids, d.ID)
	}
	return page.Meta.NextToken, ids
}

// TestPaging: pages give every match once, also when new ones come meanwhile, and tokens hold in another server.
func TestPaging(t *testing.T) {
	w := newWorld()
	for id := range tweet.ID(35) {
		w.note(id+1, "bird")
	}
	a, b := serveWorld(t, w, api.Config{}, liveOptions), serveWorld(t, w, api.Config{}, liveOptions)
	const query = "/2/tweets/search/all?query=bird+OR+since:1d&until_id=34"
	token, ids := next(t, a.get(t, query))
	w.note(100, "bird")
	for i, server := 0, b; token != ""; i, server = i+1, a {
		name := []string{"next_token", "pagination_token"}[i%2]
		var more []string
		token, more = next(t, server.get(t, query+"&max_results=11&tweet.fields=source&"+name+"="+token))
		ids = append(ids, more...)
	}
	if len(ids) != 33 || ids[0] != "33" || ids[32] != "1" {
		t.Errorf("pages gave %d: %v", len(ids), ids)
	}
	token, _ = next(t, a.get(t, query))
	counts := a.get(t, "/2/tweets/counts/all?query=bird&start_time=2024-01-01T00:00:00Z&granularity=minute")
	countsToken, _ := next(t, counts)
	hours, _ := next(t, a.get(t, "/2/tweets/counts/all?query=bird&start_time=2024-01-01T00:00:00Z"))
	for path, ok := range map[string]bool{
		"/2/tweets/counts/all?query=bird&start_time=2024-01-01T00:00:00Z&next_token=" + hours:                              true,
		"/2/tweets/search/all?query=bird&start_time=2024-01-01T00:00:00Z&next_token=" + hours:                              false,
		"/2/tweets/search/all?query=bird+OR+since:1d&until_id=34&next_token=" + token:                                      true,
		"/2/tweets/search/all?query=(bird+OR+since:1d)&until_id=34&next_token=" + token:                                    true, // the same query
		"/2/tweets/search/all?query=bird&until_id=34&next_token=" + token:                                                  false,
		"/2/tweets/search/all?query=bird+OR+since:1d&next_token=" + token:                                                  false,
		"/2/tweets/search/all?query=bird+OR+since:1d&until_id=34&since_seq=3&next_token=" + token:                          false,
		"/2/tweets/search/all?query=bird+OR+since:1d&until_id=34&next_token=" + token[1:]:                                  false,
		"/2/tweets/counts/all?query=bird+OR+since:1d&until_id=34&next_token=" + token:                                      false,
		"/2/tweets/search/all?query=bird&start_time=2024-01-01T00:00:00Z&next_token=" + countsToken:                        false,
		"/2/tweets/counts/all?query=bird&start_time=2024-01-01T00:00:00Z&next_token=" + countsToken:                        false, // of minutes
		"/2/tweets/counts/all?query=bird&start_time=2024-01-01T00:00:00.0Z&granularity=minute&next_token=" + countsToken:   true,
		"/2/tweets/search/all?query=bird+OR+since:1d&until_id=34&pagination_token=" + countsToken + "&next_token=" + token: false,
	} {
		if got := a.get(t, path); (got.status == 200) != ok {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestCountsOfAllTime: pages of counts meet without a hole, and go back to the first tweet.
func TestCountsOfAllTime(t *testing.T) {
	s := serve(t, api.Config{MaxBuckets: 1000})
	s.note(1, "bird")
	path := "/2/tweets/counts/all?query=bird&granularity=day&start_time=0001-01-01T00:00:00Z&end_time=2024-06-02T00:00:01Z"
	var pages, total int
	for token, end := "", ""; ; pages++ {
		a := s.get(t, path+map[bool]string{true: "&next_token=" + token}[token != ""])
		var page struct {
			Data []struct {
				Start, End string
				TweetCount int `json:"tweet_count"`
			}
			Meta struct {
				Total     int    `json:"total_tweet_count"`
				NextToken string `json:"next_token"`
			}
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 || len(page.Data) > 1000 {
			t.Fatalf("%d %v %.300s", a.status, err, a.body)
		}
		if last := page.Data[len(page.Data)-1].End; end != "" && last != end {
			t.Fatalf("a page ends at %s, the one before began at %s", last, end)
		}
		total += page.Meta.Total
		end, token = page.Data[0].Start, page.Meta.NextToken
		if token == "" {
			if end != "1970-01-01T00:00:00.000Z" {
				t.Errorf("it goes back to %s", end)
			}
			break
		}
	}
	if total != 1 || pages < 19 {
		t.Errorf("%d in %d pages", total, pages+1)
	}
}

func TestFailuresOfTheArchive(t *testing.T) {
	s := serve(t, api.Config{})
	for _, test := range []struct {
		err    error
		status int
	}{{search.ErrUnavailable, 503}, {search.ErrTimeout, 504}, {search.ErrTooComplex, 400}, {os.ErrPermission, 500}} {
		s.fails = test.err
		for _, path := range []string{"/2/tweets/search/all?query=a", "/2/tweets/search/facets?query=a", "/2/tweets/search/export?query=a",
			"/2/tweets/search/export?query=a&max_results=500", "/2/tweets/search/export?query=a&format=csv", "/2/tweets/counts/all?query=a", "/2/tweets/1", "/2/tweets?ids=1"} {
			a := s.get(t, path)
			problemOf(t, a)
			if a.status != test.status || strings.Contains(a.body, "permission") || test.status == 503 && a.header.Get("Retry-After") == "" {
				t.Errorf("%v: %s: %d %s", test.err, path, a.status, a.body)
			}
		}
	}
	if a := s.get(t, "/readyz"); a.status != 503 || !strings.Contains(a.body, `{"name":"archive","ready":false}`) {
		t.Errorf("readyz: %d %s", a.status, a.body)
	}
	if a := s.get(t, "/metrics"); a.status != 200 || !strings.Contains(a.body, `birdwatch_http_request_seconds_count{method="GET",route="/2/tweets/:id",status="503"} 1`) {
		t.Errorf("metrics: %d %.2000s", a.status, a.body)
	}
}

func FuzzToken(f *testing.F) {
	w := newWorld()
	for id := range tweet.ID(12) {
		w.note(id+1, "bird")
	}
	h := handler(w)
	f.Add("AQAAAABmWw3AAAAAAAAAAAEAAAAAAAAAAQ")
	f.Fuzz(func(t *testing.T, token string) {
		if got := ask(h, "GET", "/2/tweets/search/all?query=bird&next_token="+url.QueryEscape(token), "Host: localhost"); got != 400 && got != 414 {
			t.Errorf("%q: %d", token, got)
		}
	})
}
