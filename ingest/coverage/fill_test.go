package coverage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/ingest/coverage"
	"birdwatch/tweet"
)

func TestBackfill(t *testing.T) {
	for name, tt := range map[string]struct {
		sent []float64
		want string
	}{
		"within": {[]float64{160, 170, 221}, `
	connected 10 to 150 closed
	gap 150 to 160 closed between 0 and 3
	gap 160 to 220 closed between 0 and 3 filled by backfill 4 ×2
	backfill 160 to 220 ×2
	connected 220 to 300 closed ×3
	gap 300 closed between 3 and 0`},
		"nothing came": {nil, `
	connected 10 to 150 closed
	gap 150 to 160 closed
	gap 160 to 220 closed
	backfill 160 to 220
	connected 220 to 300 closed
	gap 300 closed`},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, &store{spans: map[int64]coverage.Span{}})
			pulse := at(150)
			s := alive(l, &pulse)
			s.Connected(1, at(10), "", 0)
			s.Ended(1, "closed", "")
			s.Connected(2, at(220), "", time.Minute)
			s.Took(2, at(221), made(tt.sent...))
			pulse = at(300)
			s.Ended(2, "closed", "")
			check(t, l, strings.ReplaceAll(tt.want, "backfill 4", "backfill 5"))
		})
	}
}

// TestFullDisk: what could not be written is written later.
func TestFullDisk(t *testing.T) {
	st := &store{spans: map[int64]coverage.Span{}}
	l := open(t, st)
	st.fails = errors.New("disk full")
	pulse := noon
	s := alive(l, &pulse)
	s.Connected(1, at(10), "", 0)
	if err := l.Flush(t.Context()); !errors.Is(err, st.fails) {
		t.Errorf("flush: %v", err)
	}
	s.Ended(1, "reset", "")
	st.fails = nil
	check(t, l, `
	connected 10 to 10 reset
	gap 10 reset`)
}

// TestImportFills: the evidence decides, or the operator's word with tweets that reach over the gap.
func TestImportFills(t *testing.T) {
	around := func(n int, from, step float64) (seconds []float64) {
		for i := range n {
			seconds = append(seconds, from+step*float64(i))
		}
		return seconds
	}
	before, inside, after := around(100, 50, 0.4), around(5, 95, 10), around(100, 201, 0.4)
	for name, tt := range map[string]struct {
		file     [][]float64
		declared string
		filled   string
	}{
		"the same stream":        {[][]float64{before, inside, after}, "", " filled by import 4 ×6"},
		"nine of ten":            {[][]float64{before[10:], after[:90]}, "", " filled by import 4 ×1"},
		"fewer":                  {[][]float64{before, inside, after[:89]}, "", ""},
		"one side":               {[][]float64{before, inside}, "", ""},
		"other tweets":           {[][]float64{around(500, 0, 1)}, "", ""},
		"declared":               {[][]float64{around(7, 0, 50)}, "stream:a", " filled by import 4 ×2"},
		"declared of another":    {[][]float64{around(7, 0, 50)}, "stream:b", ""},
		"declared but too short": {[][]float64{around(7, 110, 50)}, "stream:a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, &store{spans: map[int64]coverage.Span{}})
			pulse := noon
			s := alive(l, &pulse)
			s.Connected(1, at(0), "", 0)
			for _, second := range before {
				s.Took(1, at(second), made(second))
			}
			s.Ended(1, "reset", "")
			s.Connected(2, at(200), "", 0)
			s.Took(2, at(260), made(after...))
			gaps, err := l.Spans(t.Context(), coverage.Query{Kinds: []coverage.Kind{coverage.Gap}})
			if err != nil {
				t.Fatal(err)
			}
			w := coverage.NewWatch(gaps, tt.declared)
			recs := made(slices.Concat(tt.file...)...)
			ids := make([]tweet.ID, len(recs))
			for i, r := range recs {
				ids[i] = r.ID
				w.Tweet(r.ID)
			}
			file := coverage.Span{Begin: at(0).UnixMilli(), End: at(1).UnixMilli(), Count: int64(len(recs))}
			if err := l.Imported(t.Context(), []coverage.Span{file}, w.Filled(slices.Min(ids), slices.Max(ids))); err != nil {
				t.Fatal(err)
			}
			check(t, l, fmt.Sprintf(`
	connected 0 to %[2]v reset ×100
	import 0 to 1 ×%[1]d
	gap %[2]v to 200 reset between 100 and 100%[3]s
	connected 200 ×100`, len(recs), 89.6, tt.filled))
		})
	}
}

// TestNoTimeIsUnaccounted: whatever happens in whatever order, every moment since the first connection lies in a connection or in a gap, and
// in one gap only.
func TestNoTimeIsUnaccounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := &store{spans: map[int64]coverage.Span{}}
		l := open(t, st)
		now := noon
		pulse := now
		s := l.Source("stream:a")
		s.Started(now, func() time.Time { return pulse })
		standing := map[int64]bool{}
		number := int64(0)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 100_000).Draw(t, "wait")) * time.Millisecond)
			switch rapid.SampledFrom([]string{"connect", "end", "take", "refuse", "pulse", "kill"}).Draw(t, "what") {
			case "connect":
				number++
				standing[number] = true
				s.Connected(number, now, "", time.Duration(rapid.IntRange(0, 2).Draw(t, "back"))*time.Minute)
			case "end":
				for _, c := range slices.Sorted(maps.Keys(standing)) {
					s.Ended(c, "closed", "")
					delete(standing, c)
					break
				}
			case "take":
				for _, c := range slices.Sorted(maps.Keys(standing)) {
					late := time.Duration(rapid.IntRange(0, 400_000).Draw(t, "late")) * time.Millisecond
					r := tweet.Record{Kind: tweet.KindTweet, ID: tweet.IDAt(now.Add(-late))}
					s.Took(c, now, []tweet.Record{r})
					st.arrivals = append(st.arrivals, coverage.Arrival{ID: r.ID, At: now.UnixMilli()})
					break
				}
			case "refuse":
				s.Refused(now, "http-503", "")
			case "pulse":
				pulse = now
			case "kill":
				if err := l.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
				l, standing = open(t, st), map[int64]bool{}
				s = l.Source("stream:a")
				s.Started(now, func() time.Time { return pulse })
			}
		}
		all, err := l.Spans(context.Background(), coverage.Query{Kinds: []coverage.Kind{coverage.Connected, coverage.Gap}})
		if err != nil {
			t.Fatal(err)
		}
		covered := int64(0)
		for _, a := range all {
			if a.End == 0 {
				a.End = now.UnixMilli()
			}
			if covered != 0 && a.Begin > covered {
				t.Fatalf("nothing tells of %d to %d", covered, a.Begin)
			}
			covered = max(covered, a.End)
			for _, b := range all {
				if b.End == 0 {
					b.End = now.UnixMilli()
				}
				if a.Kind == coverage.Gap && b.Kind == coverage.Gap && b.ID != a.ID && b.Begin < a.End && b.End > a.Begin && b.End > b.Begin && a.End > a.Begin {
					t.Fatalf("gap %+v overlaps %+v", a, b)
				}
			}
		}
	})
}
