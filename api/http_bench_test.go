package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/api"
	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// copied fills an archive with copies of the bundled tweets under new ids, n in all.
func copied(b *testing.B, n int) *embedded.Archive {
	a, err := embedded.Open(b.Context(), filepath.Join(b.TempDir(), "archive.db"), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { a.Close() })
	var payloads []*tweet.Payload
	for line := range sample.Lines() {
		recs, _, err := format.Parse(line, tweet.Provenance{}, 0)
		if err != nil {
			b.Fatal(err)
		}
		p, err := recs[0].Decoded()
		if err != nil {
			b.Fatal(err)
		}
		payloads = append(payloads, p)
	}
	var recs []tweet.Record
	for k := range n {
		p := *payloads[k%len(payloads)]
		at := time.Date(2020, 1, 1, 0, 0, k, 0, time.UTC)
		p.Data.ID, p.Data.CreatedAt = tweet.IDAt(at)+tweet.ID(k&1023), at.Format(tweet.TimeLayout)
		body, err := tweet.Encode(&p)
		if err != nil {
			b.Fatal(err)
		}
		if recs = append(recs, tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, Payload: body, Raw: body}); len(recs) == 2000 || k == n-1 {
			if _, err := a.Import(b.Context(), recs); err != nil {
				b.Fatal(err)
			}
			recs = nil
		}
	}
	return a
}

// BenchmarkHTTP asks an archive of copies of real tweets for the newest 20, directly and over HTTP by turns: adds-ms is the difference of the
// medians.
func BenchmarkHTTP(b *testing.B) {
	a := copied(b, 20_000)
	w := newWorld()
	server := httptest.NewUnstartedServer(nil)
	served, err := api.New(api.Config{Addr: server.Listener.Addr().String()}, api.Deps{Searcher: a, Facets: a, Reader: a, Hub: live.NewHub(w, past{w}, live.Options{}), Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	server.Config = served.HTTPServer()
	server.Start()
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, text := range []string{"the", "lang:en has:mentions", "-is:retweet"} {
		q, err := query.Parse(text, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		address := server.URL + "/2/tweets/search/all?max_results=20&query=" + url.QueryEscape(text)
		ways := []func() error{
			func() error {
				_, err := a.Search(context.Background(), search.Request{Query: q.Expr, Limit: 20})
				return err
			},
			func() error {
				r, err := http.Get(address)
				if err != nil {
					return err
				}
				defer r.Body.Close()
				if r.StatusCode != http.StatusOK {
					b.Fatal(r.Status)
				}
				_, err = io.Copy(io.Discard, r.Body)
				return err
			},
		}
		b.Run(text, func(b *testing.B) {
			var took [2][]time.Duration
			for b.Loop() {
				for k, way := range ways {
					began := time.Now()
					if err := way(); err != nil {
						b.Fatal(err)
					}
					took[k] = append(took[k], time.Since(began))
				}
			}
			ms := func(k int) float64 {
				slices.Sort(took[k])
				return float64(took[k][len(took[k])/2].Microseconds()) / 1000
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(0), "direct-ms")
			b.ReportMetric(ms(1), "http-ms")
			b.ReportMetric(ms(1)-ms(0), "adds-ms")
		})
	}
}
