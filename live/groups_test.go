package live_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// TestIndexFreesWhatGoes: of queries that went, and of those that came in their stead, hardly anything is kept. Where some of them stay,
// which are next to all the others, it is no more than the room for as many.
func TestIndexFreesWhatGoes(t *testing.T) {
	const n = 20_000
	for _, of := range []struct {
		stay int // one in so many, of the first
		most float64
	}{{n, 4}, {64, 48}} {
		var target query.Target
		target.Set(payload(1, "go"))
		x := live.NewIndex()
		x.Match(&target) // it learns
		empty := heap()
		for round := range 4 {
			var removes []func()
			for i := range n {
				remove := x.Take(parse(fmt.Sprintf("r%dw%d r%dv%d", round, i%150, round, i/150)).Expr)
				if round > 0 || i%of.stay != of.stay-1 {
					removes = append(removes, remove)
				}
			}
			x.Seal()
			x.Match(&target)
			for _, remove := range removes {
				remove()
			}
			x.Seal()
			x.Match(&target)
			if groups, _, _ := x.Count(); groups != n/of.stay {
				t.Fatalf("%d groups are left", groups)
			}
			removes = nil
			if left := float64(int64(heap()-empty)) / n; left > of.most {
				t.Errorf("round %d: %.1f bytes a query are left, where one in %d stays", round, left, of.stay)
			}
		}
		runtime.KeepAlive(x)
	}
}

// TestIndexIsSmall: beside the queries, which are their owners', a query takes no more than a cache line.
func TestIndexIsSmall(t *testing.T) {
	const n = 20_000
	var target query.Target
	target.Set(payload(1, "go"))
	x := live.NewIndex()
	x.Match(&target) // it learns
	qs := make([]query.Expr, n)
	for i := range qs {
		qs[i] = parse(fmt.Sprintf("w%d v%d", i%3000, i/5)).Expr // a word for each three, about
	}
	empty := heap()
	for _, e := range qs {
		x.Take(e)
	}
	x.Match(&target)
	x.Seal()
	x.Match(&target)
	if size := float64(int64(heap()-empty)) / n; size > 64 {
		t.Errorf("%.1f bytes a query", size)
	}
	runtime.KeepAlive(qs)
	runtime.KeepAlive(x)
}

// TestIdsAreUsedAgain: a query that has the id of one that went is not taken for it: neither by who catches up with what the other has
// tried, nor by whoever keeps what it made for equal queries.
func TestIdsAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("e", 0)
		w.tweet(1, "go")
		w.tweet(2, "rust")
		hub, stop := startHub(t, w, live.Options{})
		defer stop()
		var both query.Target
		both.Set(payload(3, "go rust"))
		likes := map[any]bool{}
		for _, of := range []struct{ text, want string }{{"go", "1@e-1"}, {"rust", "2@e-2"}} {
			r := read(t, hub, live.Request{Queries: []live.Query{parse(of.text)}, Resume: &live.Place{Position: tweet.Position{Epoch: "e"}}})
			synctest.Wait()
			check(t, r.events, of.want)
			likes[r.events[0].Queries[0].Like] = true
			if ids := live.IndexOf(hub).IDs(&both); !slices.Equal(ids, []uint32{0}) {
				t.Fatalf("ids %d", ids)
			}
			r.stop()
			live.IndexOf(hub).Seal()
			live.IndexOf(hub).Count() // takes the seal over
		}
		if len(likes) != 2 {
			t.Error("two queries have the same Like")
		}
	})
}

// TestSlots: what was put in is found until it is dropped, whatever shares its hash.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		spread := rapid.SampledFrom([]uint32{1, 0x9E3779B9, 1 << 31, 1 << 20}).Draw(rt, "spread")
		most := rapid.SampledFrom([]int{3, 200, 3000}).Draw(rt, "most")
		hashOf := func(n uint32) uint32 { return n / 3 * spread }
		s := live.NewSlots(67)
		in := map[uint32]bool{}
		for range rapid.IntRange(1, 4000).Draw(rt, "steps") {
			n := uint32(rapid.IntRange(1, most).Draw(rt, "number"))
			if s.Has(n, hashOf(n)) != in[n] {
				rt.Fatalf("%d is in: %v", n, in[n])
			}
			if in[n] {
				s.Drop(n, hashOf)
				delete(in, n)
			} else {
				s.Put(n, hashOf)
				in[n] = true
			}
		}
		for n := range uint32(most) {
			if s.Has(n+1, hashOf(n+1)) != in[n+1] {
				rt.Fatalf("in the end %d is in: %v", n+1, in[n+1])
			}
		}
	})
}

// TestMembers: in whatever order they come and go, a group has those that are there, each once.
func TestMembers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var members live.Members
		in := map[uint32][]*live.Member{}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			group := rapid.SampledFrom([]uint32{0, 1, 63, 64, 300}).Draw(rt, "group")
			if n := len(in[group]); n > 0 && rapid.Bool().Draw(rt, "leaves") {
				i := rapid.IntRange(0, n-1).Draw(rt, "which")
				members.Remove(group, in[group][i])
				in[group] = slices.Delete(in[group], i, i+1)
			} else {
				in[group] = append(in[group], members.Add(group))
			}
			for _, m := range in[group] {
				if times, all := members.Has(group, m); times != 1 || all != len(in[group]) {
					rt.Fatalf("one of %d is there %d times, among %d", len(in[group]), times, all)
				}
			}
		}
		for group, ms := range in {
			if _, all := members.Has(group, new(live.Member)); all != len(ms) {
				rt.Fatalf("group %d has %d members, want %d", group, all, len(ms))
			}
		}
	})
}
