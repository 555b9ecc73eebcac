package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
)

func scenario(t *testing.T, text string) *replay.Scenario {
	t.Helper()
	s, err := replay.ParseScenario(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScenario plays each happening on a stream of a tweet a second, and says what came when.
func TestScenario(t *testing.T) {
	for text, want := range map[string]string{
		"3.5s disconnect 12":        `1s t, 2s t, 3s t, 3.5s {"disconnect":{"code":12,"reason":"the scenario says so","stream_name":"scenario"}}, 3.5s EOF`,
		"2.5s close":                `1s t, 2s t, 2.5s EOF`,
		"2.5s cut":                  `1s t, 2s t, 2.5s half, 2.5s EOF`,
		"2.5s stall 3s\n9.5s close": `1s t, 2s t, 5.5s t, 5.5s t, 5.5s t, 6s t, 7s t, 8s t, 9s t, 9.5s EOF`,
		"every 2.2s stall 1s # again and again\n5s close": `1s t, 2s t, 3.2s t, 4s t, 5s EOF`,
		"2.5s rate 2\n4.2s close":                         `1s t, 2s t, 3s t, 3.5s t, 4s t, 4.2s EOF`,
		"1.5s flood 3\n2.8s close":                        `1s t, 1.5s t, 1.5s t, 1.5s t, 2.5s t, 2.8s EOF`,
		"2.5s linefeed on\n4.5s linefeed off\n5.5s close": "1s t, 2s t, 3s t, 4s t, 5s t, 5.5s EOF",
		"0s limit 1\n3.2s limit 0\n4.5s close":            `1s limit 1, 2s limit 2, 3s limit 3, 4s t, 4.5s EOF`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, replay.Options{Tape: tapeOf(tape(20)...), Pace: replay.Pace{PerSecond: 1}, Scenario: scenario(t, text), Seed: 1})
			begin := time.Now()
			resp := s.open(t, "a", "sample.json", nil)
			var got []string
			buf := make([]byte, 1<<16)
			for {
				n, err := resp.Body.Read(buf)
				for line := range bytes.Lines(buf[:n]) {
					word := strings.TrimSpace(string(line))
					_, limit, limited := strings.Cut(word, `,"track":`)
					switch {
					case limited && strings.HasPrefix(word, `{"limit"`):
						word = "limit " + strings.Trim(limit, "}")
					case strings.HasPrefix(word, `{"id"`) && strings.HasSuffix(word, "}"):
						word = "t"
					case strings.HasPrefix(word, `{"id"`):
						word = "half"
					}
					got = append(got, fmt.Sprint(time.Since(begin), " ", word))
				}
				if err != nil {
					got = append(got, fmt.Sprint(time.Since(begin), " ", err))
					break
				}
			}
			if got := strings.Join(got, ", "); got != want {
				t.Errorf("%q: got %s\nwant %s", text, got, want)
			}
		})
	}
}

// TestRefusals: whoever comes while a scenario refuses is answered so, whatever else happens.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(), CloseAtEnd: true, Scenario: scenario(t, "10s refuse 503 5s\nevery 1m refuse 420 10s")})
		var got []int
		for range 8 {
			got = append(got, s.open(t, "a", "sample.json", nil).StatusCode)
			time.Sleep(12 * time.Second)
		}
		if want := []int{200, 503, 200, 200, 200, 420, 200, 200}; !slices.Equal(got, want) {
			t.Errorf("answers %v, want %v", got, want)
		}
	})
}

// TestReset breaks a real connection within a message.
func TestReset(t *testing.T) {
	h, err := replay.New(replay.Options{Tape: tapeOf(tape(100)...), Pace: replay.Pace{PerSecond: 50}, Scenario: scenario(t, "every 200ms reset")})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := server{client: srv.Client()}
	resp := s.openAt(t, srv.URL, "a", "sample.json", nil)
	b, err := io.ReadAll(resp.Body)
	if err == nil || len(b) == 0 || b[len(b)-1] == '\n' {
		t.Errorf("%q ends with %v", b[max(0, len(b)-50):], err)
	}
	srv.Client().CloseIdleConnections()
}

// TestLive: the tape does not wait for who is away.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fates
		time.Sleep(25 * 365 * 24 * time.Hour) // there are no ids of the year 2000
		begin := time.Now()
		s := serve(t, replay.Options{Tape: tapeOf(tape(100)...), Pace: replay.Pace{PerSecond: 1}, Live: true, Resume: true, Renumber: true, Witness: f.tell, Seed: 1})
		for range 2 {
			resp := s.open(t, "a", "sample.json", nil)
			go func() { _, _ = io.Copy(io.Discard, resp.Body) }() // it is closed
			time.Sleep(10*time.Second + 400*time.Millisecond)
			_ = resp.Body.Close()
			synctest.Wait()
			time.Sleep(20 * time.Second)
		}
		s.shutdown()
		synctest.Wait()
		var ids []int64
		for i, fate := range f.all {
			if fate.At.Sub(begin) != time.Duration(i+1)*time.Second {
				t.Errorf("%d: %+v", i, fate)
			}
			if fate.Fate == "sent" {
				ids = append(ids, fate.ID)
				if at := fate.ID>>22 + 1288834974657; at != fate.At.UnixMilli() {
					t.Errorf("%+v has the id of %d", fate, at)
				}
			}
		}
		if f.count("sent") != 20 || f.count("missed") != 20 || !slices.IsSorted(ids) {
			t.Errorf("%d sent, %d missed", f.count("sent"), f.count("missed"))
		}
	})
}

func TestParseScenario(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"# nothing\n\n1s reset":   "",
		"every 10s refuse 503 1m": "",
		"1s split on":             "",
		"soon reset":              `line 1: "soon" is no time`,
		"\n-1s reset":             `line 2: "-1s" is no time`,
		"every 1ms reset":         `"1ms" is no duration of 100ms or more`,
		"every":                   "every is followed by a duration",
		"1s":                      "an action is missing",
		"1s explode":              `there is no action "explode"`,
		"1s reset now":            "reset: it takes 0 words, not 1",
		"1s stall":                "stall: ",
		"1s limit 2":              "limit: a share is from 0 to 1",
		"1s limit NaN":            "limit: a share is from 0 to 1",
		"1s refuse 200 1s":        "200 is no status of an error",
		"1s rate 0":               "a rate is above 0",
	} {
		_, err := replay.ParseScenario(strings.NewReader(text))
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && !strings.Contains(got, want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseScenario(f *testing.F) {
	for _, seed := range []string{"1s reset", "every 1m refuse 503 5s\n# a\n2s limit 0.5", "1s flood 9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := replay.ParseScenario(strings.NewReader(text))
		if (s == nil) == (err == nil) {
			t.Errorf("%v and %v", s, err)
		}
	})
}
