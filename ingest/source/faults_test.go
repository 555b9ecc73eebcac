package source_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/source"
)

// TestNoHotReconnect: the library would connect thousands of times a second here.
func TestNoHotReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			at = append(at, time.Since(begin))
			_, _ = w.Write([]byte("\r\n"))
		})
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		stop := start(t, open(t, &l, c), l.sink)
		time.Sleep(20 * time.Minute)
		_ = stop()
		if len(at) < 60 || len(at) > 150 {
			t.Fatalf("%d connections in 20 minutes", len(at))
		}
		want := []time.Duration{0, 0, 250 * time.Millisecond, 750 * time.Millisecond, 1500 * time.Millisecond}
		if !slices.Equal(at[:5], want) {
			t.Errorf("connected at %v, want %v", at[:5], want)
		}
		if gap := at[len(at)-1] - at[len(at)-2]; gap != 16*time.Second {
			t.Errorf("the last wait was %v", gap)
		}
	})
}

// TestDropAfterLongLife: what was before a connection that stood does not count.
func TestDropAfterLongLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			at = append(at, time.Since(begin))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Minute)
		})
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		stop := start(t, open(t, &l, c), l.sink)
		time.Sleep(3*time.Minute + time.Second)
		_ = stop()
		if want := []time.Duration{0, time.Minute, 2 * time.Minute, 3 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("connected at %v, want %v", at, want)
		}
	})
}

// TestStatuses: of most of these the library says nothing, and waits by itself on the rest.
func TestStatuses(t *testing.T) {
	for status, first := range map[int]time.Duration{
		301: 5 * time.Second, 401: 5 * time.Second, 403: 5 * time.Second, 404: 5 * time.Second, 406: 5 * time.Second, 413: 5 * time.Second,
		416: 5 * time.Second, 500: 5 * time.Second, 502: 5 * time.Second, 503: 5 * time.Second, 504: 5 * time.Second,
		420: time.Minute, 429: time.Minute, 204: 5 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var at []time.Duration
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				at = append(at, time.Since(begin))
				w.Header().Set("Location", "http://elsewhere.test/")
				if status != 204 {
					http.Error(w, "because\n", status)
				} else {
					w.WriteHeader(status)
				}
			})
			var l listener
			c := source.Config{}
			c.Transport, _ = serve(t, h)
			s := open(t, &l, c)
			stop := start(t, s, l.sink)
			time.Sleep(2*first + time.Second)
			st := s.State()
			_ = stop()
			if want := []time.Duration{0, first}; !slices.Equal(at, want) {
				t.Errorf("%d: connected at %v, want %v", status, at, want)
			}
			if st.LastStatus != status || st.Connected || status != 204 && !strings.Contains(st.LastError, "because") || st.Next.Sub(begin) != 3*first {
				t.Errorf("%d: state %+v", status, st)
			}
			failed := l.of(source.Failed)
			if len(failed) < 2 || failed[0].Status != status || failed[0].Delay != first || failed[1].Delay != 2*first {
				t.Errorf("%d: events %+v", status, failed)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(503)
		})
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		stop := start(t, open(t, &l, c), l.sink)
		synctest.Wait()
		_ = stop()
		if failed := l.of(source.Failed); len(failed) == 0 || failed[0].Delay != 90*time.Second {
			t.Errorf("events %+v", failed)
		}
	})
}

// TestLongOutage: after 15 minutes of it the library ends without a word.
func TestLongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if time.Since(begin) < time.Hour {
				w.WriteHeader(503)
				return
			}
			script(true, line(1)+"\r\n").ServeHTTP(w, r)
		})
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		stop := start(t, open(t, &l, c), l.sink)
		time.Sleep(time.Hour + 321*time.Second)
		synctest.Wait()
		_ = stop()
		if got := l.raws(); !slices.Equal(got, []string{line(1)}) {
			t.Errorf("after the outage: %q", got)
		}
	})
}

