package api_test

import (
	"encoding/json"
	"testing"

	"birdwatch/api"
	"birdwatch/tweet"
)

// TestMaxRate: a stream is sent so many tweets a second and the count of the others, whose place it then has.
func TestMaxRate(t *testing.T) {
	s := serve(t, api.Config{})
	r := s.open(t, "query=bird&max_rate=2")
	r.want("live", "e1-0", "*")
	const n = 50
	for range n {
		s.note(1, "bird")
	}
	sent, left := 0, 0
	for sent+left < n {
		b := r.next()
		if b.event == "" {
			sent++
			continue
		}
		var d struct {
			LeftOut  int `json:"left_out"`
			SinceSeq int `json:"since_seq"`
			UntilSeq int `json:"until_seq"`
		}
		if err := json.Unmarshal([]byte(b.data), &d); err != nil || b.event != "rate" || b.id != "e1-"+itoa(d.UntilSeq) || d.SinceSeq >= d.UntilSeq || d.LeftOut < 1 {
			t.Fatalf("%+v: %v", b, err)
		}
		left += d.LeftOut
	}
	if sent < 2 || left < n/2 || sent+left != n {
		t.Errorf("%d sent, %d left out", sent, left)
	}
}

// TestMaxRateLeavesHistoryWhole: what was asked for is not left out.
func TestMaxRateLeavesHistoryWhole(t *testing.T) {
	s := serve(t, api.Config{})
	for id := range 20 {
		s.note(tweet.ID(id+1), "bird")
	}
	r := s.open(t, "query=bird&max_rate=1&backfill=20")
	for id := range 20 {
		r.want("", "e1-20-"+itoa(id+1), "*")
	}
	r.want("live", "e1-20", "*")
	for _, bad := range []string{"0", "-1", "10001", "x"} {
		if a := s.get(t, "/2/tweets/search/live?query=bird&max_rate="+bad); a.status != 400 {
			t.Errorf("max_rate=%s: %d", bad, a.status)
		}
	}
}
