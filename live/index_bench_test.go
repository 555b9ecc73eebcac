package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// streamed are tweets of real stream grabs, or nothing where they are not at hand.
var streamed = sync.OnceValue(func() (ps []*tweet.Payload) {
	shared := os.Getenv("BIRDWATCH_SHARED")
	if shared == "" {
		shared = "../../shared"
	}
	grabs := filepath.Join(shared, "data/unlicensed/ia-twitterstream")
	if _, err := os.Stat(grabs); err != nil {
		return nil
	}
	for it := range format.Files(context.Background(), []string{grabs}, format.Options{}) {
		for _, r := range it.Records {
			if r.Kind != tweet.KindTweet {
				continue
			}
			if p, err := r.Decoded(); err == nil && len(ps) < 20_000 {
				ps = append(ps, p)
			}
		}
	}
	return ps
})

// vocabulary draws words as often as the tweets have them, those of two letters and more.
func vocabulary(targets []query.Target, r *rand.Rand) func() string {
	return func() string {
		for {
			t := &targets[r.IntN(len(targets))].Terms
			if t.Words() == 0 {
				continue
			}
			if w := string(t.Word(r.IntN(t.Words()))); len(w) > 1 && !strings.ContainsAny(w, "\"()*:-~#@$|") {
				return w
			}
		}
	}
}

// BenchmarkIndexReal matches tweets of real streams against standing queries of the kinds people write, of the tweets' own words:
// with their terms given; from the tweet, whose terms are made; and from the journal's entry, which is decoded. Figures are per second of
// CPU time. Tweets and entries are so few that they stay in the cache, as those are that were just read.
func BenchmarkIndexReal(b *testing.B) {
	payloads := streamed()
	if len(payloads) == 0 {
		b.Skip("SKIPPED LOUDLY: no stream grabs in ../shared/data")
	}
	targets := make([]query.Target, len(payloads))
	for i, p := range payloads {
		targets[i].Set(p)
	}
	few := payloads[:4000]
	entries := make([]tweet.Entry, len(few))
	for i, p := range few {
		bytes, err := tweet.Encode(p)
		if err != nil {
			b.Fatal(err)
		}
		entries[i].Payload = bytes
	}
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		x := live.NewIndex()
		for i := range targets {
			x.Match(&targets[i])
		}
		qs := standingQueries(n, vocabulary(targets, rand.New(rand.NewPCG(5, 6))))
		before, started := heap(), cpuTime()
		for _, e := range qs {
			x.Take(e)
		}
		x.Match(&targets[0])
		took := cpuTime() - started
		x.Seal()
		x.Match(&targets[0])
		bytes := float64(heap()-before) / float64(n)
		var t query.Target
		for name, match := range map[string]func(i int) int{
			"terms": func(i int) int { return x.Match(&targets[i%len(targets)]) },
			"tweet": func(i int) int { return x.MatchTweet(few[i%len(few)], &t) },
			"entry": func(i int) int {
				p, err := entries[i%len(entries)].Decoded()
				if err != nil {
					b.Fatal(err)
				}
				return x.MatchTweet(p, &t)
			},
		} {
			b.Run(fmt.Sprint(n, "/", name), func(b *testing.B) {
				matches, i, begun := 0, 0, cpuTime()
				b.ReportAllocs()
				for b.Loop() {
					matches += match(i)
					i++
				}
				b.ReportMetric(float64(i)/(cpuTime()-begun).Seconds(), "tweets/s")
				b.ReportMetric(float64(matches)/float64(i), "matches/tweet")
				b.ReportMetric(float64(n)/took.Seconds(), "registrations/s")
				b.ReportMetric(bytes, "B/query")
			})
		}
		runtime.KeepAlive(qs)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
