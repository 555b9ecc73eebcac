package source_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

// TestFraming holds what is a message and what is not, however it is cut up.
func TestFraming(t *testing.T) {
	tests := map[string]struct {
		pieces    []string
		want      []string
		truncated int64
		refused   int64
	}{
		"messages":           {[]string{line(1) + "\r\n" + line(2) + "\r\n"}, []string{line(1), line(2)}, 0, 0},
		"keep-alives":        {[]string{"\r\n\r\n", line(1) + "\r\n", "\r\n", "\n", " \r\n"}, []string{line(1)}, 0, 0},
		"newline alone":      {[]string{line(1) + "\n" + line(2) + "\n"}, []string{line(1), line(2)}, 0, 0},
		"newline inside":     {[]string{"{\"id_str\":\n\"1\"\n,\"a\":[\n{}]}\r\n" + line(2) + "\r\n"}, []string{"{\"id_str\":\n\"1\"\n,\"a\":[\n{}]}", line(2)}, 0, 0},
		"half at the end":    {[]string{line(1) + "\r\n", line(2)[:20]}, []string{line(1)}, 1, 0},
		"whole without end":  {[]string{line(1) + "\r\n", line(2)}, []string{line(1), line(2)}, 0, 0},
		"whole and half end": {[]string{line(1) + "\r"}, []string{line(1)}, 0, 0},
		"cut in a character": {[]string{line(1)[:25], line(1)[25:26], line(1)[26:], "\r", "\n"}, []string{line(1)}, 0, 0},
		"noise":              {[]string{"noise {\n", line(1) + "\r\n", "{\"id_str\":\"oh\n" + line(2) + "\n"}, []string{line(1), line(2)}, 0, 2},
		"wrong JSON":         {[]string{"{\"a\":}\r\n" + line(1) + "\r\n"}, []string{line(1)}, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if calls++; calls == 1 {
						script(false, tt.pieces...).ServeHTTP(w, r)
						return
					}
					script(true).ServeHTTP(w, r)
				})
				var l listener
				c := source.Config{}
				c.Transport, _ = serve(t, h)
				s := open(t, &l, c)
				stop := start(t, s, l.sink)
				synctest.Wait()
				st := s.State()
				_ = stop()
				if got := l.raws(); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if st.Truncated != tt.truncated || st.Refused != tt.refused || int(st.Tweets) != len(tt.want) {
					t.Errorf("state %+v", st)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestControlMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		del := `{"delete":{"status":{"id":1,"id_str":"1","user_id":3,"user_id_str":"3"}}}`
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, script(true,
			`{"limit":{"track":3}}`+"\r\n"+`{"limit":{"track":7}}`+"\r\n",
			`{"warning":{"code":"FALLING_BEHIND","message":"slow \"you\"","percent_full":60}}`+"\r\n",
			`{"friends":[1,2]}`+"\r\n"+`{"control":{"control_uri":"x"}}`+"\r\n"+`{"event":"follow","source":{"id":1}}`+"\r\n",
			del+"\r\n", `{"disconnect":{"code":7,"stream_name":"s","reason":"newer"}}`+"\r\n"))
		s := open(t, &l, c)
		stop := start(t, s, l.sink)
		synctest.Wait()
		st := s.State()
		_ = stop()
		if got := l.raws(); !slices.Equal(got, []string{del}) || l.recs[0].Kind != tweet.KindDelete {
			t.Errorf("records %q", got)
		}
		want := source.State{Limited: 7, Warnings: 1, Others: 3, Notices: 1, Disconnect: source.Disconnect{Code: 7, Reason: "newer"}}
		got := source.State{Limited: st.Limited, Warnings: st.Warnings, Others: st.Others, Notices: st.Notices, Disconnect: st.Disconnect}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("state %+v, want %+v", got, want)
		}
		if w := l.of(source.Warning); len(w) != 1 || w[0].Count != 60 || w[0].Text != `FALLING_BEHIND: slow "you"` {
			t.Errorf("warnings %+v", w)
		}
		if e := l.of(source.Limited); len(e) != 2 || e[0].Count != 3 || e[1].Count != 4 {
			t.Errorf("limits %+v", e)
		}
	})
}

