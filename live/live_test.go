package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// reader is a client: it takes events until it is stopped, and comes back by its last place.
type reader struct {
	events []live.Event
	err    error
	cancel context.CancelFunc
	done   chan struct{}
}

func read(t testing.TB, hub *live.Hub, r live.Request) *reader {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := hub.Subscribe(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	rd := &reader{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(rd.done)
		defer s.Close()
		for e, err := range s.Events(ctx) {
			if err != nil {
				rd.err = err
				return
			}
			rd.events = append(rd.events, e)
		}
	}()
	return rd
}

func (r *reader) stop() []live.Event {
	r.cancel()
	<-r.done
	return r.events
}

func show(es []live.Event) (out []string) {
	for _, e := range es {
		switch e.Kind {
		case live.Tweet:
			out = append(out, fmt.Sprintf("%d@%s", e.ID, e.Place))
		case live.Delete:
			out = append(out, fmt.Sprintf("-%d@%s", e.ID, e.Place))
		case live.Gap:
			out = append(out, fmt.Sprintf("gap %d..%d@%s", e.Since, e.Until, e.Place))
		default:
			out = append(out, fmt.Sprintf("%s@%s", map[live.Kind]string{live.Live: "live", live.Moved: "moved", live.End: "end", live.Bye: "bye"}[e.Kind], e.Place))
		}
	}
	return out
}

func startHub(t testing.TB, w *world, o live.Options) (*live.Hub, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	hub := live.NewHub(w, past{w}, o)
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	synctest.Wait()
	return hub, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestHistoryThenLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		w.tweet(10, "go one")
		w.tweet(30, "go three")
		w.tweet(20, "go two")
		w.tweet(40, "rust")
		w.apply(3)
		w.tweet(5, "go late") // in the journal, not yet in the archive
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Backfill: 2})
		all := read(t, hub, live.Request{Queries: []live.Query{parse("go"), parse("late OR rust")}, Start: time.UnixMilli(-1)})
		synctest.Wait()
		w.tweet(50, "go new")
		w.delete(20, 3)
		w.append(tweet.Entry{FirstSeq: 1, Record: tweet.Record{Kind: tweet.KindUpdate, ID: 10, Payload: []byte("x"), Tweet: payload(10, "go one")}})
		synctest.Wait()
		check(t, r.stop(), "20@e-3-20", "30@e-3-30", "live@e-3", "5@e-5", "50@e-6", "-20@e-7")
		if all.err != nil {
			t.Fatal(all.err)
		}
		check(t, all.stop(), "10@e-3-10", "20@e-3-20", "30@e-3-30", "live@e-3", "40@e-4", "5@e-5", "50@e-6", "-20@e-7")
		if got := all.events[5].Matched; !slices.Equal(got, []int{0, 1}) {
			t.Errorf("late matched queries %v", got)
		}
	})
}

func check(t *testing.T, es []live.Event, want ...string) {
	t.Helper()
	if got := show(es); !slices.Equal(got, want) {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestEndsAndSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{})
		bye := read(t, hub, live.Request{Queries: []live.Query{parse("go")}})
		ends := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, End: time.Now().Add(3 * time.Minute)})
		past := read(t, hub, live.Request{Queries: []live.Query{parse("go until:1999-01-01")}})
		synctest.Wait()
		w.tweet(1, "rust")
		time.Sleep(2 * time.Minute) // fake time
		synctest.Wait()
		check(t, past.stop(), "live@e-0", "end@e-0")
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		check(t, ends.stop(), "live@e-0", "end@e-1")
		stop()
		synctest.Wait()
		check(t, bye.stop(), "live@e-0", "moved@e-1", "bye@e-1")
		if _, err := hub.Subscribe(t.Context(), live.Request{}); !errors.Is(err, live.ErrClosed) {
			t.Errorf("subscribe to a closed hub: %v", err)
		}
	})
}

func TestResumeWhereTheJournalDoesNotReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 10 {
			w.tweet(tweet.ID(i+1), "go")
		}
		w.apply(10)
		w.cut(6)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		for _, tt := range []struct {
			place string
			want  []string
		}{
			{"e-8", []string{"9@e-9", "10@e-10"}},
			{"e-6", []string{"7@e-7", "8@e-8", "9@e-9", "10@e-10"}},
			{"e-3", []string{"gap 3..6@e-6", "7@e-7", "8@e-8", "9@e-9", "10@e-10"}},
			{"e-99", []string{"gap 10..10@e-10"}},
			{"old-3", []string{"gap 3..6@e-6", "7@e-7", "8@e-8", "9@e-9", "10@e-10"}},
			{"e-9-7", []string{"8@e-9-8", "9@e-9-9", "live@e-9", "10@e-10"}},
			{"old-5-4", []string{"5@e-5-5", "gap 5..6@e-6", "live@e-6", "7@e-7", "8@e-8", "9@e-9", "10@e-10"}},
		} {
			at, err := live.ParsePlace(tt.place)
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Resume: &at, Backfill: 5})
			synctest.Wait()
			if got := show(r.stop()); !slices.Equal(got, tt.want) {
				t.Errorf("from %s\n got %q\nwant %q", tt.place, got, tt.want)
			}
		}
	})
}

// TestSlowReader: one that does not read costs nobody anything and gets everything when it does.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{Box: 4})
		defer stop()
		s, err := hub.Subscribe(t.Context(), live.Request{Queries: []live.Query{parse("go")}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		gate := make(chan struct{})
		var got []tweet.ID
		done := make(chan struct{})
		go func() {
			defer close(done)
			for e, err := range s.Events(ctx) {
				if err != nil {
					t.Error(err)
					return
				}
				if e.Kind == live.Tweet {
					got = append(got, e.ID)
				}
				<-gate
			}
		}()
		synctest.Wait()
		for i := range 1000 {
			w.tweet(tweet.ID(i+1), "go")
		}
		synctest.Wait()
		close(gate)
		synctest.Wait()
		for i := range 10 {
			w.tweet(tweet.ID(i+1001), "go")
		}
		synctest.Wait()
		cancel()
		<-done
		if len(got) != 1010 || !slices.IsSorted(got) {
			t.Errorf("got %d tweets", len(got))
		}
		if st := hub.Stats(); st.Behind == 0 {
			t.Error("the box never overflowed")
		}
	})
}

// story is what happens in one run of TestAnyInterruptionLosesNothing; it is drawn before the run.
type story struct {
	box, backfill int
	query         string
	steps         []step
}

type step struct {
	kind, n int
	text    string
}

var stories = rapid.Custom(func(t *rapid.T) story {
	return story{
		box:      rapid.IntRange(1, 5).Draw(t, "box"),
		backfill: rapid.IntRange(0, 4).Draw(t, "backfill"),
		query:    rapid.SampledFrom([]string{"go", "rust OR zig", "-go", "go -rust", "", "\"go rust\"", "ru*"}).Draw(t, "query"),
		steps: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{rapid.IntRange(0, 9).Draw(t, "kind"), rapid.IntRange(0, 99).Draw(t, "n"), rapid.SampledFrom([]string{"go", "rust", "zig", "go rust"}).Draw(t, "text")}
		}), 1, 60).Draw(t, "steps"),
	}
})

