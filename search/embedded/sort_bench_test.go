package embedded_test

import (
	"testing"

	"birdwatch/query"
	"birdwatch/search"
)

// BenchmarkSorted asks an archive of made tweets for the 20 with the most likes, the most relevant 20, and the values of the newest
// matches, of common, middle and rare words; and makes its index again.
func BenchmarkSorted(b *testing.B) {
	a, _ := benchArchive(b)
	for _, text := range []string{"w0", "w100", "w50000", "w0 w1", `"w0 w0"~5`, ""} {
		e := parse(b, text)
		for _, by := range []struct {
			name   string
			figure query.Figure
		}{{"likes", query.Likes}, {"relevancy", query.Relevancy}} {
			b.Run(by.name+"/"+text, func(b *testing.B) {
				for b.Loop() {
					if _, err := a.Search(b.Context(), search.Request{Query: e, Sort: by.figure, Limit: 20}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run("facets/all/"+text, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.Facets(b.Context(), search.Request{Query: e}, allFacets, 10); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("facets/hashtags/"+text, func(b *testing.B) {
			for b.Loop() {
				if _, err := a.Facets(b.Context(), search.Request{Query: e}, allFacets[:1], 10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("reindex", func(b *testing.B) {
		for b.Loop() {
			if err := a.Reindex(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(benchTweets()*b.N)/b.Elapsed().Seconds(), "tweets/s")
	})
}
