package api_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"birdwatch/api"
)

// TestRounds: a stream that is woken during a round has its turn in the next; that begins at once after a short round, and after a pause behind a long one.
func TestRounds(t *testing.T) {
	r, at := &api.Rounds{}, time.Unix(0, 0)
	take := func(most int, want []int, wantMore bool, wantRest time.Duration) {
		t.Helper()
		if got, more, rest := r.Take(most, at); !slices.Equal(got, want) || more != wantMore || rest != wantRest {
			t.Fatalf("%v %v %v, want %v %v %v", got, more, rest, want, wantMore, wantRest)
		}
	}
	done := func(n int, want bool) {
		t.Helper()
		if r.Done(n, at) != want {
			t.Fatalf("again %v", !want)
		}
	}
	take(9, nil, false, 0)
	if !r.Put(1) || r.Put(2) || r.Put(3) {
		t.Fatal("the first is told of, and no other")
	}
	take(2, []int{1, 2}, true, 0)
	r.Put(4)
	take(2, []int{3}, false, 0)
	take(2, nil, false, 0) // 1, 2 and 3 are being visited
	done(1, false)
	done(2, true) // within no time
	take(2, []int{4}, false, 0)
	at = at.Add(8 * time.Millisecond)
	r.Put(5)
	done(1, true)
	take(2, nil, false, 2*time.Millisecond)
	at = at.Add(time.Millisecond)
	r.Put(6)
	take(2, nil, false, time.Millisecond)
	at = at.Add(time.Millisecond)
	take(2, []int{5, 6}, false, 0)
	at = at.Add(time.Hour)
	done(2, false)
	r.Put(7)
	take(2, nil, false, 10*time.Millisecond) // no longer than that
	at = at.Add(-time.Hour)                  // the clock was set back
	take(2, nil, false, 10*time.Millisecond)
	at = at.Add(time.Hour + 10*time.Millisecond)
	take(2, []int{7}, false, 0)
	done(1, false)
}

// TestRoundsLoseNobody: whoever has a turn is visited once for it, in the order of the turns, as many as there are who visit.
func TestRoundsLoseNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, at := &api.Rounds{}, time.Unix(0, 0)
		var put, got, visits []int
		settle := func() {
			for len(visits) > 0 {
				r.Done(visits[0], at)
				visits = visits[1:]
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put":  func(t *rapid.T) { put = append(put, len(put)); r.Put(len(put) - 1) },
			"wait": func(t *rapid.T) { at = at.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "ms")) * time.Millisecond) },
			"take": func(t *rapid.T) {
				batch, _, _ := r.Take(rapid.IntRange(1, 3).Draw(t, "most"), at)
				if got = append(got, batch...); len(batch) > 0 {
					visits = append(visits, len(batch))
				}
			},
			"done": func(t *rapid.T) {
				if len(visits) > 0 {
					r.Done(visits[0], at)
					visits = visits[1:]
				}
			},
		})
		for len(got) < len(put) {
			settle()
			at = at.Add(time.Second)
			batch, _, rest := r.Take(3, at)
			if len(batch) == 0 {
				t.Fatalf("%d of %d, then nothing, %v to rest", len(got), len(put), rest)
			}
			got, visits = append(got, batch...), append(visits, len(batch))
		}
		if !slices.Equal(got, put) {
			t.Fatalf("%v", got)
		}
	})
}
