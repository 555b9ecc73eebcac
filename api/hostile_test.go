package api_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"testing"

	"birdwatch/api"
)

const writeToken = "a-token-for-writing"

// problemOf checks that an answer is a problem document of its own status.
func problemOf(t *testing.T, a answer) (p api.Problem) {
	t.Helper()
	if kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); kind != "application/problem+json" {
		t.Fatalf("%d: Content-Type %q, body %.200q", a.status, a.header.Get("Content-Type"), a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%v in %.300q", err, a.body)
	}
	if p.Status != a.status || p.Title == "" || p.Detail == "" || p.Type == "" {
		t.Fatalf("status %d with %+v", a.status, p)
	}
	return p
}

func TestHostileRequests(t *testing.T) {
	s := serve(t, api.Config{WriteTokens: []string{writeToken}, Public: true, MaxBody: 1000})
	s.note(1, "a tweet")
	auth := "Authorization: Bearer " + writeToken
	const all, one, live, ingest = "/2/tweets/search/all", "/2/tweets/1", "/2/tweets/search/live", "/2/tweets/ingest"
	const facets, export = "/2/tweets/search/facets", "/2/tweets/search/export"
	long := strings.Repeat("x", 70_000)
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
		header             []string
	}{
		// what is asked
		{"GET", all, "", 400, "[query] is needed", nil},
		{"GET", all + "?query=a&query=b", "", 400, "once only", nil},
		{"GET", all + "?query=a&colour=red", "", 400, "[colour] is not known here. Known are: query, start_time", nil},
		{"GET", all + "?query=a&Query=b", "", 400, "[Query] is not known", nil},
		{"GET", all + "?query=a&max_results=9", "", 400, "from 10 to 500", nil},
		{"GET", all + "?query=a&max_results=501", "", 400, "from 10 to 500", nil},
		{"GET", "/2/tweets/search/recent?query=a&max_results=101", "", 400, "from 10 to 100", nil},
		{"GET", all + "?query=a&max_results=ten", "", 400, "whole number", nil},
		{"GET", all + "?query=a&max_results=", "", 400, "whole number", nil},
		{"GET", all + "?query=a&max_results=99999999999999999999", "", 400, "whole number", nil},
		{"GET", all + "?query=a&start_time=yesterday", "", 400, "RFC 3339", nil},
		{"GET", all + "?query=a&start_time=2024-02-30T00:00:00Z", "", 400, "RFC 3339", nil},
		{"GET", all + "?query=a&start_time=2024-01-01T00:00:00+01:00", "", 400, "%2B", nil},
		{"GET", all + "?query=a&start_time=2024-01-02T00:00:00Z&end_time=2024-01-01T00:00:00Z", "", 400, "later than", nil},
		{"GET", "/2/tweets/search/recent?query=a&start_time=2020-01-01T00:00:00Z", "", 400, "7 days", nil},
		{"GET", all + "?query=a&since_id=-5", "", 400, "[since_id]", nil},
		{"GET", all + "?query=a&since_id=0", "", 400, "[since_id]", nil},
		{"GET", all + "?query=a&until_id=9223372036854775808", "", 400, "[until_id]", nil},
		{"GET", all + "?query=a&since_seq=-1", "", 400, "[since_seq]", nil},
		{"GET", all + "?query=a&until_seq=1.5", "", 400, "[until_seq]", nil},
		{"GET", all + "?query=a&sort_order=best", "", 400, "must be one of: recency,", nil},
		{"GET", all + "?query=a&sort_order=oldest", "", 400, "must be one of: recency,", nil},
		{"GET", all + "?query=a&sort_order=", "", 400, "must be one of: recency,", nil},
		{"GET", all + "?query=a&sort_order=likes&next_token=AgAAAABmWw3AAAAAAAAAAAEAAAAAAAAAAf8AAAAAAAAAAA", "", 400, "not a token", nil},
		{"GET", all + "?query=a&sort_order=likes&next_token=AQAAAABmWw3AAAAAAAAAAAEAAAAAAAAAAQAA", "", 400, "not a token", nil},
		{"GET", "/2/tweets/counts/all?query=a&sort_order=likes", "", 400, "[sort_order] is not known", nil},
		{"GET", all + "?query=a&next_token=b26v89c19zqg8o3", "", 400, "not a token", nil},
		{"GET", all + "?query=a&pagination_token=%00", "", 400, "NUL", nil},
		{"GET", all + "?query=a&next_token=" + long, "", 414, "longer", nil},
		{"GET", all + "?query=a&tweet.fields=id,colour", "", 400, "[colour] of [tweet.fields] is not one of: article, attachments", nil},
		{"GET", all + "?query=a&tweet.fields=id,,text", "", 400, "[tweet.fields]", nil},
		{"GET", all + "?query=a&user.fields=password", "", 400, "[user.fields]", nil},
		{"GET", all + "?query=a&media.fields=x", "", 400, "[media.fields]", nil},
		{"GET", all + "?query=a&place.fields=x", "", 400, "[place.fields]", nil},
		{"GET", all + "?query=a&poll.fields=x", "", 400, "[poll.fields]", nil},
		{"GET", all + "?query=a&expansions=author", "", 400, "[author] of [expansions] is not one of: attachments.media_keys", nil},
		{"GET", all + "?query=a%00b", "", 400, "NUL", nil},
		{"GET", all + "?query=%ff%fe", "", 400, "UTF-8", nil},
		{"GET", all + "?query=%zz", "", 400, "not well formed", nil},
		{"GET", all + "?query=a;b", "", 400, "not well formed", nil},
		{"GET", all + "?%00=1&query=a", "", 400, "not known", nil},
		{"GET", all + "?query=foo:bar", "", 400, "position 1", nil},
		{"GET", "/2/tweets/search/recent?query=a&end_time=2024-05-01T00:00:00Z", "", 400, "more than 7 days ago", nil},
		{"GET", all + "?query=(((", "", 400, "position", nil},
		{"GET", all + "?query=" + strings.Repeat("(-", 400) + "a" + strings.Repeat(")", 400), "", 400, "nested deeper", nil},
		{"GET", all + "?query=" + strings.Repeat("a+", 600), "", 400, "position", nil},
		{"GET", all + "?query=" + long[:5000], "", 400, "4,096", nil},
		{"GET", all + "?query=" + long, "", 414, "longer than 65536 bytes", nil},
		{"GET", "/2/tweets/counts/all?query=a&granularity=second", "", 400, "minute", nil},
		{"GET", "/2/tweets/counts/all?query=a&max_results=10", "", 400, "[max_results] is not known", nil},
		{"GET", "/2/tweets/counts/all?query=a&start_time=2024-07-01T00:00:00Z", "", 400, "no time between", nil},
		{"GET", "/2/tweets", "", 400, "[ids] takes", nil},
		{"GET", "/2/tweets?ids=", "", 400, "[ids] takes", nil},
		{"GET", "/2/tweets?ids=1,two", "", 400, "not a tweet id", nil},
		{"GET", "/2/tweets?ids=" + strings.Repeat("1,", 100) + "1", "", 400, "to 100 ids", nil},
		{"GET", "/2/tweets/abc", "", 400, "not a tweet id", nil},
		{"GET", "/2/tweets/-1", "", 400, "not a tweet id", nil},
		{"GET", "/2/tweets/%2e%2e%2f1", "", 400, "not a tweet id", nil},
		{"GET", "/2/tweets/99999999999999999999", "", 400, "not a tweet id", nil},
		{"GET", "/2/tweets/77", "", 404, "Could not find tweet with id: [77]", nil},
		{"GET", one + "?query=a", "", 400, "[query] is not known", nil},
		{"GET", one + "/raw?fields=a", "", 400, "There are none", nil},
		{"GET", "/2/query/explain?query=%22", "", 400, "position", nil},
		{"GET", "/2/query/operators?x", "", 400, "not known", nil},
		// facets
		{"GET", facets, "", 400, "[query] is needed", nil},
		{"GET", facets + "?query=(", "", 400, "position", nil},
		{"GET", facets + "?query=a&facets=", "", 400, "[] of [facets] is not one of: hashtags, mentions", nil},
		{"GET", facets + "?query=a&facets=colours", "", 400, "[colours] of [facets]", nil},
		{"GET", facets + "?query=a&facets=" + long[:40_000], "", 400, "of [facets]", nil},
		{"GET", facets + "?query=a&facets=words,", "", 400, "of [facets]", nil},
		{"GET", facets + "?query=a&facets=words,links,words", "", 400, "twice", nil},
		{"GET", facets + "?query=a&facets=words&facets=links", "", 400, "once only", nil},
		{"GET", facets + "?query=a&limit=0", "", 400, "from 1 to 1000", nil},
		{"GET", facets + "?query=a&limit=1001", "", 400, "from 1 to 1000", nil},
		{"GET", facets + "?query=a&limit=1e3", "", 400, "whole number", nil},
		{"GET", facets + "?query=a&max_results=10", "", 400, "[max_results] is not known", nil},
		{"GET", facets + "?query=a&next_token=x", "", 400, "[next_token] is not known", nil},
		{"GET", facets + "?query=a&since_id=x", "", 400, "[since_id]", nil},
		// exports
		{"GET", export, "", 400, "[query] is needed", nil},
		{"HEAD", export, "", 400, "", nil},
		{"GET", export + "?query=(", "", 400, "position", nil},
		{"GET", export + "?query=a&format=xml", "", 400, "must be one of: jsonl, csv, ids", nil},
		{"GET", export + "?query=a&content=text", "", 400, "must be one of: payload, raw", nil},
		{"GET", export + "?query=a&content=raw&format=csv", "", 400, "format=jsonl only", nil},
		{"GET", export + "?query=a&content=raw&format=ids", "", 400, "format=jsonl only", nil},
		{"GET", export + "?query=a&content=raw&tweet.fields=lang", "", 400, "no fields", nil},
		{"GET", export + "?query=a&format=csv&tweet.fields=lang", "", 400, "[columns]", nil},
		{"GET", export + "?query=a&format=ids&expansions=author_id", "", 400, "format=jsonl only", nil},
		{"GET", export + "?query=a&tweet.fields=colour", "", 400, "[colour]", nil},
		{"GET", export + "?query=a&columns=id", "", 400, "Only a CSV", nil},
		{"GET", export + "?query=a&header=true", "", 400, "Only a CSV", nil},
		{"GET", export + "?query=a&format=csv&columns=", "", 400, "[] of [columns] is not one of: id, created_at", nil},
		{"GET", export + "?query=a&format=csv&columns=id,password", "", 400, "[password] of [columns]", nil},
		{"GET", export + "?query=a&format=csv&columns=id,id", "", 400, "twice", nil},
		{"GET", export + "?query=a&format=csv&header=no", "", 400, "true, false", nil},
		{"GET", export + "?query=a&sort_order=likes", "", 400, "must be one of: oldest, recency", nil},
		{"GET", export + "?query=a&max_results=0", "", 400, "from 1 to 1000000000", nil},
		{"GET", export + "?query=a&max_results=-1", "", 400, "from 1 to 1000000000", nil},
		{"GET", export + "?query=a&next_token=x", "", 400, "[next_token] is not known", nil},
		{"POST", export + "?query=a", "{}", 405, "Allow", nil},
		// streams
		{"GET", live, "", 400, "[query] is needed", nil},
		{"GET", live + "?query=foo:bar", "", 400, "position", []string{"Accept: text/event-stream"}},
		{"GET", live + "?query=a&query=b&tag=x", "", 400, "as many", nil},
		{"GET", live + "?query=a&backfill=501", "", 400, "from 0 to 500", nil},
		{"GET", live + "?query=a&backfill=1&backfill=2", "", 400, "once only", nil},
		{"GET", live + "?query=a&last_event_id=12", "", 400, "not the id of an event", nil},
		{"GET", live + "?query=a", "", 400, "[Last-Event-ID] is not the id", []string{"Last-Event-ID: nonsense-1-2-3"}},
		{"GET", live + "?query=a" + strings.Repeat("&query=a", 32), "", 400, "at most 32 queries", nil},
		{"GET", live + "?query=a&max_results=10", "", 400, "[max_results] is not known", nil},
		{"HEAD", live + "?query=a", "", 405, "", nil},
		// where and how
		{"GET", "/2", "", 404, "nothing at this path", nil},
		{"GET", "/2/nothing", "", 404, "nothing at this path", nil},
		{"POST", "/2/nothing", "{}", 404, "nothing at this path", nil},
		{"GET", "/nothing.js", "", 404, "nothing at this path", nil},
		{"GET", "/2/tweets/search/all/", "", 404, "nothing at this path", nil},
		{"GET", "/2/../etc/passwd", "", 404, "nothing at this path", nil},
		{"POST", all + "?query=a", "{}", 405, "Allow", nil},
		{"PUT", one, "{}", 405, "Allow", nil},
		{"PATCH", "/2/tweets", "", 405, "Allow", nil},
		{"BREW", all, "", 405, "Allow", nil},
		{"GET", ingest, "", 405, "Allow lists", nil}, // not the tweet of that id
		{"HEAD", "/2/tweets/import", "", 405, "", nil},
		{"GET", all + "?query=a", "a body", 400, "no body", nil},
		{"DELETE", one, "a body", 400, "no body", []string{auth}},
		{"GET", all + "?query=a", "", 431, "headers are larger", []string{"X-Long: " + long[:40_000]}},
		// who
		{"DELETE", one, "", 401, "token is needed", nil},
		{"DELETE", one, "", 401, "not known", []string{"Authorization: Bearer guess-guess-guess"}},
		{"DELETE", one, "", 401, "needed", []string{"Authorization: Basic YTpi"}},
		{"DELETE", one, "", 403, "another origin", []string{auth, "Origin: https://evil.example"}},
		{"DELETE", one, "", 403, "another origin", []string{auth, "Origin: null"}},
		{"DELETE", one, "", 403, "another origin", []string{auth, "Origin: http://localhost:1"}},
		{"DELETE", one, "", 403, "another origin", []string{auth, "Sec-Fetch-Site: cross-site"}},
		{"GET", all + "?query=a", "", 403, "another origin", []string{"Origin: https://evil.example"}},
		{"GET", all + "?query=a", "", 403, "another origin", []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"}},
		{"POST", ingest, "x", 403, "another origin", []string{auth, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}},
		{"GET", all + "?query=a", "", 421, "Host", []string{"Host: evil.example"}},
		{"GET", all + "?query=a", "", 421, "Host", []string{"Host: localhost.evil.example"}},
		{"GET", all + "?query=a", "", 421, "Host", []string{"Host: 10.0.0.1"}},
		// bodies
		{"POST", ingest, "x", 401, "needed", nil},
		{"POST", ingest, "x", 415, "x-ndjson", []string{auth, "Content-Type: application/x-www-form-urlencoded"}},
		{"POST", ingest, "x", 415, "x-ndjson", []string{auth, "Content-Type: ;;"}},
		{"POST", ingest, "x", 415, "gzip", []string{auth, "Content-Encoding: br"}},
		{"POST", ingest, "not gzip at all", 400, "gzip", []string{auth, "Content-Encoding: gzip"}},
		{"POST", ingest, string(zipped("cut off"))[:15], 400, "too early", []string{auth, "Content-Encoding: gzip"}},
		{"POST", ingest, string(zipped(strings.Repeat("\n", 5000))), 413, "larger than 1000", []string{auth, "Content-Encoding: gzip"}},
		{"POST", ingest, strings.Repeat("x\n", 600), 413, "larger than 1000", []string{auth}},
		{"POST", ingest, "\n", 200, "", []string{auth}}, // one record, to show that the token is right
		{"POST", ingest, "bad\nbad", 400, "Record 1: no tweet", []string{auth}},
		{"POST", ingest + "?x=1", "x", 400, "not known", []string{auth}},
	} {
		name := fmt.Sprintf("%s %.60s %s", test.method, test.path, strings.Join(test.header, " "))
		t.Run(name[:min(len(name), 110)], func(t *testing.T) {
			a := s.do(t, test.method, test.path, test.body, test.header...)
			if a.status != test.status {
				t.Fatalf("got %d, want %d: %.300s", a.status, test.status, a.body)
			}
			if a.status < 400 || test.method == "HEAD" {
				return
			}
			problemOf(t, a)
			if !strings.Contains(a.body, test.says) {
				t.Errorf("does not say %q: %s", test.says, a.body)
			}
			if test.status == 405 && a.header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if len(a.body) > 12_000 {
				t.Errorf("%d bytes of answer", len(a.body))
			}
		})
	}
}

// TestNothingInnerIsSent: what went wrong inside is in the log, under the request's id, and not in the answer.
func TestNothingInnerIsSent(t *testing.T) {
	s := serve(t, api.Config{WriteTokens: []string{writeToken}, Public: true})
	auth := "Authorization: Bearer " + writeToken
	for body, status := range map[string]int{"odd": 500, "panic": 500, "busy": 503} {
		a := s.do(t, "POST", "/2/tweets/ingest", body, auth)
		if a.status != status || strings.Contains(a.body, "secret") || strings.Contains(a.body, "disk") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
		problemOf(t, a)
		if id := a.header.Get("X-Request-Id"); id == "" || !strings.Contains(s.log.String(), "request_id="+id) {
			t.Errorf("%s: request id %q is not in the log", body, id)
		}
	}
	if n := strings.Count(s.log.String(), "secret of the inside"); n != 2 {
		t.Errorf("the two causes are logged %d times", n)
	}
	a := s.get(t, "/2/tweets/search/all?query=hidden-words&next_token=hidden-token", auth)
	if log := s.log.String(); a.status != 400 || strings.Contains(log, "hidden") || strings.Contains(log, writeToken) {
		t.Errorf("%d; log: %s", a.status, log)
	}
}
