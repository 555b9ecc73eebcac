package live_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

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
