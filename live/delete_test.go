package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/live"
	"birdwatch/tweet"
)

// deletions are the ways in which a delete can meet a subscription. Tweet 10 says "go", 20 "rust".
var deletions = []struct {
	name        string
	before      func(w *world) // 10 and 20 are there, and applied
	after       func(w *world) // both subscriptions stand at the end
	goes, rusts []string       // what is told to who asks for these words
}{
	{name: "content is had: who was sent it is told",
		after: func(w *world) { w.delete(10, 1) },
		goes:  []string{"10@e-2-10", "live@e-2", "-10@e-3"}, rusts: []string{"20@e-2-20", "live@e-2"}},
	{name: "the archive was faster: history may have sent what it had, all are told",
		after: func(w *world) { w.atOnce(func() { w.delete(10, 1); w.apply(1) }) },
		goes:  []string{"10@e-2-10", "live@e-2", "-10@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-10@e-3"}},
	{name: "the archive was faster, but nobody has it from history: the journal's sighting decides",
		after: func(w *world) {
			w.tweet(30, "go")
			synctest.Wait()
			w.apply(1)
			w.atOnce(func() { w.delete(30, 3); w.apply(1) })
		},
		goes: []string{"10@e-2-10", "live@e-2", "30@e-3", "-30@e-4"}, rusts: []string{"20@e-2-20", "live@e-2"}},
	{name: "nothing is had: all are told",
		after: func(w *world) {
			w.tweet(30, "go")
			synctest.Wait()
			w.apply(1)
			w.atOnce(func() { w.delete(30, 3); w.apply(1); w.strip() })
		},
		goes: []string{"10@e-2-10", "live@e-2", "30@e-3", "-30@e-4"}, rusts: []string{"20@e-2-20", "live@e-2", "-30@e-4"}},
	{name: "the archive is away: all are told",
		after: func(w *world) { w.goAway(errors.New("away")); w.delete(10, 1) },
		goes:  []string{"10@e-2-10", "live@e-2", "-10@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-10@e-3"}},
	{name: "history sent what an import had merged",
		before: func(w *world) { w.merge(20, "go rust") },
		after:  func(w *world) { w.delete(20, 2) },
		goes:   []string{"10@e-2-10", "20@e-2-20", "live@e-2", "-20@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-20@e-3"}},
	{name: "history sent what an import had merged, and the archive was faster",
		before: func(w *world) { w.merge(20, "go rust") },
		after:  func(w *world) { w.atOnce(func() { w.delete(20, 2); w.apply(1) }) },
		goes:   []string{"10@e-2-10", "20@e-2-20", "live@e-2", "-20@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-20@e-3"}},
	{name: "of a tweet that came by import alone",
		before: func(w *world) { w.imports(5, "go") },
		after:  func(w *world) { w.delete(5, 2) },
		goes:   []string{"5@e-2-5", "10@e-2-10", "live@e-2", "-5@e-3"}, rusts: []string{"20@e-2-20", "live@e-2"}},
	{name: "nobody was sent it",
		after: func(w *world) { w.delete(99, 0) },
		goes:  []string{"10@e-2-10", "live@e-2"}, rusts: []string{"20@e-2-20", "live@e-2"}},
	{name: "a copy of it was inside another: who was sent that one is told",
		after: func(w *world) {
			w.append(tweet.Entry{Unseen: true, Cut: []tweet.ID{20}, Record: tweet.Record{Kind: tweet.KindDelete, ID: 7}})
		},
		goes: []string{"10@e-2-10", "live@e-2"}, rusts: []string{"20@e-2-20", "live@e-2", "-7@e-3"}},
	{name: "a copy was inside another, and the archive is away: all are told",
		after: func(w *world) {
			w.goAway(errors.New("away"))
			w.append(tweet.Entry{Unseen: true, Cut: []tweet.ID{20}, Record: tweet.Record{Kind: tweet.KindDelete, ID: 7}})
		},
		goes: []string{"10@e-2-10", "live@e-2", "-7@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-7@e-3"}},
	{name: "copies were inside very many: all are told",
		after: func(w *world) {
			w.append(tweet.Entry{Unseen: true, Cut: make([]tweet.ID, 1000), Record: tweet.Record{Kind: tweet.KindDelete, ID: 7}})
		},
		goes: []string{"10@e-2-10", "live@e-2", "-7@e-3"}, rusts: []string{"20@e-2-20", "live@e-2", "-7@e-3"}},
	{name: "stripped before the hub read it",
		after: func(w *world) {
			w.atOnce(func() { w.tweet(30, "go"); w.delete(30, 3); w.apply(2); w.strip() })
		},
		goes: []string{"10@e-2-10", "live@e-2", "-30@e-3", "-30@e-4"}, rusts: []string{"20@e-2-20", "live@e-2", "-30@e-3", "-30@e-4"}},
}

