package embedded_test

import (
	"slices"
	"testing"
	"time"

	"birdwatch/search"
)

// BenchmarkQueries asks an archive of made tweets what people ask: the newest 20, 20 from the middle, how many, and how many
// in each of 60 stretches of time. The medians are what counts.
func BenchmarkQueries(b *testing.B) {
	a, _ := benchArchive(b)
	s, err := a.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes on disk a tweet", s.Bytes/s.Tweets)
	var edges []time.Time
	first := time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC)
	span := time.Duration(benchTweets()) * 100 * time.Millisecond
	for i := range 61 {
		edges = append(edges, first.Add(span*time.Duration(i)/60))
	}
	for _, text := range []string{"w0", "w100", "w50000", "w0 w1", "w100 OR w5000", `"w0 w1"`, `"w0 w9"~3`, "w0 -w1", "w0 min_likes:90", "w3 (min_likes:99 OR w9)",
		"w3 -(min_likes:50 w9)", `"w0 w0"~5`, "w50*", ""} {
		e := parse(b, text)
		page := search.Request{Query: e, Limit: 20}
		middle := page
		middle.End = first.Add(span / 2)
		for _, ask := range []struct {
			name string
			f    func() error
		}{
			{"newest", func() error { _, err := a.Search(b.Context(), page); return err }},
			{"middle", func() error { _, err := a.Search(b.Context(), middle); return err }},
			{"total", func() error { _, err := a.Count(b.Context(), page, always); return err }},
			{"buckets", func() error { _, err := a.Count(b.Context(), page, edges); return err }},
		} {
			b.Run(ask.name+"/"+text, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					began := time.Now()
					if err := ask.f(); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			})
		}
	}
}
