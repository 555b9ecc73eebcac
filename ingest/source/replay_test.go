package source_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

// play serves the sample over real TCP.
func play(t *testing.T, o replay.Options) *httptest.Server {
	t.Helper()
	o.Tape = replay.FromLines(sample.Lines())
	h, err := replay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// await waits until the listener has n records.
func await(t *testing.T, l *listener, n int) func() {
	t.Helper()
	reached := make(chan struct{})
	var once sync.Once
	l.on = func(have int) {
		if have >= n {
			once.Do(func() { close(reached) })
		}
	}
	return func() {
		t.Helper()
		select {
		case <-reached:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d records came", len(l.raws()), n)
		}
	}
}

func sampled() []string {
	var lines []string
	for line := range sample.Lines() {
		lines = append(lines, string(line))
	}
	return lines
}

// TestEveryByteOnce is the way of a tweet from the tape to the sink.
func TestEveryByteOnce(t *testing.T) {
	srv := play(t, replay.Options{})
	var l listener
	begin := time.Now()
	wait := await(t, &l, sample.Count())
	s := open(t, &l, source.Config{BaseURL: srv.URL})
	stop := start(t, s, l.sink)
	wait()
	_ = stop()
	if got := l.raws(); !slices.Equal(got, sampled()) {
		t.Errorf("%d records are not the %d lines in their order", len(got), sample.Count())
	}
	for _, r := range l.recs {
		if r.Provenance.From != "stream:test" || r.CapturedAt < begin.UnixMilli() || r.CapturedAt > time.Now().UnixMilli() {
			t.Fatalf("tweet %d: provenance %+v, captured at %d", r.ID, r.Provenance, r.CapturedAt)
		}
	}
	if st := s.State(); st.Refused+st.Truncated > 0 || int(st.Tweets) > sample.Count() {
		t.Errorf("state %+v", st)
	}
}

// TestRenumbered: laps of the tape are new tweets each time.
func TestRenumbered(t *testing.T) {
	begin := time.Now()
	srv := play(t, replay.Options{Renumber: true, Loop: true, Faults: replay.Faults{Deletes: 0.2}})
	var l listener
	n := 5 * sample.Count()
	wait := await(t, &l, n)
	stop := start(t, open(t, &l, source.Config{BaseURL: srv.URL}), l.sink)
	wait()
	_ = stop()
	seen := map[tweet.ID]bool{}
	var last tweet.ID
	deletes := 0
	for _, r := range l.recs {
		if r.Kind == tweet.KindDelete {
			if deletes++; !seen[r.ID] {
				t.Errorf("delete of %d, which was not sent", r.ID)
			}
			continue
		}
		at, _ := r.ID.Time()
		if seen[r.ID] || r.ID < last || at.Before(begin.Add(-time.Millisecond)) || at.After(time.Now().Add(time.Second)) {
			t.Fatalf("id %d (%v) after %d", r.ID, at, last)
		}
		seen[r.ID], last = true, r.ID
	}
	if deletes < n/20 || deletes > n/4 {
		t.Errorf("%d deletes among %d", deletes, n)
	}
}

// TestConnectionKilled: the stream goes on after it, and nothing is doubled or changed.
func TestConnectionKilled(t *testing.T) {
	srv := play(t, replay.Options{Resume: true, Pace: replay.Pace{PerSecond: 250}})
	var l listener
	var kill sync.Once
	all := sampled()
	reached := make(chan struct{})
	var once sync.Once
	l.on = func(n int) {
		if n >= 100 {
			kill.Do(srv.CloseClientConnections)
		}
		if raws := l.raws(); raws[len(raws)-1] == all[len(all)-1] {
			once.Do(func() { close(reached) })
		}
	}
	s := open(t, &l, source.Config{BaseURL: srv.URL})
	stop := start(t, s, l.sink)
	select {
	case <-reached:
	case <-time.After(20 * time.Second):
		t.Errorf("the last line did not come: %+v", s.State())
	}
	st := s.State()
	_ = stop()
	if st.Connects != 2 || !st.Connected {
		t.Errorf("state %+v", st)
	}
	// what was under way when the connection broke is lost, as in life; the rest is in order
	i := 0
	for _, raw := range l.raws() {
		j := slices.Index(all[i:], raw)
		if j < 0 {
			t.Fatalf("not a line of the tape at its place: %.80s", raw)
		}
		i += j + 1
	}
	if lost := len(all) - len(l.raws()); lost > 200 {
		t.Errorf("%d lines lost", lost)
	}
}

// TestSlowSink: the server waits for a sink that takes its time, and all comes.
func TestSlowSink(t *testing.T) {
	srv := play(t, replay.Options{})
	var l listener
	wait := await(t, &l, sample.Count())
	free := make(chan struct{})
	s := open(t, &l, source.Config{BaseURL: srv.URL})
	stop := start(t, s, func(ctx context.Context, recs []tweet.Record) error {
		<-free
		return l.sink(ctx, recs)
	})
	close(free)
	wait()
	_ = stop()
	if got := l.raws(); !slices.Equal(got, sampled()) {
		t.Errorf("%d records", len(got))
	}
}

// TestTrackedOverTheWire: what the filter endpoint takes from the form.
func TestTrackedOverTheWire(t *testing.T) {
	srv := play(t, replay.Options{CloseAtEnd: true, Source: "<a>BirdWatch replay</a>"})
	var l listener
	wait := await(t, &l, 5)
	stop := start(t, open(t, &l, source.Config{BaseURL: srv.URL, Topics: source.Topics{Track: []string{"twitter api"}}}), l.sink)
	wait()
	_ = stop()
	for _, raw := range l.raws() {
		var m struct{ Source string }
		if err := json.Unmarshal([]byte(raw), &m); err != nil || m.Source != "<a>BirdWatch replay</a>" {
			t.Errorf("source %q, %v", m.Source, err)
		}
		if low := strings.ToLower(raw); !strings.Contains(low, "twitter") || !strings.Contains(low, "api") {
			t.Errorf("not tracked: %.200s", raw)
		}
	}
}

// BenchmarkStream is the whole way but for the conversion: server, TCP, library, sink.
func BenchmarkStream(b *testing.B) {
	h, err := replay.New(replay.Options{Tape: replay.FromLines(sample.Lines()), Loop: true})
	if err != nil {
		b.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s, err := source.New(source.Config{Name: "b", BaseURL: srv.URL, Topics: source.Topics{Sample: true}, ConsumerKey: "a", ConsumerSecret: "b", Token: "c", TokenSecret: "d",
		Convert: func(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error) {
			return []tweet.Record{{Kind: tweet.KindTweet, ID: 1, Raw: bytes.Clone(line)}}, nil
		}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	n, size := 0, 0
	b.ResetTimer()
	_ = s.Run(ctx, func(_ context.Context, recs []tweet.Record) error {
		for i := range recs {
			size += len(recs[i].Raw)
		}
		if n += len(recs); n >= b.N {
			cancel()
		}
		return nil
	})
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "tweets/s")
	b.SetBytes(int64(size / max(n, 1)))
}
