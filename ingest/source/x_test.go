package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/format"
	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/ingest/source"
	"birdwatch/query"
	"birdwatch/tweet"
)

func parse(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error) {
	recs, _, err := format.Parse(line, p, at)
	return recs, err
}

// xForm is the mock's form of tweets, and our queries as its rules.
func xForm() *replay.XOptions {
	return &replay.XOptions{
		Convert: func(line []byte) ([]byte, error) {
			recs, err := parse(line, tweet.Provenance{}, 0)
			if err != nil || len(recs) == 0 {
				return nil, errors.New("no tweet")
			}
			return recs[0].Payload, nil
		},
		Rule: func(value string) (func([]byte) bool, error) {
			q, err := query.Parse(value, time.Now())
			if err != nil {
				return nil, err
			}
			m := query.NewMatcher(q.Expr)
			return func(payload []byte) bool {
				var t query.Target
				p, err := tweet.Decode(payload)
				if err == nil {
					t.Set(p)
				}
				return err == nil && m.Match(&t)
			}, nil
		},
	}
}

// mock is a server of v2 on a network in memory, which keeps what it was asked.
type mock struct {
	http.Handler
	mu    sync.Mutex // guards what follows
	asked []string   // of streams
	times []time.Time
}

func (m *mock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/2/tweets/search/stream" {
		m.mu.Lock()
		m.asked, m.times = append(m.asked, r.URL.RawQuery), append(m.times, time.Now())
		m.mu.Unlock()
	}
	m.Handler.ServeHTTP(w, r)
}

func (m *mock) since(begin time.Time) (waits []time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.times {
		waits = append(waits, t.Sub(begin))
	}
	return waits
}

// openX makes a source that listens to a handler.
func openX(t *testing.T, l *listener, h http.Handler, c source.XConfig) *source.X {
	t.Helper()
	c.Name, c.Bearer, c.BaseURL, c.Observe, c.Convert = "x", "app", "http://x.test", l.observe, parse
	c.Random = func() float64 { return 0 }
	c.Transport, _ = serve(t, h)
	if c.Rules == nil {
		c.Rules = []source.Rule{{Value: "lang:en", Tag: "e"}, {Value: "-lang:en"}}
	}
	x, err := source.NewX(c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func player(t *testing.T, o replay.Options) *mock {
	t.Helper()
	if o.Tape == nil {
		o.Tape = replay.FromLines(sample.Lines())
	}
	o.X = xForm()
	h, err := replay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &mock{Handler: h}
}

func runX(t *testing.T, x *source.X, sink source.Sink) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx, sink) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
}

// TestXSameAsV1: a tweet that came by v2 is the tweet that came by v1.1.
func TestXSameAsV1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var want []string
		for line := range sample.Lines() {
			recs, err := parse(line, tweet.Provenance{}, 0)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, string(recs[0].Payload))
		}
		var l listener
		x := openX(t, &l, player(t, replay.Options{Faults: replay.Faults{Split: 0.5, Newline: 0.2, LineFeed: 0.2}, Seed: 1}), source.XConfig{})
		stop := runX(t, x, l.sink)
		time.Sleep(time.Second)
		st := x.State()
		_ = stop()
		var got []string
		for _, r := range l.recs {
			if r.Provenance.From != "stream:x" || !strings.Contains(string(r.Raw), `"text"`) {
				t.Fatalf("provenance %+v, raw %.100s", r.Provenance, r.Raw)
			}
			got = append(got, string(r.Payload))
		}
		if !slices.Equal(got, want) || int(st.Posts) != len(want) || st.Refused+st.Truncated > 0 || !st.Connected {
			t.Errorf("%d of %d tweets are the same; state %+v", len(got), len(want), st)
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("got  %s\nwant %s", got[i], want[i])
				}
			}
		}
		if e := l.of(source.Connected); len(e) != 1 || e[0].Asked != "rules=lang:en | -lang:en" {
			t.Errorf("events %+v", e)
		}
	})
}

// scripted answers rules as if all were well, and streams as the test says.
func scripted(stream http.HandlerFunc) *mock {
	return &mock{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/rules") {
			w.WriteHeader(200)
			_, _ = w.Write([]byte(`{"meta":{}}`))
			return
		}
		stream(w, r)
	})}
}

// TestXBackOff: when the next connection is made, by how the last one ended.
func TestXBackOff(t *testing.T) {
	answer := func(status int, header, value, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	seconds := func(s ...float64) (ds []time.Duration) {
		for _, x := range s {
			ds = append(ds, time.Duration(x*float64(time.Second)))
		}
		return ds
	}
	told := `{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"upstream","type":"https://api.twitter.com/2/problems/operational-disconnect"}]}` + "\r\n"
	reset := time.Date(2000, 1, 1, 0, 5, 0, 0, time.UTC) // synctest's clock begins with 2000
	for name, tt := range map[string]struct {
		h     http.HandlerFunc
		want  []time.Duration
		cause string
	}{
		"401":            {answer(401, "", "", "no"), seconds(0, 5, 15, 35), "http-401"},
		"409":            {answer(409, "", "", `{"connection_issue":"RuleConfigurationIssue"}`), seconds(0, 5, 15), "http-409"},
		"503":            {answer(503, "", "", ""), seconds(0, 5, 15, 35, 75), "http-503"},
		"429":            {answer(429, "", "", ""), seconds(0, 60, 180), "http-429"},
		"429 until":      {answer(429, "X-Rate-Limit-Reset", fmt.Sprint(reset.Unix()), ""), seconds(0, 300, 420), "http-429"},
		"closed":         {answer(200, "", "", "\r\n"), seconds(0, 0, 0.25, 0.75), "closed"},
		"told":           {answer(200, "", "", told), seconds(0, 0, 0.25), "told-upstreamoperationaldisconnect"},
		"half a message": {answer(200, "", "", `{"data":{"id":"1","te`), seconds(0, 0, 0.25), "closed"},
		"silence": {func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, seconds(0, 40, 80), "stall"},
		"no answer":             {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, seconds(0, 40.25, 80.75), "stall"},
		"a tweet with an error": {answer(200, "", "", `{"data":{"id":"1","text":"a"},"errors":[{"title":"Not Found Error","type":"a"}]}`+"\r\n"), seconds(0, 0, 0.25), "closed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var l listener
				m := scripted(tt.h)
				stop := runX(t, openX(t, &l, m, source.XConfig{}), l.sink)
				time.Sleep(tt.want[len(tt.want)-1] + time.Millisecond)
				_ = stop()
				if got := m.since(begin); !slices.Equal(got[:min(len(got), len(tt.want))], tt.want) {
					t.Errorf("connected at %v, want %v", got, tt.want)
				}
				ends := append(l.of(source.Disconnected), l.of(source.Failed)...)
				if len(ends) == 0 || ends[0].Cause != tt.cause {
					t.Errorf("ends %+v", ends)
				}
				if name == "a tweet with an error" && len(l.recs) == 0 {
					t.Error("it is not taken")
				}
				if name == "half a message" && len(l.of(source.Truncated)) == 0 {
					t.Error("it is not told")
				}
			})
		})
	}
}
