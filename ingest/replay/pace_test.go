package replay_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
)

// TestPace holds when messages come.
func TestPace(t *testing.T) {
	second := time.Second
	tape := []string{at(0), at(4000), `{"id":9,"text":"no time"}`, at(3000), at(10_000)}
	for name, tt := range map[string]struct {
		pace replay.Pace
		form url.Values
		want []time.Duration
	}{
		"free":     {replay.Pace{}, nil, []time.Duration{0, 0, 0, 0, 0}},
		"recorded": {replay.Pace{Speed: 1}, nil, []time.Duration{0, 4 * second, 4 * second, 4 * second, 10 * second}},
		"faster":   {replay.Pace{Speed: 4}, nil, []time.Duration{0, second, second, second, 2500 * time.Millisecond}},
		"gaps":     {replay.Pace{Speed: 1, MaxGap: 3 * second}, nil, []time.Duration{0, 3 * second, 3 * second, 3 * second, 6 * second}},
		"rate":     {replay.Pace{PerSecond: 2}, nil, []time.Duration{second / 2, second, 3 * second / 2, 2 * second, 5 * second / 2}},
		"filtered": {replay.Pace{Speed: 1}, url.Values{"follow": {"3"}}, []time.Duration{0, 4 * second, 4 * second, 10 * second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, replay.Options{Tape: tapeOf(tape...), Pace: tt.pace, CloseAtEnd: true})
				begin := time.Now()
				path := "sample.json"
				if tt.form != nil {
					path = "filter.json"
				}
				r := read(t, s.open(t, "a", path, tt.form))
				var got []time.Duration
				for m := r.next(); !strings.HasPrefix(m, "end"); m = r.next() {
					got = append(got, time.Since(begin))
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("came at %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestLoopAndKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := serve(t, replay.Options{Tape: tapeOf(at(0), at(70_000)), Pace: replay.Pace{Speed: 1}, Loop: true})
		r := read(t, s.open(t, "a", "sample.json", nil))
		for i, want := range []struct {
			m  string
			at int
		}{{at(0), 0}, {"", 30}, {"", 60}, {at(70_000), 70}, {at(0), 70}, {"", 100}, {"", 130}, {at(70_000), 140}} {
			if got := r.next(); got != want.m || time.Since(begin) != time.Duration(want.at)*time.Second {
				t.Errorf("message %d: %q after %v, want %q after %d s", i, got, time.Since(begin), want.m, want.at)
			}
		}
	})
}

// TestNothingMatches: an endless tape of which a stream gets nothing is not read for ever.
func TestNothingMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0)), Loop: true})
		r := read(t, s.open(t, "a", "filter.json", url.Values{"track": {"zebra"}}))
		if m := r.next(); m != "" {
			t.Errorf("got %q", m)
		}
	})
}

// TestSlowReader: it is warned, then left; another one is not held up by it.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tape []string
		for i := range 1000 {
			tape = append(tape, at(int64(i)*100))
		}
		s := serve(t, replay.Options{Tape: tapeOf(tape...), Pace: replay.Pace{Speed: 1}, Queue: 100})
		begin := time.Now()
		slow := read(t, s.open(t, "slow", "sample.json", url.Values{"stall_warnings": {"true"}}))
		quick := read(t, s.open(t, "quick", "sample.json", nil))
		go func() {
			for range tape {
				quick.next()
			}
			if d := time.Since(begin); d != 99900*time.Millisecond {
				t.Errorf("the quick one took %v", d)
			}
		}()
		var warnings []string
		m := ""
		n := 0
		for !strings.HasPrefix(m, "end") && disconnectCode(m) == "" {
			time.Sleep(150 * time.Millisecond)
			if m = slow.next(); strings.Contains(m, "FALLING_BEHIND") {
				warnings = append(warnings, m)
			}
			n++
		}
		if disconnectCode(m) != "4" || len(warnings) != 1 || !strings.Contains(warnings[0], `"percent_full":60`) || n < 200 {
			t.Errorf("after %d messages: %q, warnings %q", n, m, warnings)
		}
		time.Sleep(2 * time.Minute)
	})
}

// TestStuckReader: one who takes nothing at all is left after the write time-out.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0)), Loop: true})
		s.open(t, "a", "sample.json", nil)
		time.Sleep(89 * time.Second)
		if st := s.Stats(); st.Open != 1 {
			t.Errorf("left too early: %+v", st)
		}
		time.Sleep(4 * time.Second)
		if st := s.Stats(); st.Open != 0 {
			t.Errorf("not left: %+v", st)
		}
	})
}

// TestStuckReaderReplaced: a newer connection does not wait for one that hangs.
func TestStuckReaderReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0)), Loop: true})
		s.open(t, "a", "sample.json", nil)
		time.Sleep(time.Second)
		begin := time.Now()
		r := read(t, s.open(t, "a", "sample.json", nil))
		if m := r.next(); m != at(0) || time.Since(begin) > 3*time.Second {
			t.Errorf("got %q after %v", m, time.Since(begin))
		}
	})
}
