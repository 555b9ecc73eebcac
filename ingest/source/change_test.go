package source_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/ingest/source"
)

func causes(es []source.Event) (words []string) {
	for _, e := range es {
		words = append(words, e.Cause)
	}
	return words
}

// TestChange: the first connection stands until the second does, and nothing that a server sends once is lost between them.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := replay.New(replay.Options{Tape: replay.FromLines(sample.Lines()), Pace: replay.Pace{PerSecond: 20}, Resume: true})
		if err != nil {
			t.Fatal(err)
		}
		var l listener
		c := source.Config{Topics: source.Topics{Sample: true}}
		c.Transport, _ = serve(t, h)
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		for range 10 {
			time.Sleep(2 * time.Second)
			if err := s.Change(t.Context(), source.Topics{Sample: true, FilterLevel: "none"}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		st := s.State()
		_ = stop()
		if got := l.raws(); !slices.Equal(got, sampled()) {
			t.Errorf("%d of %d lines, in order", len(got), len(sampled()))
		}
		if st.Connects != 11 || !st.Connected || s.Topics().FilterLevel != "none" {
			t.Errorf("state %+v", st)
		}
		if got := causes(l.of(source.Disconnected)); len(got) != 11 || got[0] != "changed" || got[9] != "changed" || got[10] != "stopped" {
			t.Errorf("ends %v", got)
		}
	})
}

// TestChangeRefused: the old connection goes on with the old topics, and whoever asked is told why.
func TestChangeRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := replay.New(replay.Options{Tape: replay.FromLines(sample.Lines()), Pace: replay.Pace{PerSecond: 1}})
		if err != nil {
			t.Fatal(err)
		}
		var l listener
		c := source.Config{Topics: source.Topics{Track: []string{"twitter"}}}
		c.Transport, _ = serve(t, h)
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		time.Sleep(3 * time.Second)
		var status *source.StatusError
		err = s.Change(t.Context(), source.Topics{Track: []string{strings.Repeat("x", 61)}})
		if !errors.Is(err, source.ErrRefused) || !errors.As(err, &status) || status.Code != 406 {
			t.Errorf("the change: %v", err)
		}
		if err := s.Change(t.Context(), source.Topics{}); err == nil {
			t.Error("topics that are none are taken")
		}
		if st := s.State(); !st.Connected || st.Connects != 1 || !slices.Equal(s.Topics().Track, []string{"twitter"}) {
			t.Errorf("state %+v, topics %v", st, s.Topics())
		}
		_ = stop()
		if e := l.of(source.Disconnected); !slices.Equal(causes(e), []string{"stopped"}) {
			t.Errorf("ends %v", causes(e))
		}
	})
}

// TestChangeElsewhen: a change while nothing is connected holds from the next connection on, which is made at once unless the server asked for calm.
func TestChangeElsewhen(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		wait   time.Duration // until the next connection after the change
	}{"a bad parameter": {406, 0}, "calm": {420, 58 * time.Second}, "no answer": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex // two requests may be under way
				var forms []string
				var times []time.Time
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					mu.Lock()
					forms, times = append(forms, r.Form.Get("track")), append(times, time.Now())
					again := len(forms) > 1
					mu.Unlock()
					switch {
					case again:
						script(true, line(1)+"\r\n").ServeHTTP(w, r)
					case tt.status == 0:
						<-r.Context().Done()
					default:
						w.WriteHeader(tt.status)
					}
				})
				var l listener
				c := source.Config{Topics: source.Topics{Track: []string{"a"}}}
				c.Transport, _ = serve(t, h)
				s := open(t, &l, c)
				stop := start(t, s, l.sink)
				time.Sleep(2 * time.Second)
				changed := time.Now()
				if err := s.Change(t.Context(), source.Topics{Track: []string{"b"}}); err != nil {
					t.Error(err)
				}
				time.Sleep(61 * time.Second)
				_ = stop()
				mu.Lock()
				defer mu.Unlock()
				if len(forms) != 2 || forms[1] != "b" || times[1].Sub(changed) != tt.wait {
					t.Errorf("asked for %q at %v, changed at %v", forms, times, changed)
				}
			})
		})
	}
}

// TestChangeNobodyRuns ends with its context.
func TestChangeNobodyRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		s := open(t, &l, source.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Change(ctx, source.Topics{Sample: true}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestOldServerLingers: a server that does not end the older connection by itself has it ended.
func TestOldServerLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			script(true, line(n)+"\r\n").ServeHTTP(w, r)
		})
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		synctest.Wait()
		if err := s.Change(t.Context(), source.Topics{Sample: true}); err != nil {
			t.Error(err)
		}
		time.Sleep(4 * time.Second)
		if len(l.of(source.Disconnected)) != 0 {
			t.Error("ended too early")
		}
		time.Sleep(2 * time.Second)
		if e := l.of(source.Disconnected); len(e) != 1 || e[0].Cause != "changed" || e[0].Connection != 1 || !s.State().Connected {
			t.Errorf("ends %+v, state %+v", e, s.State())
		}
		_ = stop()
		if got := l.raws(); !slices.Equal(got, []string{line(1), line(2)}) {
			t.Errorf("lines %q", got)
		}
	})
}
