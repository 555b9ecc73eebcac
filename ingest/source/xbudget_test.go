package source_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"birdwatch/ingest/replay"
	"birdwatch/ingest/source"
)

// TestXBackfill asks for as many minutes as were missed, after a gap only, and does without where it is not allowed.
func TestXBackfill(t *testing.T) {
	for name, allowed := range map[string]bool{"allowed": true, "not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex // guards what follows
				var minutes []string
				m := scripted(func(w http.ResponseWriter, r *http.Request) {
					q := r.URL.Query().Get("backfill_minutes")
					mu.Lock()
					minutes = append(minutes, q)
					n := len(minutes)
					mu.Unlock()
					switch {
					case q != "" && !allowed:
						w.WriteHeader(403)
					case n == 2:
						w.WriteHeader(503)
					default:
						_ = http.NewResponseController(w).Flush()
						time.Sleep(time.Hour)
					}
				})
				var l listener
				var missing atomic.Int64
				missing.Store(int64(90 * time.Second))
				x := openX(t, &l, m, source.XConfig{BackfillMinutes: 5, Missing: func() time.Duration { return time.Duration(missing.Load()) }, Stall: 2 * time.Hour})
				stop := runX(t, x, l.sink)
				time.Sleep(time.Minute)
				missing.Store(int64(20 * time.Minute))
				time.Sleep(2 * time.Hour)
				missing.Store(0)
				time.Sleep(time.Hour)
				_ = stop()
				mu.Lock()
				defer mu.Unlock()
				want := []string{"2", "5", "5"}
				if !allowed {
					want = []string{"2", "", "", ""}
				}
				if len(minutes) < len(want) || !slices.Equal(minutes[:len(want)], want) || minutes[len(minutes)-1] != "" {
					t.Errorf("asked for %q, want %q, then none", minutes, want)
				}
				if back := l.of(source.Connected)[0].Back; allowed != (back == 2*time.Minute) {
					t.Errorf("told %v", back)
				}
			})
		})
	}
}

// TestXBudget: it ends when the money does, and what was paid for is in.
func TestXBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l listener
		spent := 0
		x := openX(t, &l, player(t, replay.Options{Pace: replay.Pace{PerSecond: 10}}), source.XConfig{
			Spend: func(_ context.Context, n int) (bool, error) { spent += n; return spent < 30, nil }})
		err := x.Run(t.Context(), l.sink)
		if !errors.Is(err, source.ErrSpent) || len(l.recs) != 30 || x.State().Posts != 30 || !x.State().Spent || x.State().Connected {
			t.Errorf("%v after %d tweets, state %+v", err, len(l.recs), x.State())
		}
		if e := l.of(source.Disconnected); len(e) != 1 || e[0].Cause != "spent" {
			t.Errorf("events %+v", e)
		}
		if err := x.Run(t.Context(), l.sink); !errors.Is(err, source.ErrSpent) || x.State().Attempts != 1 {
			t.Errorf("again: %v, state %+v", err, x.State())
		}
	})
}

func TestNewXRefuses(t *testing.T) {
	good := source.XConfig{Name: "n", Bearer: "b", Convert: parse}
	if _, err := source.NewX(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*source.XConfig){
		"name":     func(c *source.XConfig) { c.Name = "" },
		"bearer":   func(c *source.XConfig) { c.Bearer = "" },
		"convert":  func(c *source.XConfig) { c.Convert = nil },
		"server":   func(c *source.XConfig) { c.BaseURL = "x.com" },
		"backfill": func(c *source.XConfig) { c.BackfillMinutes = 6 },
	} {
		c := good
		spoil(&c)
		if _, err := source.NewX(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
