package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/live"
	"birdwatch/tweet"
)

// put replaces the queries of a stream and gives since_seq.
func (s *served) put(t *testing.T, name, body string) int {
	t.Helper()
	a := s.do(t, "PUT", "/2/tweets/search/live/"+name, body)
	var d struct {
		Data struct {
			Connection string
			SinceSeq   int `json:"since_seq"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != 200 || d.Data.Connection != name {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return d.Data.SinceSeq
}

// TestQueriesOfAnOpenStream: other queries hold behind the place that the answer gives, on the open stream, and on the one that resumes, also
// from before the change, and on another server.
func TestQueriesOfAnOpenStream(t *testing.T) {
	w := newWorld()
	s := serveWorld(t, w, api.Config{}, liveOptions)
	r := s.open(t, "query=bird&connection=a-secret-name")
	r.want("live", "e1-0", "*")
	s.note(1, "bird")
	r.want("", "e1-1", `{"data":{"id":"1","text":"bird"}}`)
	start := r.lastID
	if seq := s.put(t, "a-secret-name", `{"queries":[{"query":"cat","tag":"c"},{"query":"owl","tag":"o"}]}`); seq != 1 {
		t.Errorf("in force behind %d", seq)
	}
	s.note(2, "bird")
	s.note(3, "owl")
	r.want("", "e1-3", `{"data":{"id":"3","text":"owl"},"matching_rules":[{"id":"1","tag":"o"}]}`)
	s.delete(1) // of which the first query was told
	r.want("delete", "e1-4", "*")
	s.note(4, "cat")
	r.want("", "e1-5", `{"data":{"id":"4","text":"cat"},"matching_rules":[{"id":"0","tag":"c"}]}`)
	if seq := s.put(t, "a-secret-name", `{"queries":[{"query":"bird since:1d"}]}`); seq != 5 {
		t.Errorf("in force behind %d", seq)
	}
	r.close()
	s.note(5, "owl")
	s.note(6, "bird")
	for _, from := range []*served{s, serveWorld(t, w, api.Config{}, liveOptions)} {
		r := from.open(t, "query=nothing&connection=a-secret-name", "Last-Event-ID: "+start)
		r.want("", "e1-3", `{"data":{"id":"3","text":"owl"},"matching_rules":[{"id":"1","tag":"o"}]}`)
		r.want("delete", "e1-4", "*")
		r.want("", "e1-5", "*")
		r.want("", "e1-7", `{"data":{"id":"6","text":"bird"}}`)
		r.close()
	}
	s.over(t, 2)
	fresh := s.open(t, "query=owl&connection=a-secret-name") // not resumed: it begins with its own
	fresh.want("live", "e1-7", "*")
	s.note(7, "bird")
	s.note(8, "owl")
	fresh.want("", "e1-9", "*")
}

// TestQueriesBetweenConnections: a client that is away can replace its queries where it did before; others have to be open.
func TestQueriesBetweenConnections(t *testing.T) {
	s := serve(t, api.Config{})
	r := s.open(t, "query=bird&connection=name-of-mine")
	r.want("live", "e1-0", "*")
	s.put(t, "name-of-mine", `{"queries":[{"query":"cat"}]}`)
	r.close()
	for s.hub.Stats().Subscriptions > 0 { // until it is seen
		time.Sleep(time.Millisecond)
	}
	s.note(1, "cat")
	s.put(t, "name-of-mine", `{"queries":[{"query":"owl"}]}`)
	s.note(2, "cat")
	s.note(3, "owl")
	r = s.open(t, "query=bird&connection=name-of-mine&last_event_id=e1-0")
	r.want("", "e1-1", "*")
	r.want("", "e1-3", "*")

	for body, status := range map[string]int{`{"queries":[{"query":"a"}]}`: 404, `{}`: 400, `{"queries":[]}`: 400, `{"queries":[{"tag":"a"}]}`: 400,
		`{"queries":[{"query":"a","tag":"b"},{"query":"c"}]}`: 400, `{"queries":[{"query":"(a"}]}`: 400, `x`: 400} {
		if a := s.do(t, "PUT", "/2/tweets/search/live/nobody-has-it", body); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	for _, name := range []string{"short", "with%20blank", strings.Repeat("a", 65)} {
		if a := s.get(t, "/2/tweets/search/live?query=a&connection="+name); a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
}

// TestConnectionsAreForgotten: what nobody can resume is not kept, nor what the journal does not reach.
func TestConnectionsAreForgotten(t *testing.T) {
	w := newWorld()
	s := serveWorld(t, w, api.Config{Heartbeat: 20 * time.Millisecond}, liveOptions)
	for i := range 3 {
		r := s.open(t, fmt.Sprintf("query=bird&connection=name-number-%d", i))
		r.want("live", "e1-0", "*")
		s.put(t, fmt.Sprint("name-number-", i), `{"queries":[{"query":"cat"}]}`)
		if i > 0 {
			r.close()
		}
	}
	for s.hub.Stats().Subscriptions > 1 {
		time.Sleep(time.Millisecond)
	}
	for range 10 {
		s.note(1, "cow")
	}
	w.cut(5)
	s.later.Store(int64(2 * time.Hour))
	for range 40 { // what is behind the journal's beginning is dropped
		s.put(t, "name-number-0", `{"queries":[{"query":"cat"}]}`)
		s.note(2, "cow")
		w.cut(1)
	}
	keys := s.kept(t, 1)
	if !strings.HasSuffix(keys[0], "name-number-0") {
		t.Errorf("%q are kept", keys)
	}
	if b, _ := w.state.State(t.Context(), keys[0]); strings.Count(string(b), "cat") > 8 {
		t.Errorf("%s is kept", b)
	}
}

// kept waits until so many connections are kept, and gives their keys.
func (s *served) kept(t *testing.T, n int) []string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		keys, _ := s.state.States(t.Context(), "stream/connection/")
		if len(keys) == n {
			return keys
		}
		if time.Now().After(end) {
			t.Fatalf("%d are kept, not %d", len(keys), n)
		}
	}
}

// over waits until so many streams have ended.
func (s *served) over(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); strings.Count(s.log.String(), "stream ended") < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("fewer than %d streams have ended", n)
		}
	}
}

// TestStreamsOfOneName: a stream that begins anew takes nothing from another one that has the name, which resumes by what was put; it has the
// same queries, also when it resumes.
func TestStreamsOfOneName(t *testing.T) {
	s := serve(t, api.Config{})
	const name = "a-shared-name"
	a := s.open(t, "query=cat&connection="+name)
	a.want("live", "e1-0", "*")
	s.put(t, name, `{"queries":[{"query":"dog"}]}`)
	b := s.open(t, "query=bird&connection="+name)
	b.want("live", "e1-0", "*")
	a.close()
	s.over(t, 1)
	s.note(1, "cat")
	s.note(2, "bird")
	s.note(3, "dog")
	b.want("", "e1-3", `{"data":{"id":"3","text":"dog"}}`)
	b.close()
	s.over(t, 2)
	for _, r := range []struct{ query, from string }{{"cat", a.lastID}, {"bird", "e1-0"}} {
		r := s.open(t, "query="+r.query+"&connection="+name, "Last-Event-ID: "+r.from)
		r.want("", "e1-3", `{"data":{"id":"3","text":"dog"}}`)
		r.close()
	}
}

// TestQueriesOfAllOfOneName: streams of one name may have begun with different queries; none misses what it had before they were replaced.
func TestQueriesOfAllOfOneName(t *testing.T) {
	s := serve(t, api.Config{})
	const name = "a-shared-name"
	queries := []string{"cat", "bird", "owl"}
	var rs []*reader
	for _, q := range queries {
		r := s.open(t, "query="+q+"&connection="+name)
		r.want("live", "e1-0", "*")
		rs = append(rs, r)
	}
	for i, q := range queries {
		s.note(tweet.ID(i+1), q)
		rs[i].want("", fmt.Sprint("e1-", i+1), "*")
	}
	s.put(t, name, `{"queries":[{"query":"dog"}]}`)
	for i, r := range rs {
		r.close()
		s.over(t, i+1)
	}
	for i, q := range queries {
		r := s.open(t, "query="+q+"&connection="+name, "Last-Event-ID: e1-0")
		for j := range i + 1 {
			r.want("", fmt.Sprint("e1-", j+1), "*")
		}
		r.close()
	}
}

// TestKeptWhereThereIsNoRoom: a stream that could not be opened anew has cost nothing that another one may resume by.
func TestKeptWhereThereIsNoRoom(t *testing.T) {
	s := serveWorld(t, newWorld(), api.Config{}, live.Options{MaxSubscriptions: 1})
	const name = "a-secret-name"
	r := s.open(t, "query=cat&connection="+name)
	r.want("live", "e1-0", "*")
	s.put(t, name, `{"queries":[{"query":"dog"}]}`)
	r.close()
	s.over(t, 1)
	other := s.open(t, "query=cow")
	other.want("live", "e1-0", "*")
	if a := s.get(t, "/2/tweets/search/live?query=cat&connection="+name); a.status != 503 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	other.close()
	s.over(t, 2)
	s.note(1, "cat")
	s.note(2, "dog")
	r = s.open(t, "query=cat&connection="+name, "Last-Event-ID: "+r.lastID)
	r.want("", "e1-2", "*")
}

// TestConnectionsAreBounded: whoever may read cannot fill the journal's disk; what nobody comes back for is forgotten, without a request.
func TestConnectionsAreBounded(t *testing.T) {
	big := []byte(`{"epoch":"e1","at":` + fmt.Sprint(noon.Unix()) + `,"sets":[{"queries":[{"query":"` + strings.Repeat("a", 1<<20-200) + `"}]}]}`)
	for _, tt := range []struct {
		n    int
		each []byte
	}{{64, big}, {10_000, []byte(`{"epoch":"e1","at":` + fmt.Sprint(noon.Unix()) + `,"sets":[{"queries":[{"query":"a"}]}]}`)}} {
		w := newWorld()
		for i := range tt.n {
			w.state.kept[fmt.Sprintf("stream/connection/name-of-another-%d", i)] = tt.each
		}
		s := serveWorld(t, w, api.Config{Heartbeat: 20 * time.Millisecond}, liveOptions)
		r := s.open(t, "query=bird&connection=name-of-mine")
		r.want("live", "e1-0", "*")
		body := `{"queries":[{"query":"cat","tag":"` + strings.Repeat("t", 20_000) + `"}]}`
		if a := s.do(t, "PUT", "/2/tweets/search/live/name-of-mine", body); a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Fatalf("%d kept: %d %s", tt.n, a.status, a.body)
		}
		s.note(1, "bird") // its queries are as they were
		r.want("", "e1-1", "*")
		s.later.Store(int64(8 * 24 * time.Hour))
		s.kept(t, 0)
		s.put(t, "name-of-mine", body)
		s.later.Store(int64(16 * 24 * time.Hour))
		time.Sleep(50 * time.Millisecond) // it is open: whenever it is looked at, it is kept
		s.kept(t, 1)
		r.close()
		s.over(t, 1)
		s.later.Store(int64(24 * 24 * time.Hour))
		s.kept(t, 0)
	}
}
