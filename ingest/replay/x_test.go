package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
)

// x is v2 with tweets of a few fields, and rules that are words of the text.
func x() *replay.XOptions {
	return &replay.XOptions{MaxRules: 3,
		Convert: func(line []byte) ([]byte, error) {
			var t struct {
				IDStr string `json:"id_str"`
				Text  string
			}
			if err := json.Unmarshal(line, &t); err != nil || t.Text == "" {
				return nil, errors.New("no tweet")
			}
			return []byte(`{"data":{"id":"` + t.IDStr + `","text":"` + t.Text + `","lang":"en","author_id":"3"},"includes":{"users":[{"id":"3","name":"A","username":"a","location":"Bonn"}],"media":[{"media_key":"3_1","type":"photo"}]}}`), nil
		},
		Rule: func(value string) (func([]byte) bool, error) {
			if strings.Contains(value, "(") {
				return nil, errors.New("a parenthesis is open (at position 1)")
			}
			return func(p []byte) bool { return strings.Contains(string(p), value) }, nil
		}}
}

// xs asks the server as an app; the answer's status and its body, of a stream the answer alone.
func (s *server) x(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://x.test/2/tweets/search/stream"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer app")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode == 200 && !strings.HasPrefix(path, "/") {
		return resp, ""
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestXRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(), X: x()})
		for _, tt := range []struct {
			method, path, body string
			status             int
			want               []string
		}{
			{"GET", "", "", 409, []string{`"connection_issue":"RuleConfigurationIssue"`, `"title":"ConnectionException"`}},
			{"GET", "/rules", "", 200, []string{`"result_count":0`}},
			{"POST", "/rules?dry_run=true", `{"add":[{"value":"go"}]}`, 201, []string{`"created":1`}},
			{"GET", "/rules", "", 200, []string{`"result_count":0`}},
			{"POST", "/rules", `{"add":[{"value":"go","tag":"g"},{"value":"(a"}]}`, 201,
				[]string{`"created":1`, `"invalid":1`, `"details":["a parenthesis is open (at position 1)"]`, `problems/invalid-rules`, `"tag":"g"`}},
			{"POST", "/rules", `{"add":[{"value":"go","tag":"g"}]}`, 201, []string{`"title":"DuplicateRule"`, `"not_created":1`}},
			{"POST", "/rules", `{"add":[{"value":"b"},{"value":"c"},{"value":"d"}]}`, 201, []string{`"created":2`, `problems/rule-cap`}},
			{"GET", "/rules", "", 200, []string{`"result_count":3`, `"value":"go"`}},
			{"POST", "/rules?dry_run=true", `{"delete":{"values":["b"]}}`, 200, []string{`"deleted":1`}},
			{"POST", "/rules", `{"delete":{"values":["b"],"ids":["77"]}}`, 200, []string{`"deleted":1`, `"not_deleted":1`}},
			{"GET", "/rules", "", 200, []string{`"result_count":2`}},
			{"POST", "/rules", `{}`, 400, []string{`problems/invalid-request`}},
			{"POST", "/rules", `nonsense`, 400, []string{`problems/invalid-request`}},
			{"GET", "/nothing", "", 404, nil},
			{"GET", "?backfill_minutes=6", "", 400, []string{"backfill_minutes"}},
			{"GET", "?fields=all", "", 400, []string{"is not a parameter"}},
			{"GET", "?expansions=author", "", 400, []string{"is not one of the expansions"}},
		} {
			resp, body := s.x(t, tt.method, tt.path, tt.body)
			if resp.StatusCode != tt.status {
				t.Errorf("%s %s %s: %d %s", tt.method, tt.path, tt.body, resp.StatusCode, body)
			}
			for _, w := range tt.want {
				if !strings.Contains(body, w) {
					t.Errorf("%s %s %s: no %s in %s", tt.method, tt.path, tt.body, w, body)
				}
			}
		}
		req, _ := http.NewRequestWithContext(context.Background(), "GET", "http://x.test/2/tweets/search/stream", nil)
		resp, err := s.client.Do(req)
		if err != nil || resp.StatusCode != 401 {
			t.Fatalf("without a token: %v %v", resp, err)
		}
		_ = resp.Body.Close()
	})
}