// TestAnyInterruptionLosesNothing: whatever happens between, what a client has in the end is what the
// queries match, once, in order, less what is deleted.
func TestAnyInterruptionLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := stories.Draw(rt, "story")
		var err error
		synctest.Test(t, func(t *testing.T) { err = s.run(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (s story) run(t *testing.T) error {
	w := newWorld("e", 0)
	hub, stop := startHub(t, w, live.Options{Box: s.box})
	defer stop()
	l := ledger{texts: map[tweet.ID]string{}, firsts: map[tweet.ID]tweet.Seq{}, deleted: map[tweet.ID]tweet.Seq{}}
	q := parse(s.query)
	var r *reader
	connect := func() {
		req := live.Request{Queries: []live.Query{q}, Backfill: s.backfill}
		if n := len(l.events); n > 0 {
			at := l.events[n-1].Place
			req.Resume = &at
		}
		r = read(t, hub, req)
	}
	disconnect := func() {
		if r != nil {
			l.events = append(l.events, r.stop()...)
			l.err = errors.Join(l.err, r.err)
			r = nil
		}
	}
	for _, st := range s.steps {
		switch st.kind {
		case 0, 1, 2:
			id := tweet.ID(len(l.texts) + 1)
			l.texts[id], l.firsts[id] = st.text, w.tweet(id, st.text)
		case 3:
			if n := len(l.texts); n > 0 {
				if id := tweet.ID(st.n%n + 1); l.deleted[id] == 0 {
					w.delete(id, l.firsts[id])
					l.deleted[id] = w.Last()
				}
			}
		case 4:
			w.apply(st.n%5 + 1)
		case 5:
			w.strip()
		case 6:
			w.cut(st.n%3 + 1)
		case 7:
			disconnect()
		case 8:
			if r == nil {
				connect()
			}
		case 9:
			synctest.Wait()
		}
	}
	if r == nil {
		connect()
	}
	synctest.Wait()
	disconnect()
	return l.judge(q.Expr)
}

// ledger is what truly happened, and what the client was told.
type ledger struct {
	texts   map[tweet.ID]string
	firsts  map[tweet.ID]tweet.Seq
	deleted map[tweet.ID]tweet.Seq
	events  []live.Event
	err     error
}

func (l *ledger) missed(seq tweet.Seq) bool {
	return slices.ContainsFunc(l.events, func(e live.Event) bool { return e.Kind == live.Gap && seq > e.Since && seq <= e.Until })
}

// judge says what is wrong with what the client was told; nil for nothing.
func (l *ledger) judge(e query.Expr) error {
	if l.err != nil {
		return l.err
	}
	got, told := map[tweet.ID]bool{}, map[tweet.ID]bool{}
	w, at := l.events[0].Place.Seq, tweet.Seq(0)
	oldest, lastID := tweet.ID(1<<62), tweet.ID(0)
	wrong := func(format string, args ...any) error {
		return fmt.Errorf(format+"\n%v", append(args, show(l.events))...)
	}
	for _, e := range l.events {
		if e.Place.Seq < at {
			return wrong("the place went back to %d", e.Place.Seq)
		}
		at = e.Place.Seq
		switch {
		case e.Kind == live.Delete:
			told[e.ID] = true
		case e.Kind != live.Tweet:
		case got[e.ID]:
			return wrong("%d sent twice", e.ID)
		case e.Place.Tweet == 0 && l.firsts[e.ID] != e.Place.Seq:
			return wrong("%d has place %s, seq %d", e.ID, e.Place, l.firsts[e.ID])
		case e.Place.Tweet != 0 && (e.ID <= lastID || l.firsts[e.ID] > w):
			return wrong("history sent %d of seq %d after %d, W is %d", e.ID, l.firsts[e.ID], lastID, w)
		}
		if e.Kind == live.Tweet {
			got[e.ID] = true
			if e.Place.Tweet != 0 {
				lastID, oldest = e.ID, min(oldest, e.ID)
			}
		}
	}
	m := query.NewMatcher(e)
	for id, text := range l.texts {
		var target query.Target
		target.Set(payload(id, text))
		first, deleted := l.firsts[id], l.deleted[id]
		switch want := m.Match(&target); {
		case !want && got[id]:
			return wrong("%d %q does not match and was sent", id, text)
		case want && first > w && !got[id] && !l.missed(first) && !(deleted > 0 && told[id]):
			return wrong("%d %q at %d was never sent", id, text, first)
		case want && first <= w && id > oldest && !got[id] && deleted == 0:
			return wrong("%d %q of history was never sent", id, text)
		case got[id] && deleted > w && !told[id] && !l.missed(deleted):
			return wrong("%d was sent and deleted at %d, and nobody said so", id, deleted)
		}
	}
	return nil
}
