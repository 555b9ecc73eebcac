package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/live"
	"birdwatch/tweet"
)

// state is shared state in memory.
type state struct {
	mu   sync.Mutex // guards what follows
	kept map[string][]byte
}

func (s *state) State(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[key], nil
}

func (s *state) SetState(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[key] = value; value == nil {
		delete(s.kept, key)
	}
	return nil
}

func (s *state) States(_ context.Context, prefix string) (keys []string, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.kept {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// before counts entries by the clock of the tests: one a minute, the newest at noon.
func (w *world) before(_ context.Context, t time.Time) (live.Place, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seq := max(w.base, w.last()-tweet.Seq(noon.Sub(t)/time.Minute))
	return live.Place{Position: tweet.Position{Epoch: w.epoch, Seq: seq}}, nil
}

const rulesPath = "/2/tweets/search/stream/rules"

// ruleAnswer is what clients of X know.
type ruleAnswer struct {
	Data []struct {
		ID, Value, Tag   string
		WouldHaveMatched *struct {
			Hour, Day, Week int
			Samples         []struct{ ID, Text string }
		} `json:"would_have_matched"`
	}
	Meta struct {
		Sent        string
		ResultCount int    `json:"result_count"`
		NextToken   string `json:"next_token"`
		Summary     map[string]int
	}
	Errors []struct {
		Value, ID, Title, Type string
		Details                []string
		Errors                 []struct{ Message string }
	}
}

func (s *served) rules(t *testing.T, method, query, body string, status int) (a ruleAnswer) {
	t.Helper()
	got := s.do(t, method, rulesPath+query, body, "Authorization: Bearer "+writeToken)
	if err := json.Unmarshal([]byte(got.body), &a); err != nil || got.status != status || a.Meta.Sent == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return a
}

func serveRules(t *testing.T, w *world) *served {
	return serveWorld(t, w, api.Config{LocalToken: writeToken, Heartbeat: 50 * time.Millisecond}, liveOptions)
}

func TestRules(t *testing.T) {
	w := newWorld()
	s := serveRules(t, w)
	if a := s.get(t, "/2/tweets/search/stream"); a.status != 409 || !strings.Contains(a.body, `"connection_issue":"RuleConfigurationIssue"`) {
		t.Errorf("without rules: %d %s", a.status, a.body)
	}
	a := s.rules(t, "POST", "", `{"add":[{"value":"cat lang:en","tag":"cats"},{"value":"bird"},{"value":"(bird"},{"value":" bird "},{"value":" "}]}`, 201)
	if len(a.Data) != 2 || a.Data[0].Tag != "cats" || a.Data[0].ID >= a.Data[1].ID || a.Meta.Summary["created"] != 2 || a.Meta.Summary["not_created"] != 3 ||
		a.Meta.Summary["valid"] != 3 || a.Meta.Summary["invalid"] != 2 {
		t.Errorf("added: %+v", a)
	}
	if len(a.Errors) != 3 || a.Errors[0].Title != "UnprocessableEntity" || !strings.HasSuffix(a.Errors[0].Details[0], ")") || !strings.Contains(a.Errors[0].Details[0], "(at position ") ||
		!strings.HasSuffix(a.Errors[0].Type, "/invalid-rules") || a.Errors[1].Title != "DuplicateRule" || a.Errors[1].ID != a.Data[1].ID || !strings.HasSuffix(a.Errors[1].Type, "/duplicate-rules") {
		t.Errorf("errors: %+v", a.Errors)
	}
	if again := s.rules(t, "POST", "", `{"add":[{"value":"bird"}]}`, 200); len(again.Data) != 0 || again.Meta.Summary["not_created"] != 1 {
		t.Errorf("only duplicates: %+v", again)
	}
	if all := s.rules(t, "GET", "", "", 200); all.Meta.ResultCount != 2 || all.Data[1].Value != "bird" {
		t.Errorf("%+v", all)
	}
	if one := s.rules(t, "GET", "?ids="+a.Data[1].ID, "", 200); one.Meta.ResultCount != 1 || one.Data[0].ID != a.Data[1].ID {
		t.Errorf("%+v", one)
	}
	page := s.rules(t, "GET", "?max_results=1", "", 200)
	if rest := s.rules(t, "GET", "?max_results=1&pagination_token="+page.Meta.NextToken, "", 200); len(rest.Data) != 1 || rest.Data[0].Value != "bird" || rest.Meta.NextToken != "" {
		t.Errorf("%+v", rest)
	}
	second := serveRules(t, w) // a restart
	if all := second.rules(t, "GET", "", "", 200); all.Meta.ResultCount != 2 || all.Data[0].ID != a.Data[0].ID {
		t.Errorf("after a restart: %+v", all)
	}
	gone := second.rules(t, "POST", "", `{"delete":{"ids":["`+a.Data[0].ID+`","77"]}}`, 200)
	if gone.Meta.Summary["deleted"] != 1 || gone.Meta.Summary["not_deleted"] != 1 || gone.Errors[0].Errors[0].Message != "Rule does not exist" {
		t.Errorf("%+v", gone)
	}
	if gone := second.rules(t, "POST", "", `{"delete":{"values":["bird"]}}`, 200); gone.Meta.Summary["deleted"] != 1 {
		t.Errorf("%+v", gone)
	}
	if new := second.rules(t, "POST", "", `{"add":[{"value":"owl"}]}`, 201); new.Data[0].ID <= a.Data[1].ID {
		t.Errorf("an id came again: %+v", new)
	}
}

func TestBadRuleRequests(t *testing.T) {
	s := serveRules(t, newWorld())
	for _, body := range []string{`{}`, `{"add":[]}`, `[]`, `x`, `{"add":[{"value":"a"}],"delete":{"ids":["1"]}}`, `{"add":{"value":"a"}}`} {
		if a := s.do(t, "POST", rulesPath, body, "Authorization: Bearer "+writeToken); a.status != 400 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := s.do(t, "POST", rulesPath, `{"add":[{"value":"a"}]}`); a.status != 401 {
		t.Errorf("without a token: %d", a.status)
	}
	if a := s.do(t, "POST", rulesPath+"?dry_run=maybe", `{"add":[{"value":"a"}]}`); a.status != 400 {
		t.Errorf("dry_run=maybe: %d", a.status)
	}
	few := serveWorld(t, newWorld(), api.Config{LocalToken: writeToken, MaxRules: 2}, liveOptions)
	a := few.do(t, "POST", rulesPath, `{"add":[{"value":"a"},{"value":"b"},{"value":"c"}]}`, "Authorization: Bearer "+writeToken)
	if p := problemOf(t, a); p.Status != 422 || !strings.HasSuffix(p.Type, "/rule-cap") {
		t.Errorf("too many: %+v", a)
	}
}

// TestDryRun changes nothing and says what would have matched.
func TestDryRun(t *testing.T) {
	s := serveRules(t, newWorld())
	for id := range tweet.ID(8) {
		p := &tweet.Payload{Data: tweet.Tweet{ID: id + 1, Text: "bird", CreatedAt: noon.Add(-time.Duration(id*id) * time.Hour).Format(tweet.TimeLayout)}}
		s.add(p)
	}
	s.note(100, "cat")
	a := s.rules(t, "POST", "?dry_run=True", `{"add":[{"value":"bird"}]}`, 201)
	m := a.Data[0].WouldHaveMatched
	if m == nil || m.Hour != 1 || m.Day != 4 || m.Week != 7 || len(m.Samples) != 5 || m.Samples[0].ID != "8" || m.Samples[0].Text != "bird" {
		t.Errorf("%+v", m)
	}
	if all := s.rules(t, "GET", "", "", 200); len(all.Data) != 0 {
		t.Errorf("it was kept: %+v", all)
	}
	if a := s.do(t, "POST", rulesPath+"?dry_run=true", `{"add":[{"value":"a"}]}`); a.status != 201 {
		t.Errorf("a reader's dry run: %d", a.status)
	}
}

// lines reads a filtered stream.
type lines struct {
	t  *testing.T
	in *bufio.Reader
}

func (s *served) lines(t *testing.T, query string) *lines {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/2/tweets/search/stream?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil || a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("%v %+v", err, a)
	}
	t.Cleanup(func() { cancel(); a.Body.Close() })
	return &lines{t, bufio.NewReader(a.Body)}
}

// next is the next line that is not empty.
func (l *lines) next() string {
	l.t.Helper()
	for {
		line, err := l.in.ReadString('\n')
		text, whole := strings.CutSuffix(line, "\r\n")
		if err != nil || !whole {
			l.t.Fatalf("%q %v", line, err)
		}
		if text != "" {
			return text
		}
	}
}

func (l *lines) want(line string) {
	l.t.Helper()
	if got := l.next(); got != line {
		l.t.Errorf("got  %s\nwant %s", got, line)
	}
}

// TestFilteredStream: a tweet comes once with all its rules, rules change in open streams, and relative times stay as they were.
func TestFilteredStream(t *testing.T) {
	s := serveRules(t, newWorld())
	a := s.rules(t, "POST", "", `{"add":[{"value":"bird","tag":"b\"s"},{"value":"cat since:1d"}]}`, 201)
	bird, cat := a.Data[0].ID, a.Data[1].ID
	l := s.lines(t, "tweet.fields=lang")
	s.later.Store(int64(48 * time.Hour))
	s.note(1, "bird")
	l.want(`{"data":{"id":"1","text":"bird"},"matching_rules":[{"id":"` + bird + `","tag":"b\"s"}]}`)
	s.note(2, "bird and cat")
	l.want(`{"data":{"id":"2","text":"bird and cat"},"matching_rules":[{"id":"` + bird + `","tag":"b\"s"},{"id":"` + cat + `","tag":""}]}`)
	s.rules(t, "POST", "", `{"delete":{"ids":["`+bird+`"]}}`, 200)
	owl := s.rules(t, "POST", "", `{"add":[{"value":"owl"}]}`, 201).Data[0].ID
	s.note(3, "bird")
	s.note(4, "owl")
	l.want(`{"data":{"id":"4","text":"owl"},"matching_rules":[{"id":"` + owl + `","tag":""}]}`)
	s.delete(4) // of which X's stream says nothing
	s.rules(t, "POST", "", `{"delete":{"values":["owl","cat since:1d"]}}`, 200)
	s.note(5, "owl")
	s.rules(t, "POST", "", `{"add":[{"value":"owl"}]}`, 201)
	s.note(6, "owl six")
	if got := l.next(); !strings.Contains(got, "owl six") {
		t.Errorf("after all rules were gone: %s", got)
	}
	s.later.Store(0)
	back := s.lines(t, "backfill_minutes=2")
	if got := back.next(); !strings.Contains(got, `"text":"owl"`) {
		t.Errorf("of two minutes ago: %s", got)
	}
	if got := back.next(); !strings.Contains(got, "owl six") {
		t.Errorf("of a minute ago: %s", got)
	}
	for range 3 {
		if line, err := l.in.ReadString('\n'); line != "\r\n" {
			t.Errorf("a keep-alive is %q %v", line, err)
		}
	}
	s.hub.Close()
	if got := l.next(); !strings.Contains(got, "operational-disconnect") {
		t.Errorf("at the end: %s", got)
	}
}
