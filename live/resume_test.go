package live_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/tweet"
)

// TestResumeAnywhere: from whichever of its events a client comes back, what follows is what followed without the break.
func TestResumeAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		said := rapid.SliceOfN(rapid.SampledFrom(texts), 1, 40).Draw(rt, "texts")
		archived := rapid.IntRange(0, len(said)).Draw(rt, "archived")
		backfill := rapid.SampledFrom([]int{0, 3, 100}).Draw(rt, "backfill")
		text := rapid.SampledFrom([]string{"go", "-rust", "", "zig OR rust"}).Draw(rt, "query")
		var err error
		synctest.Test(t, func(t *testing.T) { err = resumeAnywhere(t, said, archived, backfill, text) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func resumeAnywhere(t *testing.T, said []string, archived, backfill int, text string) error {
	w := newWorld("e", 7)
	l := newLedger(w)
	half := len(said) / 2
	for _, s := range said[:half] {
		l.tweet(s)
	}
	w.apply(archived)
	hub, stop := startHub(t, w, live.Options{Box: 3})
	defer stop()
	req := live.Request{Queries: []live.Query{parse(text)}, Backfill: backfill}
	whole := read(t, hub, req)
	synctest.Wait()
	for _, s := range said[half:] {
		l.tweet(s)
	}
	synctest.Wait()
	w.apply(len(said)) // what history is asked later has more than W
	all := whole.stop()
	for i := range all {
		req.Resume = &all[i].Place
		r := read(t, hub, req)
		synctest.Wait()
		got, want := show(r.stop()), show(all[i+1:])
		if !slices.Equal(got, want) {
			return fmt.Errorf("from event %d of %q\n got %q\nwant %q", i, show(all), got, want)
		}
	}
	return nil
}

// TestByeKeepsThePlace: wherever the server stops, the client comes back to what it has not had.
func TestByeKeepsThePlace(t *testing.T) {
	for _, start := range []bool{false, true} {
		for taken := range 9 { // events before the stop
			synctest.Test(t, func(t *testing.T) {
				w := newWorld("e", 0)
				for i := range 3 {
					w.tweet(tweet.ID(i+1), "go")
				}
				w.apply(3)
				hub, stop := startHub(t, w, live.Options{})
				req := live.Request{Queries: []live.Query{parse("go")}, Backfill: 2}
				want := []string{"2@e-3-2", "3@e-3-3", "live@e-3", "4@e-4", "5@e-5"}
				if start {
					req.Backfill, req.Start = 0, time.UnixMilli(-1)
					want = append([]string{"1@e-3-1"}, want...)
				}
				s, err := hub.Subscribe(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				w.tweet(4, "go")
				w.tweet(5, "go")
				var all []live.Event
				if taken == 0 {
					hub.Close()
				}
				for e, err := range s.Events(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if all = append(all, e); len(all) == taken || e.Place.Seq == 5 {
						hub.Close()
					}
				}
				s.Close()
				stop()
				if last := all[len(all)-1]; last.Kind != live.Bye {
					t.Fatalf("no bye: %q", show(all))
				}
				hub, stop = startHub(t, w, live.Options{})
				defer stop()
				all = comeBack(t, hub, req, all)
				all = slices.DeleteFunc(all, func(e live.Event) bool { return e.Kind == live.Bye })
				check(t, all, want...)
			})
		}
	}
}

// TestReadTogether: those who come back at once share one scan of the journal, and the tweets.
func TestReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 1000 {
			w.tweet(tweet.ID(i+1), "go")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		var rs []*reader
		for i := range 100 {
			at, err := live.ParsePlace(fmt.Sprintf("e-%d", 300+i))
			if err != nil {
				t.Fatal(err)
			}
			rs = append(rs, read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Resume: &at}))
		}
		synctest.Wait()
		items := map[*live.Item]int{}
		for i, r := range rs {
			es := r.stop()
			if len(es) != 700-i {
				t.Errorf("reader %d has %d events", i, len(es))
			}
			for _, e := range es {
				items[e.Item]++
			}
		}
		if len(items) != 700 || w.scans > 20 {
			t.Errorf("%d items for 700 tweets, and %d scans", len(items), w.scans)
		}
	})
}

// behind is what a subscription to "go" is sent that resumes behind a seq of the epoch "e".
func behind(t *testing.T, hub *live.Hub, seq tweet.Seq) []live.Event {
	r := read(t, hub, live.Request{Queries: []live.Query{parse("go")}, Resume: &live.Place{Position: tweet.Position{Epoch: "e", Seq: seq}}})
	synctest.Wait()
	return r.stop()
}

// TestHeadIsReadOnce: what those who came back before have read of the newest entries is not read again with what is new.
func TestHeadIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 60 {
			w.tweet(tweet.ID(i+1), "go")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		synctest.Wait()
		began := w.read
		for i := range 40 {
			if got := len(behind(t, hub, 10)); got != 50+i {
				t.Fatalf("%d events, not %d", got, 50+i)
			}
			w.tweet(tweet.ID(61+i), "go")
			synctest.Wait()
		}
		if n := w.read - began; n > 60+2*40 {
			t.Errorf("%d entries were read, of 60 and, by the hub and by those who resume, 40", n)
		}
	})
}

// TestShortReads: a journal that gives less than was asked for has no less.
func TestShortReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		w.short = 50
		for i := range 300 {
			w.tweet(tweet.ID(i+1), "go")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		for _, at := range []tweet.Seq{1, 100, 127, 128, 129, 290} { // each finds what those before have read
			if got := len(behind(t, hub, at)); got != 300-int(at) {
				t.Errorf("%d events behind %d", got, at)
			}
		}
	})
}

// TestCutBetweenReaders: what is cut off between what one has read and what the next reads is a gap to both.
func TestCutBetweenReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 50 {
			w.tweet(tweet.ID(i+1), "go")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		behind(t, hub, 10)
		for i := range 70 {
			w.tweet(tweet.ID(51+i), "go")
		}
		w.apply(120)
		w.cut(100)
		synctest.Wait()
		for i := range 3 {
			seen := 0
			for _, e := range behind(t, hub, 10) {
				switch e.Kind {
				case live.Tweet:
					seen++
				case live.Gap:
					seen += int(e.Until - e.Since)
				}
			}
			if seen != 110 {
				t.Errorf("reader %d is sent, or told of, %d of 110 entries", i, seen)
			}
		}
	})
}

// TestPurgedIsNoGap: holes in the journal are passed in silence, far ones at once, and what is purged is not sent from memory later on.
func TestPurgedIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 10 {
			w.tweet(tweet.ID(i+1), "go")
		}
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		behind(t, hub, 2)
		w.purge(4, 9)
		w.skip(1_000_000)
		w.tweet(11, "go")
		synctest.Wait()
		check(t, behind(t, hub, 2), "3@e-3", "10@e-10", "11@e-1000011")
		if w.scans > 20 {
			t.Errorf("%d scans", w.scans)
		}
	})
}

// TestCutWhileItIsRead: what retention cuts after it was read is sent, and no gap.
func TestCutWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		for i := range 6 {
			w.tweet(tweet.ID(i+1), "go")
		}
		w.apply(6)
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		asked := 0
		w.looking = func(what string) {
			if what == "first" {
				if asked++; asked == 2 { // the first time is when it resumes
					w.cut(4)
				}
			}
		}
		check(t, behind(t, hub, 0), "1@e-1", "2@e-2", "3@e-3", "4@e-4", "5@e-5", "6@e-6")
		if asked < 2 {
			t.Error("nothing was cut")
		}
	})
}