// TestXStream: fields as asked for, the rules that match, a keep-alive every 20 s, one connection, an end in X's words.
func TestXStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := strings.Replace(at(1000), `"go"`, `"stop"`, 1)
		s := serve(t, replay.Options{Tape: tapeOf(at(0), other, `{"delete":{"status":{"id":5}}}`), X: x(), Scenario: scenario(t, "25s disconnect 12")})
		s.x(t, "POST", "/rules", `{"add":[{"value":"go","tag":"g"},{"value":"o"},{"value":"stop"}]}`)
		begin := time.Now()
		resp, _ := s.x(t, "GET", "?tweet.fields=lang&expansions=author_id&user.fields=location", "")
		r := read(t, resp)
		id := strings.Split(strings.TrimPrefix(at(0), `{"id":`), ",")[0]
		want := `{"data":{"id":"` + id + `","text":"go","lang":"en","author_id":"3"},"includes":{"users":[{"id":"3","name":"A","username":"a","location":"Bonn"}]},"matching_rules":[{"id":"1400000000000000001","tag":"g"},{"id":"1400000000000000002","tag":""}]}`
		if got := r.next(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if got := r.next(); !strings.Contains(got, `"text":"stop"`) {
			t.Errorf("got %s", got)
		}
		if busy, body := s.x(t, "GET", "", ""); busy.StatusCode != 429 || !strings.Contains(body, "TooManyConnections") {
			t.Errorf("a second connection: %d %s", busy.StatusCode, body)
		}
		if got := r.next(); got != "" || time.Since(begin) != 20*time.Second {
			t.Errorf("%q after %v", got, time.Since(begin))
		}
		if got := r.next(); !strings.Contains(got, `"disconnect_type":"UpstreamOperationalDisconnect"`) || r.next() != "end: EOF" {
			t.Errorf("the end: %s", got)
		}
		resp, _ = s.x(t, "GET", "", "") // not resumed: it begins again
		if got := read(t, resp).next(); got != `{"data":{"id":"`+id+`","text":"go"},"matching_rules":[{"id":"1400000000000000001","tag":"g"},{"id":"1400000000000000002","tag":""}]}` {
			t.Errorf("without fields: %s", got)
		}
	})
}

// TestXRulesChange: a stream that no rule feeds goes on, and gets tweets when one does; a part of a lap without any is no reason to end.
func TestXRulesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := strings.Replace(at(1000), `"go"`, `"stop"`, 1)
		s := serve(t, replay.Options{Tape: tapeOf(at(0), at(500), other, at(2000)), Loop: true, Resume: true, X: x(), Pace: replay.Pace{PerSecond: 1}, Scenario: scenario(t, "3.5s close\n30s close")})
		s.x(t, "POST", "/rules", `{"add":[{"value":"nothing"}]}`)
		silent, _ := s.x(t, "GET", "", "")
		if b, err := io.ReadAll(silent.Body); len(b) != 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		resp, _ := s.x(t, "GET", "", "")
		s.x(t, "POST", "/rules", `{"add":[{"value":"go"}]}`)
		r := read(t, resp)
		for range 4 {
			if got := r.next(); !strings.Contains(got, `"text":"go"`) {
				t.Errorf("got %q", got)
			}
		}
		_ = resp.Body.Close()
		synctest.Wait()
		s.x(t, "POST", "/rules", `{"delete":{"values":["go"]}}`)
		s.x(t, "POST", "/rules", `{"add":[{"value":"stop"}]}`)
		resp, _ = s.x(t, "GET", "", "") // goes on behind the one that it wants
		if got := read(t, resp).next(); !strings.Contains(got, `"text":"stop"`) {
			t.Errorf("got %q", got)
		}
		_ = resp.Body.Close()
	})
}

// TestXBackfill sends what was due within the minutes before, and no more.
func TestXBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fates
		s := serve(t, replay.Options{Tape: tapeOf(tape(1000)...), X: x(), Pace: replay.Pace{PerSecond: 1}, Live: true, Resume: true, Witness: f.tell, Scenario: scenario(t, "10.5s close")})
		s.x(t, "POST", "/rules", `{"add":[{"value":"go"}]}`)
		resp, _ := s.x(t, "GET", "", "")
		if b, err := io.ReadAll(resp.Body); err != nil || strings.Count(string(b), "\n") != 10 {
			t.Fatalf("%d lines, %v", strings.Count(string(b), "\n"), err)
		}
		time.Sleep(3 * time.Minute)
		resp, _ = s.x(t, "GET", "?backfill_minutes=2", "")
		go func() { _, _ = io.Copy(io.Discard, resp.Body) }() // it is closed
		synctest.Wait()
		if f.count("sent") != 10+120 || f.count("missed") != 60 {
			t.Errorf("%d sent, %d missed", f.count("sent"), f.count("missed"))
		}
		_ = resp.Body.Close()
	})
}
