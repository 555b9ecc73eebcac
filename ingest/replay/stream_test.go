package replay_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
)

// at makes a tweet of an instant, in milliseconds after the first one's.
func at(ms int64) string {
	id := (1500000000000 - 1288834974657 + ms) << 22
	return fmt.Sprintf(`{"id":%d,"id_str":"%[1]d","text":"go","user":{"id":3}}`, id)
}

func TestFraming(t *testing.T) {
	tape := []string{at(0), "{\"id\":5,\r\n\"text\":\n\"ä\"}", `{"delete":{"status":{"id":5}}}`}
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(tape...), CloseAtEnd: true})
		resp := s.open(t, "a", "sample.json", nil)
		b, err := io.ReadAll(resp.Body)
		want := tape[0] + "\r\n" + "{\"id\":5,\n\"text\":\n\"ä\"}\r\n" + tape[2] + "\r\n"
		if string(b) != want || err != nil || resp.ContentLength >= 0 || !slices.Equal(resp.TransferEncoding, []string{"chunked"}) {
			t.Errorf("got %q, %v, %v", b, err, resp.TransferEncoding)
		}
		b, _ = io.ReadAll(s.open(t, "a", "sample.json", url.Values{"delimited": {"length"}}).Body)
		want = fmt.Sprintf("%d\n%s\r\n%d\n%s\r\n%d\n%s\r\n", len(tape[0])+2, tape[0], 24, "{\"id\":5,\n\"text\":\n\"ä\"}", len(tape[2])+2, tape[2])
		if string(b) != want {
			t.Errorf("delimited: got %q, want %q", b, want)
		}
		if st := s.Stats(); st != (replay.Stats{Opened: 2, Sent: 6}) {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestSampleByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: replay.FromLines(sample.Lines()), CloseAtEnd: true})
		var want []string
		for line := range sample.Lines() {
			want = append(want, string(line))
		}
		if got := messages(t, s.open(t, "a", "sample.json", nil).Body); !slices.Equal(got, want) {
			t.Errorf("%d messages are not the %d lines", len(got), len(want))
		}
	})
}

func disconnectCode(m string) string {
	_, code, _ := strings.Cut(m, `{"disconnect":{"code":`)
	return strings.SplitN(code, ",", 2)[0]
}

func TestDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0))})
		older, other := read(t, s.open(t, "a", "sample.json", nil)), read(t, s.open(t, "b", "sample.json", nil))
		older.next()
		other.next()
		last := make(chan string, 2)
		go func() { last <- older.next(); last <- older.next() }()
		newer := s.open(t, "a", "sample.json", nil)
		if m := <-last; disconnectCode(m) != "7" {
			t.Errorf("the older connection got %q", m)
		}
		if m := <-last; !strings.HasPrefix(m, "end: EOF") {
			t.Errorf("the older connection goes on: %q", m)
		}
		if m := other.next(); m != "" {
			t.Errorf("another account got %q", m)
		}
		s.shutdown()
		for _, r := range []reader{other, read(t, newer)} {
			m := r.next()
			for m == "" || m == at(0) {
				m = r.next()
			}
			if disconnectCode(m) != "1" {
				t.Errorf("at the end: %q", m)
			}
		}
	})
}

func TestManyPerAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0)), ManyPerAccount: true})
		for range 3 {
			r := read(t, s.open(t, "a", "sample.json", nil))
			r.next()
		}
		if st := s.Stats(); st.Open != 3 {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestTooManyConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(), CloseAtEnd: true, MaxConnects: 2, ConnectWindow: time.Minute})
		var got []int
		for range 4 {
			got = append(got, s.open(t, "a", "sample.json", nil).StatusCode)
			time.Sleep(20 * time.Second)
		}
		got = append(got, s.open(t, "b", "sample.json", nil).StatusCode)
		if want := []int{200, 200, 420, 200, 200}; !slices.Equal(got, want) {
			t.Errorf("answers %v, want %v", got, want)
		}
	})
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0), at(1000), at(2000)), Pace: replay.Pace{PerSecond: 1}, Loop: true, Resume: true})
		var got []string
		for range 4 {
			resp := s.open(t, "a", "sample.json", nil)
			r := read(t, resp)
			got = append(got, r.next(), r.next())
			_ = resp.Body.Close()
			synctest.Wait()
		}
		one := []string{at(0), at(1000), at(2000)}
		equal(t, got, slices.Concat(one, one, one[:2])...)
	})
}

// TestDeletes: the same seed deletes the same tweets at the same times.
func TestDeletes(t *testing.T) {
	var tape []string
	for i := range 200 {
		tape = append(tape, at(int64(i)*1000))
	}
	run := func(seed uint64) (out []string) {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			s := serve(t, replay.Options{Tape: tapeOf(tape...), Pace: replay.Pace{Speed: 1}, CloseAtEnd: true, Faults: replay.Faults{Deletes: 0.25}, DeleteAfter: 10 * time.Second, Seed: seed})
			r := read(t, s.open(t, "a", "sample.json", nil))
			sent := map[string]time.Time{}
			for m := r.next(); !strings.HasPrefix(m, "end"); m = r.next() {
				id := strings.SplitN(strings.SplitN(m, `"id":`, 2)[1], ",", 2)[0]
				if !strings.Contains(m, "delete") {
					sent[id] = time.Now()
					continue
				}
				if after := time.Since(sent[id]); sent[id].IsZero() || after > 20*time.Second {
					t.Errorf("%q came %v after its tweet", m, after)
				}
				want := fmt.Sprintf(`{"delete":{"status":{"id":%s,"id_str":"%[1]s","user_id":3,"user_id_str":"3"},"timestamp_ms":"%d"}}`, id, time.Now().UnixMilli())
				if m != want {
					t.Errorf("got %s, want %s", m, want)
				}
				out = append(out, id+" "+time.Since(begin).String())
			}
		})
		return out
	}
	a, b, c := run(1), run(1), run(2)
	if len(a) < 30 || len(a) > 70 || !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("%d, %d and %d deletes", len(a), len(b), len(c))
	}
}

func TestBrokenTape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: func(yield func([]byte, error) bool) {
			_ = yield([]byte(at(0)), nil) && yield(nil, errors.New("disk"))
		}})
		got := messages(t, s.open(t, "a", "sample.json", nil).Body)
		if len(got) != 2 || got[0] != at(0) || disconnectCode(got[1]) != "10" {
			t.Errorf("got %q", got)
		}
	})
}

// TestClientLeaves: its request ends with it.
func TestClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, replay.Options{Tape: tapeOf(at(0))})
		resp := s.open(t, "a", "sample.json", nil)
		r := read(t, resp)
		r.next()
		_ = resp.Body.Close()
		synctest.Wait()
		if st := s.Stats(); st.Open != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestRenumberedLaps: ids are of their moment, and grow.
func TestRenumberedLaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		s := serve(t, replay.Options{Tape: tapeOf(at(0), at(500)), Pace: replay.Pace{PerSecond: 4}, Loop: true, Renumber: true})
		r := read(t, s.open(t, "a", "sample.json", nil))
		last := int64(0)
		for range 10 {
			m := r.next()
			id, err := strconv.ParseInt(strings.SplitN(strings.TrimPrefix(m, `{"id":`), ",", 2)[0], 10, 64)
			if err != nil || id <= last || id>>22+1288834974657 != time.Now().UnixMilli() {
				t.Fatalf("%q after %d", m, last)
			}
			last = id
		}
	})
}

var _ http.Handler = (*replay.Server)(nil)
