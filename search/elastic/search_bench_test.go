package elastic_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// benchTweets is how many tweets the benchmark's archive has.
const benchTweets = 60_000

// BenchmarkNewest asks for the newest 20 by turns through the archive and by the request that one would write by hand for the same
// tweets; x/direct is the ratio of the medians. direct-bare does not even unpack what it gets.
func BenchmarkNewest(b *testing.B) {
	for i, url := range elastictest.URLs(b) {
		prefix := elastictest.Prefix(b)
		a := open(b, url, as(prefix, "bench"))
		imported(b, a, benchCorpus(), 1)
		for _, q := range []struct{ name, text, json string }{
			{"common", "common", `{"term":{"terms":"common"}}`},
			{"middle", "middle", `{"term":{"terms":"middle"}}`},
			{"rare", "rare", `{"term":{"terms":"rare"}}`},
			{"and", "common middle", `{"bool":{"filter":[{"term":{"terms":"common"}},{"term":{"terms":"middle"}}]}}`},
			{"phrase", `"common middle"`, `{"match_phrase":{"terms":"common middle"}}`},
			{"not", "common -middle", `{"bool":{"filter":[{"term":{"terms":"common"}}],"must_not":[{"term":{"terms":"middle"}}]}}`},
			{"dates", "#tag since:2013-05-02 until:2013-05-04", `{"bool":{"filter":[{"term":{"terms":"\uE006tag"}},{"range":{"created_at":{"gte":1367452800000,"lt":1367625600000}}}]}}`},
		} {
			b.Run(fmt.Sprintf("%d/%s", []int{7, 8}[min(i, 1)], q.name), func(b *testing.B) {
				e := parse(b, q.text)
				body := []byte(`{"size":20,"track_total_hits":false,"sort":[{"id":"desc"}],"_source":["frame"],"query":{"bool":{"filter":[` + q.json + `]}}}`)
				benchBeside(b, func() int {
					page, err := a.Search(b.Context(), search.Request{Query: e, Limit: 20})
					if err != nil {
						b.Fatal(err)
					}
					return len(page.Hits)
				}, func(unpack bool) int { return direct(b, url+"/"+prefix+"/_search", body, unpack) })
			})
		}
	}
}

// benchBeside measures ours and the direct request by turns.
func benchBeside(b *testing.B, ours func() int, direct func(unpack bool) int) {
	var times [3][]time.Duration
	run := []func() int{ours, func() int { return direct(true) }, func() int { return direct(false) }}
	for range 50 { // warm
		if n := run[0](); n != run[1]() || n != run[2]() {
			b.Fatal("not the same result")
		}
	}
	for b.Loop() {
		for k := range run {
			begin := time.Now()
			run[k]()
			times[k] = append(times[k], time.Since(begin))
		}
	}
	for k := range times {
		slices.Sort(times[k])
	}
	at := func(k, percent int) float64 {
		return float64(times[k][len(times[k])*percent/100].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(at(0, 50), "p50-ms")
	b.ReportMetric(at(0, 99), "p99-ms")
	b.ReportMetric(at(1, 50), "direct-ms")
	b.ReportMetric(at(2, 50), "direct-bare-ms")
	b.ReportMetric(at(0, 50)/at(1, 50), "x/direct")
}

func direct(b *testing.B, url string, body []byte, unpack bool) int {
	var answer struct {
		Hits struct {
			Hits []struct {
				Source struct {
					Frame []byte `json:"frame"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(post(b, url, body), &answer); err != nil {
		b.Fatal(err)
	}
	for _, h := range answer.Hits.Hits {
		if !unpack {
			break
		}
		if _, err := tweet.Unpack(h.Source.Frame); err != nil {
			b.Fatal(err)
		}
	}
	return len(answer.Hits.Hits)
}

func benchCorpus() []*tweet.Payload {
	r := rand.New(rand.NewPCG(1, 2))
	tweets := make([]*tweet.Payload, benchTweets)
	for i := range tweets {
		at := time.Date(2013, 5, 1, 0, 0, i*10, 0, time.UTC)
		words := "common"
		switch {
		case i%2000 == 0:
			words = "rare"
		case i%30 == 0:
			words = "common middle"
		case i%3 == 0:
			words = "other #tag"
		}
		for range 12 {
			words += fmt.Sprintf(" w%d", int(r.ExpFloat64()*500))
		}
		p := &tweet.Payload{Data: tweet.Tweet{ID: tweet.IDAt(at) + tweet.ID(i%3), Text: words, CreatedAt: at.Format(tweet.TimeLayout), AuthorID: tweet.ID(i%997 + 1), Lang: "en"}}
		p.Data.PublicMetrics = &tweet.TweetMetrics{LikeCount: int64(r.IntN(1000))}
		p.Includes = &tweet.Includes{Users: []tweet.User{{ID: p.Data.AuthorID, Username: fmt.Sprintf("user%d", p.Data.AuthorID), Name: "A name", Description: "what one says of oneself", PublicMetrics: &tweet.UserMetrics{FollowersCount: int64(r.IntN(5000))}}}}
		tweets[i] = p
	}
	return tweets
}

// BenchmarkOther measures what else is asked often.
func BenchmarkOther(b *testing.B) {
	for i, url := range elastictest.URLs(b) {
		a := open(b, url)
		imported(b, a, benchCorpus(), 1)
		r := search.Request{Query: parse(b, "common"), Limit: 20}
		days := []time.Time{time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC)}
		for range 8 {
			days = append(days, days[len(days)-1].AddDate(0, 0, 1))
		}
		liked := r
		liked.Sort = query.Likes
		for name, f := range map[string]func() error{
			"count": func() error { _, err := a.Count(b.Context(), r, days); return err },
			"facets": func() error {
				_, err := a.Facets(b.Context(), r, []search.Facet{search.Hashtags, search.Authors}, 10)
				return err
			},
			"words": func() error {
				_, err := a.Facets(b.Context(), r, []search.Facet{search.Words}, 10)
				return err
			},
			"likes": func() error { _, err := a.Search(b.Context(), liked); return err },
		} {
			b.Run(fmt.Sprintf("%d/%s", []int{7, 8}[min(i, 1)], name), func(b *testing.B) {
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
