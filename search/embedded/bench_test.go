package embedded_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// benchTweets is how many tweets the benchmarks' archive has; BIRDWATCH_BENCH_TWEETS changes it.
func benchTweets() int {
	if n, err := strconv.Atoi(os.Getenv("BIRDWATCH_BENCH_TWEETS")); err == nil {
		return n
	}
	return 100_000
}

// synthetic makes tweets of words whose frequencies fall as those of a language do; "w0" is in one of six.
type synthetic struct {
	zipf *rand.Zipf
	rnd  *rand.Rand
	raw  []byte
}

func newSynthetic() *synthetic {
	r := rand.New(rand.NewPCG(1, 2))
	return &synthetic{rand.NewZipf(r, 1.1, 8, 200_000), r, []byte(strings.Repeat(`{"user":{"profile_background_image_url":"http://example.com/themes/theme1/bg.png","default_profile":true},`, 20))}
}

func (s *synthetic) record(n int) tweet.Record {
	var b strings.Builder
	for range 14 {
		fmt.Fprintf(&b, "w%d ", s.zipf.Uint64())
	}
	id := tweet.IDAt(time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n)*100*time.Millisecond)) + tweet.ID(n&1023)
	at, _ := id.Time()
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: b.String(), AuthorID: tweet.ID(s.rnd.IntN(50_000) + 1), Lang: "en", CreatedAt: at.Format(tweet.TimeLayout), Source: "web",
		PublicMetrics: &tweet.TweetMetrics{LikeCount: s.rnd.Int64N(100)}, Entities: &tweet.Entities{Hashtags: []tweet.Tag{{Start: 0, End: 2, Tag: fmt.Sprintf("tag%d", s.zipf.Uint64()%1000)}}}}}
	p.Includes = &tweet.Includes{Users: []tweet.User{{ID: p.Data.AuthorID, Username: fmt.Sprintf("user%d", p.Data.AuthorID), Name: "A name", PublicMetrics: &tweet.UserMetrics{FollowersCount: s.rnd.Int64N(5000)}}}}
	body, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, Payload: body, Raw: append(s.raw[:len(s.raw):len(s.raw)], body...), Tweet: p}
}

func benchArchive(b *testing.B) (*embedded.Archive, time.Duration) {
	a := open(b, embedded.Options{})
	s := newSynthetic()
	var writing time.Duration
	for n := 0; n < benchTweets(); {
		recs := make([]tweet.Record, 0, 2000)
		for ; len(recs) < 2000 && n < benchTweets(); n++ {
			recs = append(recs, s.record(n))
		}
		began := time.Now()
		if _, err := a.Import(b.Context(), recs); err != nil {
			b.Fatal(err)
		}
		writing += time.Since(began)
	}
	return a, writing
}

// behind gives the id of the n-th newest match, or of the last.
func behind(b *testing.B, a *embedded.Archive, e query.Expr, n int) (last tweet.ID, err error) {
	page, err := a.Search(b.Context(), search.Request{Query: e, Limit: n})
	if err != nil || len(page.Hits) == 0 {
		return 0, err
	}
	return page.Hits[len(page.Hits)-1].ID, nil
}

// BenchmarkArchive fills an archive in id order and searches it: the newest 20, pages behind up to 100,000 matches, a histogram.
func BenchmarkArchive(b *testing.B) {
	a, writing := benchArchive(b)
	b.Logf("%d tweets in %v: %.0f a second", benchTweets(), writing.Round(time.Millisecond), float64(benchTweets())/writing.Seconds())
	page := func(name, text string, before tweet.ID) {
		r := search.Request{Query: parse(b, text), Limit: 20, BeforeID: before}
		b.Run(name+"/"+text, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := a.Search(b.Context(), r); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
	for _, text := range []string{"w0", "w100", "w50000", "w0 w1", "\"w0 w1\"", "w0 -w1", "#tag1 since:2013-05-01_01:00:00_UTC until:2013-05-01_02:00:00_UTC", "lang:en min_likes:90", ""} {
		page("newest20", text, 0)
	}
	for _, text := range []string{"w0", "w0 -w1", ""} {
		for _, n := range []int{100, 1000, 10_000, 100_000} { // the newest tweets are not in a block yet
			last, err := behind(b, a, parse(b, text), n)
			if err != nil {
				b.Fatal(err)
			}
			page(fmt.Sprint("behind", n), text, last)
		}
	}
	days := []time.Time{}
	for at := time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC); len(days) < 61; at = at.Add(24 * time.Hour) {
		days = append(days, at)
	}
	r := search.Request{Query: parse(b, "w0")}
	b.Run("histogram/w0", func(b *testing.B) {
		for b.Loop() {
			if _, err := a.Count(b.Context(), r, days); err != nil {
				b.Fatal(err)
			}
		}
	})
}
