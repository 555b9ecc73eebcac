package coverage_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/ingest/coverage"
	"birdwatch/tweet"
)

// noon is when the tests' stories begin.
var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// store keeps spans in memory.
type store struct {
	spans    map[int64]coverage.Span
	arrivals []coverage.Arrival
	fails    error
}

func (s *store) Spans(_ context.Context, q coverage.Query) ([]coverage.Span, error) {
	all := slices.SortedFunc(maps.Values(s.spans), func(a, b coverage.Span) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.ID, b.ID))
	})
	return slices.DeleteFunc(all, func(s coverage.Span) bool {
		return q.Open && s.End != 0 || q.Source != "" && s.Source != q.Source || len(q.Kinds) > 0 && !slices.Contains(q.Kinds, s.Kind)
	}), nil
}

func (s *store) PutSpans(_ context.Context, spans []coverage.Span) error {
	for _, p := range spans {
		if s.fails == nil {
			s.spans[p.ID] = p
		}
	}
	return s.fails
}

func (s *store) LastSpan(context.Context) (int64, error) {
	return slices.Max(append(slices.Collect(maps.Keys(s.spans)), 0)), nil
}

func (s *store) Arrivals(_ context.Context, _ string, _ tweet.Seq, n int) ([]coverage.Arrival, error) {
	return s.arrivals[max(0, len(s.arrivals)-n):], nil
}

func (s *store) Last() tweet.Seq { return 7 }

