package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/live"
	"birdwatch/tweet"
)

// reader is a client: it takes events until it is stopped, and comes back by its last place.
type reader struct {
	events  []live.Event
	err     error
	cancel  context.CancelFunc
	done    chan struct{}
	token   chan struct{} // who has it may take an event
	stalled bool
}

func read(t testing.TB, hub *live.Hub, r live.Request) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := hub.Subscribe(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	rd := &reader{cancel: cancel, done: make(chan struct{}), token: make(chan struct{}, 1)}
	go func() {
		defer close(rd.done)
		defer s.Close()
		for e, err := range s.Events(ctx) {
			if err != nil {
				rd.err = err
				return
			}
			rd.events = append(rd.events, e)
			rd.token <- struct{}{}
			<-rd.token
		}
	}()
	return rd
}

// stall lets the reader take no further event.
func (r *reader) stall() {
	if !r.stalled {
		r.token <- struct{}{}
		r.stalled = true
	}
}

func (r *reader) take() {
	if r.stalled {
		<-r.token
		r.stalled = false
	}
}

func (r *reader) stop() []live.Event {
	r.cancel()
	r.take()
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
				if e.Kind == live.Tweet { // what comes before the first one is not waited at: the reader is to stand at the end
					got = append(got, e.ID)
					<-gate
				}
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
