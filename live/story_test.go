package live_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"birdwatch/live"
)

// story is what happens in one run of TestAnyInterruptionLosesNothing; it is drawn before the run.
type story struct {
	box, backfill int
	queries       []string
	steps         []step
}

type step struct {
	kind stepKind
	n    int
	text string
}

type stepKind int

const (
	tweets   stepKind = iota
	deletes           // one of the tweets
	applies           // the archive goes on
	strips            // content of deleted tweets goes from the journal
	cuts              // retention
	merges            // an import changes a document
	imports           // a tweet comes to the archive alone
	leaves            // the client
	comes             // the client
	stalls            // the client takes no further event
	takes             // the client goes on
	rests             // all do what they can
	restarts          // the hub
	rebirths          // the journal is lost, all restart
)

// kinds has those that should come often several times.
var kinds = []stepKind{tweets, tweets, tweets, tweets, tweets, tweets, deletes, deletes, applies, applies, applies, strips, cuts, merges, imports,
	leaves, leaves, comes, comes, comes, stalls, takes, rests, rests, restarts, rebirths}

var texts = []string{"go", "rust", "zig", "go rust"}

var stories = rapid.Custom(func(t *rapid.T) story {
	n := rapid.SampledFrom([]int{5, 20, 40, 80}).Draw(t, "length") // drawn freely, most are too short for anything to happen
	return story{
		box:      rapid.SampledFrom([]int{1, 2, 5}).Draw(t, "box"),
		backfill: rapid.SampledFrom([]int{0, 2, 5, 250}).Draw(t, "backfill"),
		queries:  rapid.SliceOfN(rapid.SampledFrom([]string{"go", "rust OR zig", "-go", "go -rust", "", "\"go rust\"", "ru*"}), 1, 2).Draw(t, "queries"),
		steps: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			return step{rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.IntRange(0, 99).Draw(t, "n"), rapid.SampledFrom(texts).Draw(t, "text")}
		}), n, n).Draw(t, "steps"),
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

// telling is a story while it is told.
type telling struct {
	t    *testing.T
	s    *story
	w    *world
	hub  *live.Hub
	stop func()
	l    ledger
	qs   []live.Query
	r    *reader
}

func (s story) run(t *testing.T) error {
	w := newWorld("e0", 0)
	r := &telling{t: t, s: &s, w: w, l: newLedger(w)}
	for _, text := range s.queries {
		r.qs = append(r.qs, parse(text))
	}
	r.hub, r.stop = startHub(t, w, live.Options{Box: s.box})
	defer func() { r.stop() }()
	for i, st := range s.steps {
		if !r.happen(st) {
			r.change(i, st)
		}
	}
	r.disconnect()
	r.connect()
	synctest.Wait()
	r.disconnect()
	return r.l.judge(r.qs)
}

// happen does what the world does by itself.
func (r *telling) happen(st step) bool {
	switch st.kind {
	case tweets:
		r.l.tweet(st.text)
	case deletes:
		r.l.delete(st.n)
	case applies:
		r.w.apply(st.n%5 + 1)
	case strips:
		r.w.strip()
	case cuts:
		r.w.cut(st.n%3 + 1)
	case merges:
		r.l.merge(st.n, st.text)
	case imports:
		r.l.imports(st.text)
	case rests:
		synctest.Wait()
	default:
		return false
	}
	return true
}

// change is about the client and the hub.
func (r *telling) change(i int, st step) {
	switch st.kind {
	case leaves:
		r.disconnect()
	case comes:
		if r.r == nil {
			r.connect()
		}
	case stalls:
		if r.r != nil {
			r.r.stall()
		}
	case takes:
		if r.r != nil {
			r.r.take()
		}
	case restarts, rebirths:
		if st.n%2 == 0 {
			r.disconnect() // else it is told the end
		} else if r.r != nil {
			r.r.take()
		}
		r.stop()
		synctest.Wait()
		r.disconnect()
		if st.kind == rebirths && st.n%3 == 0 {
			r.l.rebirth(fmt.Sprintf("e%d", i+1))
		}
		r.hub, r.stop = startHub(r.t, r.w, live.Options{Box: r.s.box})
	}
}

func (r *telling) connect() {
	req := live.Request{Queries: r.qs, Backfill: r.s.backfill}
	if n := len(r.l.events); n > 0 {
		at := r.l.events[n-1].Place
		// As it travels.
		back, err := live.ParsePlace(at.String())
		if err != nil || back != at {
			r.l.err = errors.Join(r.l.err, fmt.Errorf("place %v became %v, %v", at, back, err))
		}
		req.Resume = &back
	}
	r.r = read(r.t, r.hub, req)
}

func (r *telling) disconnect() {
	if r.r == nil {
		return
	}
	r.l.events = append(r.l.events, r.r.stop()...)
	r.l.err = errors.Join(r.l.err, r.r.err)
	r.r = nil
}