func open(t interface{ Fatal(...any) }, s *store) *coverage.Ledger {
	l, err := coverage.Open(context.Background(), s, func() time.Time { return at(1000) }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// made gives records of tweets that were made then.
func made(seconds ...float64) []tweet.Record {
	var recs []tweet.Record
	for _, s := range seconds {
		recs = append(recs, tweet.Record{Kind: tweet.KindTweet, ID: tweet.IDAt(at(s))})
	}
	return recs
}

// lines writes the account for people: seconds since noon.
func lines(t *testing.T, l *coverage.Ledger) string {
	t.Helper()
	spans, err := l.Spans(t.Context(), coverage.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range spans {
		second := func(ms int64) string { return fmt.Sprint(float64(ms-noon.UnixMilli()) / 1000) }
		fmt.Fprintf(&b, "%s %s", s.Kind, second(s.Begin))
		if s.End != 0 {
			b.WriteString(" to " + second(s.End))
		}
		for _, word := range []string{s.Cause, s.Asked} {
			if word != "" {
				b.WriteString(" " + word)
			}
		}
		if s.Count != 0 {
			fmt.Fprintf(&b, " ×%d", s.Count)
		}
		if len(s.Refusals) > 0 {
			fmt.Fprint(&b, " ", s.Refusals)
		}
		if len(s.Before)+len(s.After) > 0 {
			fmt.Fprintf(&b, " between %d and %d", len(s.Before), len(s.After))
		}
		if f := s.Filled; f != nil {
			fmt.Fprintf(&b, " filled by %s %d ×%d", f.By, f.Span, f.Count)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func check(t *testing.T, l *coverage.Ledger, want string) {
	t.Helper()
	if got, want := strings.TrimSpace(lines(t, l)), strings.TrimSpace(strings.ReplaceAll(want, "\t", "")); got != want {
		t.Errorf("the account is\n%s\nwant\n%s", got, want)
	}
}

// alive is a source whose last keep-alive came then.
func alive(l *coverage.Ledger, pulse *time.Time) *coverage.Source {
	s := l.Source("stream:a")
	s.Started(at(0), func() time.Time { return *pulse })
	return s
}

func TestLife(t *testing.T) {
	l := open(t, &store{spans: map[int64]coverage.Span{}})
	pulse := noon
	s := alive(l, &pulse)
	s.Refused(at(1), "http-503", "busy")
	s.Refused(at(3), "http-503", "busy")
	s.Refused(at(5), "network", "no route")
	s.Connected(1, at(10), "track=a", 0)
	s.Took(1, at(20), made(19, 18))
	s.Limited(1, at(30), 3)
	s.Limited(1, at(50), 4)
	s.Took(1, at(100), made(99, 98.5, 97))
	s.Limited(1, at(101), 5)
	s.Damaged(at(102), "cut", "half a message")
	s.Ended(1, "reset", "connection reset by peer")
	check(t, l, `
	gap 0 to 10 started map[http-503:2 network:1] between 0 and 5
	connected 10 to 97 reset track=a ×5
	limit 10 to 50 ×7
	limit 50 to 101 ×5
	gap 97 reset between 5 and 0
	damage 102 to 102 cut ×1`)
	s.Connected(2, at(110), "track=a", 0)
	s.Limited(2, at(111), 2)
	pulse = at(140)
	s.Ended(2, "closed", "the server closed the connection")
	check(t, l, `
	gap 0 to 10 started map[http-503:2 network:1] between 0 and 5
	connected 10 to 97 reset track=a ×5
	limit 10 to 50 ×7
	limit 50 to 101 ×5
	gap 97 to 110 reset between 5 and 0
	damage 102 to 102 cut ×1
	connected 110 to 140 closed track=a
	limit 110 to 111 ×2
	limit 110 to 140 untold
	gap 140 closed between 5 and 0`)
}

// TestOldTweets: what was made long before it came is no measure of the network.
func TestOldTweets(t *testing.T) {
	l := open(t, &store{spans: map[int64]coverage.Span{}})
	pulse := noon
	s := alive(l, &pulse)
	s.Connected(1, at(10), "", 0)
	s.Took(1, at(20), made(-100000, 15))
	s.Took(1, at(40), made(-1000000, 41)) // a clock that goes wrong
	s.Ended(1, "reset", "")
	check(t, l, `
	connected 10 to 40 reset ×4
	gap 40 reset between 4 and 0`)
}

// TestKilled: the next start closes at the last that is known to be in, not at the restart.
func TestKilled(t *testing.T) {
	st := &store{spans: map[int64]coverage.Span{}}
	l := open(t, st)
	pulse := at(12)
	s := alive(l, &pulse)
	s.Connected(1, at(10), "", 0)
	s.Limited(1, at(11), 3)
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.arrivals = []coverage.Arrival{{ID: tweet.IDAt(at(29)), At: at(31).UnixMilli()}, {ID: tweet.IDAt(at(30)), At: at(32).UnixMilli()}}
	l = open(t, st)
	want := `
	connected 10 to 30 killed
	limit 10 to 11 ×3
	gap 30 killed between 2 and 0`
	check(t, l, want)
	l = open(t, st) // killed again, before it connected
	check(t, l, want)
	s = alive(l, &pulse)
	s.Refused(at(900), "http-420", "calm")
	s.Connected(1, at(901), "", 0)
	s.Took(1, at(902), made(901.5))
	check(t, l, `
	connected 10 to 30 killed
	limit 10 to 11 ×3
	gap 30 to 901 killed map[http-420:1] between 2 and 1
	connected 901 ×1`)
}

// TestTakeover: a connection that takes over from another leaves no gap.
func TestTakeover(t *testing.T) {
	l := open(t, &store{spans: map[int64]coverage.Span{}})
	pulse := at(30)
	s := alive(l, &pulse)
	s.Connected(1, at(10), "track=a", 0)
	s.Refused(at(20), "http-406", "a bad parameter")
	s.Connected(2, at(25), "track=b", 0)
	s.Ended(1, "changed", "")
	s.Took(2, at(31), made(30.5))
	pulse = at(40)
	s.Ended(2, coverage.CauseStopped, "")
	check(t, l, `
	connected 10 to 30 changed track=a
	connected 25 to 40 stopped track=b ×1
	gap 40 stopped between 1 and 0`)
}

// TestAsks: what is asked for is told by the span, so another one begins when it changes.
func TestAsks(t *testing.T) {
	l := open(t, &store{spans: map[int64]coverage.Span{}})
	pulse := at(30)
	s := alive(l, &pulse)
	s.Connected(1, at(10), "rules=a", 0)
	s.Took(1, at(15), made(14.5))
	s.Asks(1, at(20), "rules=b")
	s.Asks(1, at(21), "rules=b")
	s.Asks(2, at(22), "rules=c")
	s.Took(1, at(25), made(24.5, 24.6))
	s.Ended(1, "closed", "")
	check(t, l, `
	connected 10 to 20 changed rules=a ×1
	connected 20 to 30 closed rules=b ×2
	gap 30 closed between 3 and 0`)
}