// TestUnreachable: after one network error the library stops.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := source.Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			dials++
			return nil, errors.New("no route to host")
		})}
		var l listener
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		time.Sleep(250*(1+2+3)*time.Millisecond + time.Millisecond)
		st := s.State()
		_ = stop()
		if dials != 4 || st.Attempts != 4 || st.LastError != "no route to host" {
			t.Errorf("%d dials, state %+v", dials, st)
		}
	})
}

// TestStall: the library waits for ever.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, script(true, line(1)+"\r\n"))
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		time.Sleep(91 * time.Second)
		st := s.State()
		_ = stop()
		es := l.of(source.Disconnected)
		if len(es) == 0 || es[0].At.Sub(begin) != 90*time.Second || !strings.Contains(es[0].Err.Error(), "nothing came") {
			t.Errorf("events %+v", es)
		}
		if !st.Connected || st.Connects != 2 {
			t.Errorf("state %+v", st)
		}
	})
}

// TestNoAnswer: a server that takes the connection and says nothing is given up as well.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		stop := start(t, open(t, &l, c), l.sink)
		time.Sleep(91 * time.Second)
		_ = stop()
		if es := l.of(source.Failed); len(es) < 1 || !strings.Contains(es[0].Err.Error(), "nothing came") {
			t.Errorf("events %+v", es)
		}
	})
}

// TestKeepAlivesAndSlowSink: neither a quiet stream nor a sink that takes long is a stall.
func TestKeepAlivesAndSlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(line(1) + "\r\n"))
			for http.NewResponseController(w).Flush() == nil && r.Context().Err() == nil {
				time.Sleep(30 * time.Second)
				_, _ = w.Write([]byte("\r\n"))
			}
		})
		var l listener
		l.on = func(int) { time.Sleep(10 * time.Minute) }
		c := source.Config{}
		c.Transport, _ = serve(t, h)
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		time.Sleep(time.Hour)
		st := s.State()
		_ = stop()
		if !st.Connected || st.Attempts != 1 || st.Tweets != 1 {
			t.Errorf("state %+v", st)
		}
	})
}

// TestIdle: only a keep-alive with nothing behind it says that a server has nothing to send.
func TestIdle(t *testing.T) {
	pieces := []string{line(1) + "\r\n", "\r\n", line(2) + "\r\n", "\r\n" + line(3)[:9], line(3)[9:] + "\r\n\r\n", `{"limit":{"track":1}}` + "\r\n"}
	want := []time.Duration{0, 2, 2, 2, 5, 5} // since the connection, behind each piece
	for kind, of := range map[string]func(t *testing.T, h http.Handler, l *listener) func() source.State{
		"v1.1": func(t *testing.T, h http.Handler, l *listener) func() source.State {
			c := source.Config{}
			c.Transport, _ = serve(t, h)
			s := open(t, l, c)
			stop := start(t, s, l.sink)
			return func() source.State { st := s.State(); _ = stop(); return st }
		},
		"v2": func(t *testing.T, h http.Handler, l *listener) func() source.State {
			x := openX(t, l, scripted(h.ServeHTTP), source.XConfig{})
			stop := runX(t, x, l.sink)
			return func() source.State { st := x.State(); _ = stop(); return st }
		},
	} {
		for n := range pieces {
			synctest.Test(t, func(t *testing.T) {
				var l listener
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_ = http.NewResponseController(w).Flush()
					for _, p := range pieces[:n+1] {
						time.Sleep(time.Second)
						_, _ = w.Write([]byte(p))
						_ = http.NewResponseController(w).Flush()
					}
					<-r.Context().Done()
				})
				begin := time.Now()
				state := of(t, h, &l)
				time.Sleep(time.Duration(n+1)*time.Second + time.Millisecond)
				st := state()
				if got := st.Idle.Sub(begin); got != want[n]*time.Second || st.LastMessage.Sub(begin) != time.Duration(n+1)*time.Second {
					t.Errorf("%s, behind piece %d: idle at %v, want %v; last byte at %v", kind, n, got, want[n]*time.Second, st.LastMessage.Sub(begin))
				}
			})
		}
	}
}
