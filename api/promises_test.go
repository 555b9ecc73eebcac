package api_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/tweet"
)

// TestRelativeTimesStay: what "since:1h" meant on the first page it means on all, however late they are asked for.
func TestRelativeTimesStay(t *testing.T) {
	s := serve(t, api.Config{})
	for id := range tweet.ID(20) {
		s.note(id+1, "bird") // within a minute after noon
	}
	const path = "/2/tweets/search/all?query=bird+since:1h"
	token, first := next(t, s.get(t, path))
	s.later.Store(int64(48 * time.Hour))
	last, second := next(t, s.get(t, path+"&next_token="+token))
	if ids := strings.Join(append(first, second...), " "); last != "" || ids != "20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1" {
		t.Errorf("two days later the pages give %s, token %q", ids, last)
	}
	if _, ids := next(t, s.get(t, path)); len(ids) != 0 {
		t.Errorf("asked anew, the hour is another one: %v", ids)
	}
}

// TestStreamOutlivesItsFirstDeadline: a client has WriteTimeout for each write, not for the whole stream.
func TestStreamOutlivesItsFirstDeadline(t *testing.T) {
	const limit, beat = 100 * time.Millisecond, 10 * time.Millisecond
	s := serve(t, api.Config{WriteTimeout: limit, SearchTimeout: limit, Heartbeat: beat})
	r := s.open(t, "query=bird")
	r.want("live", "e1-0", "*")
	for range 6 * limit / beat { // longer than all limits together
		if b, ok := r.block(); !ok || b.comment == "" {
			t.Fatalf("the stream ended at a heartbeat: %+v", b)
		}
	}
	s.note(1, "bird")
	r.want("", "e1-1", "*")
}

// TestGapLinkHasTheBounds: a stream's start_time and end_time bound what its gap's link fetches.
func TestGapLinkHasTheBounds(t *testing.T) {
	w := newWorld()
	for id := range tweet.ID(8) {
		w.note(id+1, "bird")
	}
	s := serveWorld(t, w, api.Config{}, liveOptions)
	w.cut(6)
	bounds := url.Values{"start_time": {noon.Add(3 * time.Second).Format(time.RFC3339)}, "end_time": {noon.Add(time.Hour).Format(time.RFC3339)}}
	r := s.open(t, "query=bird&"+bounds.Encode()+"&last_event_id=e1-1")
	b := r.next()
	var gap struct{ Link string }
	if err := json.Unmarshal([]byte(b.data), &gap); err != nil || b.event != "gap" {
		t.Fatalf("%+v: %v", b, err)
	}
	link, err := url.Parse(gap.Link)
	if err != nil {
		t.Fatal(err)
	}
	for name := range bounds {
		if got, want := link.Query().Get(name), bounds.Get(name); got != want {
			t.Errorf("the link's %s is %q, the stream's %q", name, got, want)
		}
	}
	if _, ids := next(t, s.get(t, gap.Link)); strings.Join(ids, " ") != "6 5 4 3" {
		t.Errorf("the link gives %v", ids)
	}
}

// TestWhichQueryIsWrong: of several queries the one that does not parse is named, and a parameter that comes twice is refused.
func TestWhichQueryIsWrong(t *testing.T) {
	s := serve(t, api.Config{})
	a := s.get(t, "/2/tweets/search/live?query=bird&query=cat&query=form:ada")
	var p struct{ Position struct{ Index, Pos, End int } }
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != 400 || p.Position.Index != 2 || p.Position.End != len("form") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/2/tweets/search/all?query=a&query=b", "/2/tweets/search/all?query=a&max_results=10&max_results=20", "/2/tweets/counts/all?query=a&granularity=day&granularity=hour"} {
		if a := s.get(t, path); a.status != 400 || !strings.Contains(a.body, "may be given once only") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