// TestReplaced: coming back at once would end the newer connection of the account.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, script(false, `{"disconnect":{"code":7,"stream_name":"s","reason":"newer"}}`+"\r\n"))
		stop := start(t, open(t, &l, c), l.sink)
		synctest.Wait()
		_ = stop()
		if e := l.of(source.Disconnected); len(e) != 1 || e[0].Delay != 5*time.Second {
			t.Errorf("events %+v", e)
		}
	})
}

// TestSinkError: what the sink did not take ends Run, and nothing after it is handed on.
func TestSinkError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		calls := 0
		var l listener
		c := source.Config{}
		c.Transport, _ = serve(t, script(true, line(1)+"\r\n", line(2)+"\r\n"))
		s := open(t, &l, c)
		err := s.Run(t.Context(), func(context.Context, []tweet.Record) error {
			calls++
			return full
		})
		if !errors.Is(err, full) || calls != 1 || s.State().Connected || !s.State().Next.IsZero() {
			t.Errorf("error %v after %d calls, state %+v", err, calls, s.State())
		}
	})
}

// TestStop: Run ends whatever it is at; the library's own Stop would hang in some of these.
func TestStop(t *testing.T) {
	block := func(ctx context.Context, _ []tweet.Record) error {
		<-ctx.Done()
		return ctx.Err()
	}
	take := func(context.Context, []tweet.Record) error { return nil }
	for name, tt := range map[string]struct {
		h    http.Handler
		sink source.Sink
	}{
		"reading":         {script(true, line(1)+"\r\n"), take},
		"in the sink":     {script(true, line(1)+"\r\n"), block},
		"waiting to try":  {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(420) }), take},
		"asking":          {http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), take},
		"half a message":  {script(true, line(1)[:9]), take},
		"after it closed": {script(false, line(1)+"\r\n"), take},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l listener
				c := source.Config{}
				c.Transport, _ = serve(t, tt.h)
				s := open(t, &l, c)
				stop := start(t, s, tt.sink)
				synctest.Wait()
				begin := time.Now()
				if err := stop(); !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
					t.Errorf("Run gave %v after %v", err, time.Since(begin))
				}
				if s.State().Connected {
					t.Error("still connected")
				}
			})
		})
	}
}

// TestTooLong: a message without end does not fill the memory.
func TestTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		c := source.Config{MaxMessage: 1 << 10}
		c.Transport, _ = serve(t, script(true, `{"id":1,"text":"`+strings.Repeat("x", 4<<10), "xxx"))
		stop := start(t, open(t, &l, c), l.sink)
		synctest.Wait()
		_ = stop()
		if e := l.of(source.Disconnected); len(e) == 0 || !strings.Contains(e[0].Err.Error(), "longer") {
			t.Errorf("events %+v", e)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	good := source.Config{Name: "n", Topics: source.Topics{Track: []string{"go"}}, Convert: convert, ConsumerKey: "a", ConsumerSecret: "b", Token: "c", TokenSecret: "d"}
	if _, err := source.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*source.Config){
		"name":       func(c *source.Config) { c.Name = "" },
		"predicate":  func(c *source.Config) { c.Track = nil },
		"both":       func(c *source.Config) { c.Sample = true },
		"convert":    func(c *source.Config) { c.Convert = nil },
		"credential": func(c *source.Config) { c.TokenSecret = "" },
		"server":     func(c *source.Config) { c.BaseURL = "ftp://x" },
		"host":       func(c *source.Config) { c.BaseURL = "stream.test" },
	} {
		c := good
		spoil(&c)
		if _, err := source.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
