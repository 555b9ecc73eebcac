package live_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// BenchmarkFanOut hands every tweet to a thousand subscriptions with the same query, each taken by a goroutine of its own.
// A subscription's memory counts that goroutine.
func BenchmarkFanOut(b *testing.B) {
	const readers = 1000
	w := newWorld("e", 0)
	hub := live.NewHub(w, past{w}, live.Options{Box: 1 << 20})
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := hub.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var ready, taken sync.WaitGroup
	for range readers {
		ready.Add(1)
		all.Go(func() { takeAll(b, ctx, hub, &ready, &taken) })
	}
	ready.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	id := tweet.ID(0)
	for b.Loop() {
		id++
		taken.Add(readers)
		w.tweet(id, "go")
		taken.Wait()
	}
	b.ReportMetric(float64(readers)*float64(id)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/readers, "B/subscription")
	cancel()
	all.Wait()
}

func takeAll(b *testing.B, ctx context.Context, hub *live.Hub, ready, taken *sync.WaitGroup) {
	req := live.Request{Queries: []live.Query{parse("go")}}
	s, err := hub.Subscribe(ctx, req)
	for err != nil { // Run has not begun
		runtime.Gosched()
		s, err = hub.Subscribe(ctx, req)
	}
	defer s.Close()
	for e, err := range s.Events(ctx) {
		switch {
		case err != nil:
			b.Error(err)
		case e.Kind == live.Live:
			ready.Done()
		case e.Kind == live.Tweet:
			taken.Done()
		}
	}
}

// BenchmarkFanOutAlone hands a tweet to subscriptions that take nothing meanwhile: all with the same query, and each with its own.
func BenchmarkFanOutAlone(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		for name, queryOf := range map[string]func(i int) string{
			"same": func(int) string { return "go" },
			"own":  func(i int) string { return fmt.Sprintf("go -w%d", i) },
		} {
			b.Run(fmt.Sprint(n, "/", name), func(b *testing.B) {
				w := newWorld("e", 0)
				hub := live.NewHub(w, past{w}, live.Options{MaxSubscriptions: n})
				var running sync.WaitGroup
				ctx, cancel := context.WithCancel(b.Context())
				running.Go(func() {
					if err := hub.Run(ctx); err != nil {
						b.Error(err)
					}
				})
				defer func() { cancel(); running.Wait() }()
				<-hub.Started()
				for i := range n {
					s, err := hub.Subscribe(ctx, live.Request{Queries: []live.Query{parse(queryOf(i))}, Wake: func() {}})
					if err != nil {
						b.Fatal(err)
					}
					for _, err := range s.Ready(ctx) { // to the journal's end
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				var target query.Target
				target.Set(payload(1, "go"))
				live.IndexOf(hub).Match(&target)
				rounds := 0
				for b.Loop() {
					hub.FanOut(&target, tweet.Seq(1))
					if got := hub.Empty(); got != n {
						b.Fatal(got)
					}
					rounds++
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rounds*n), "ns/member")
			})
		}
	}
}
