package live_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"birdwatch/live"
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