func TestDeletes(t *testing.T) {
	goes := live.Request{Queries: []live.Query{parse("go")}, Backfill: 9}
	rusts := live.Request{Queries: []live.Query{parse("rust")}, Backfill: 9}
	for _, tt := range deletions {
		t.Run(tt.name, func(t *testing.T) {
			// At the head, and when the same is read in the journal later.
			for _, away := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld("e", 0)
					w.tweet(10, "go")
					w.tweet(20, "rust")
					w.apply(2)
					if tt.before != nil {
						tt.before(w)
					}
					hub, stop := startHub(t, w, live.Options{})
					defer stop()
					a, b := read(t, hub, goes), read(t, hub, rusts)
					synctest.Wait()
					if !away {
						tt.after(w)
						synctest.Wait()
						check(t, a.stop(), tt.goes...)
						check(t, b.stop(), tt.rusts...)
						return
					}
					as, bs := a.stop(), b.stop()
					tt.after(w)
					synctest.Wait()
					as, bs = comeBack(t, hub, goes, as), comeBack(t, hub, rusts, bs)
					checkDeletes(t, as, tt.goes)
					checkDeletes(t, bs, tt.rusts)
				})
			}
		})
	}
}

// comeBack resumes from the last of the events and adds those that follow.
func comeBack(t *testing.T, hub *live.Hub, r live.Request, es []live.Event) []live.Event {
	t.Helper()
	r.Resume = &es[len(es)-1].Place
	rd := read(t, hub, r)
	synctest.Wait()
	return append(es, rd.stop()...)
}

// checkDeletes: who comes later may be told more, and not be sent what is gone, but never told less.
func checkDeletes(t *testing.T, es []live.Event, want []string) {
	t.Helper()
	have := map[string]bool{}
	for _, s := range show(es) {
		have[s] = true
	}
	for _, s := range want {
		if s[0] == '-' && !have[s] {
			t.Errorf("resumed: %s is not in %q", s, show(es))
		}
	}
}

// TestDeleteWhileHistoryIsSent: a delete that comes between the pages of history is told in its turn, whether the tweet was sent before
// or was still to come.
func TestDeleteWhileHistoryIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 150 {
			w.tweet(tweet.ID(i+1), "go")
		}
		w.apply(150)
		pages := 0
		w.looking = func(what string) {
			if what != "matches" {
				return
			}
			if pages++; pages == 2 {
				w.delete(50, 50)   // was on the first page
				w.delete(120, 120) // would have been on the second
				w.apply(2)
				w.strip()
			}
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Start: time.UnixMilli(-1)})
		synctest.Wait()
		es := r.stop()
		if len(es) != 149+1+2 {
			t.Fatalf("%d events", len(es))
		}
		for _, e := range es[:149] {
			if e.Kind != live.Tweet || e.ID == 120 {
				t.Errorf("in history: %v", show([]live.Event{e}))
			}
		}
		check(t, es[149:], "live@e-150", "-50@e-151", "-120@e-152")
	})
}

// TestDeletesDoNotWait: an archive that does not answer holds nobody up for long, and is asked again later.
func TestDeletesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}})
		for i := range 100 {
			w.tweet(tweet.ID(i+1), "rust")
		}
		synctest.Wait()
		w.goAway(errSilent)
		for i := range 100 {
			w.delete(tweet.ID(i+1), tweet.Seq(i+1))
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if at := hub.Stats().Seq; at != 200 {
			t.Errorf("the hub is at %d", at)
		}
		w.goAway(nil)
		w.tweet(101, "rust")
		time.Sleep(10 * time.Second)
		w.delete(101, 201) // certain again
		synctest.Wait()
		if es := r.stop(); len(es) != 101 {
			t.Errorf("%d events", len(es))
		}
	})
}
