package elastic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	elasticsearch "github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"golang.org/x/sync/errgroup"

	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// writtenTweets is how many tweets are written; BIRDWATCH_BENCH_TWEETS changes it.
func writtenTweets() int {
	if n, err := strconv.Atoi(os.Getenv("BIRDWATCH_BENCH_TWEETS")); err == nil {
		return n
	}
	return 30_000
}

// synthetic makes tweets of words whose frequencies fall as those of a language do, from the n-th on.
func synthetic(t testing.TB, from, n int) (recs []tweet.Record) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(from)))
	zipf := rand.NewZipf(r, 1.1, 8, 200_000)
	rest := []byte(strings.Repeat(`{"user":{"profile_background_image_url":"http://example.com/themes/theme1/bg.png","default_profile":true},`, 20))
	for k := from; k < from+n; k++ {
		var words strings.Builder
		for range 14 {
			fmt.Fprintf(&words, "w%d ", zipf.Uint64())
		}
		id := tweet.IDAt(time.Date(2013, 5, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(k)*100*time.Millisecond)) + tweet.ID(k&1023)
		at, _ := id.Time()
		p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: words.String(), AuthorID: tweet.ID(r.IntN(50_000) + 1), Lang: "en", CreatedAt: at.Format(tweet.TimeLayout), Source: "web",
			PublicMetrics: &tweet.TweetMetrics{LikeCount: r.Int64N(100)}, Entities: &tweet.Entities{Hashtags: []tweet.Tag{{Start: 0, End: 2, Tag: fmt.Sprintf("tag%d", zipf.Uint64()%1000)}}}}}
		p.Includes = &tweet.Includes{Users: []tweet.User{{ID: p.Data.AuthorID, Username: fmt.Sprintf("user%d", p.Data.AuthorID), Name: "A name", PublicMetrics: &tweet.UserMetrics{FollowersCount: r.Int64N(5000)}}}}
		rec := record(t, p)
		rec.Raw = append(rest[:len(rest):len(rest)], rec.Payload...)
		c := rec.Content()
		frame, err := c.Pack() // as the journal has it
		if err != nil {
			t.Fatal(err)
		}
		rec.Frame = frame
		recs = append(recs, rec)
	}
	return recs
}

// benchPart is how many tweets one way of writing is given before the next has its turn: what else the machine does is then the same for all.
const benchPart = 6000

// BenchmarkWrite writes the same tweets by Import, by Apply, and by bare bulk loaders of several sizes, by turns, and gives tweets a second. A bare loader
// is given its documents ready made ("lines"), or makes them on its way ("records"), as Import has to.
func BenchmarkWrite(b *testing.B) {
	n := writtenTweets()
	for _, url := range elastictest.URLs(b) {
		version, err := elastictest.Version(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(version, func(b *testing.B) {
			loaders := []loader{newImport(b, url), newApply(b, url)}
			for _, size := range []int{1 << 20, 5 << 20, 10 << 20} {
				loaders = append(loaders, newBare(b, url, size, true), newBare(b, url, size, false))
			}
			took := make([]time.Duration, len(loaders))
			for from := 0; from < n; from += benchPart {
				recs := synthetic(b, from, min(benchPart, n-from))
				for i := range loaders {
					k := (i + from/benchPart) % len(loaders)
					d := loaders[k].load(recs)
					if from > 0 { // the first warms up
						took[k] += d
					}
				}
			}
			for i, l := range loaders {
				b.ReportMetric(float64(n-benchPart)/took[i].Seconds(), l.name+"-tweets/s")
			}
		})
	}
}

// loader is one way of writing.
type loader struct {
	name string
	load func([]tweet.Record) time.Duration
}

func newImport(b *testing.B, url string) loader {
	a := open(b, url)
	return loader{"import", func(recs []tweet.Record) time.Duration {
		began := time.Now()
		var g errgroup.Group
		g.SetLimit(2) // as ingest.Importer does
		for part := range slices.Chunk(recs, 2000) {
			g.Go(func() error {
				_, err := a.Import(b.Context(), part)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}}
}

func newApply(b *testing.B, url string) loader {
	a := open(b, url)
	seq := tweet.Seq(0)
	return loader{"apply", func(recs []tweet.Record) time.Duration {
		es := make([]tweet.Entry, len(recs))
		for i := range recs {
			seq++
			es[i] = tweet.Entry{Seq: seq, FirstSeq: seq, Record: recs[i]}
		}
		began := time.Now()
		for part := range slices.Chunk(es, 1000) {
			if _, err := a.Apply(b.Context(), part, tweet.Position{Epoch: "e", Seq: part[len(part)-1].Seq}); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}}
}

// newBare loads by the client's own bulk indexer, as one who wants nothing but the documents in the index.
func newBare(b *testing.B, url string, size int, made bool) loader {
	prefix := elastictest.Prefix(b)
	open(b, url, as(prefix, "w")) // it makes the template
	index := prefix + "-2013-000001"
	ask(b, "PUT", url+"/"+index, "{}")
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}})
	if err != nil {
		b.Fatal(err)
	}
	item := func(r *tweet.Record) esutil.BulkIndexerItem {
		version, body, err := elastic.BulkLine(r)
		if err != nil {
			b.Fatal(err)
		}
		return esutil.BulkIndexerItem{Action: "index", DocumentID: r.ID.String(), Version: &version, VersionType: "external_gte", Body: bytes.NewReader(body)}
	}
	name := fmt.Sprintf("bare-%dMB-%s", size>>20, map[bool]string{true: "lines", false: "records"}[made])
	return loader{name, func(recs []tweet.Record) time.Duration {
		items := make([]esutil.BulkIndexerItem, len(recs))
		for i := range recs {
			if made {
				items[i] = item(&recs[i])
			}
		}
		began := time.Now()
		l, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: index, NumWorkers: 2, FlushBytes: size})
		if err != nil {
			b.Fatal(err)
		}
		for i := range items {
			if !made {
				items[i] = item(&recs[i])
			}
			if err := l.Add(b.Context(), items[i]); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		if s := l.Stats(); s.NumFailed > 0 || s.NumIndexed != uint64(len(recs)) {
			b.Fatalf("%+v", s)
		}
		return took
	}}
}
