package embedded_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// benchTweets is how many tweets the benchmarks search; BIRDWATCH_BENCH_TWEETS says otherwise.
const benchTweets = 100_000

// vocabulary is how many different words the made tweets have. The n-th commonest is w<n>; w0 stands in nearly every tweet.
const vocabulary = 50_000

// maker makes tweets with words by Zipf's law, of the sizes that real ones have.
type maker struct {
	r *rand.Rand
	z *rand.Zipf
	n int
}

func newMaker() *maker {
	r := rand.New(rand.NewPCG(1, 2))
	return &maker{r: r, z: rand.NewZipf(r, 1.1, 3, vocabulary-1)}
}

var languages = []string{"en", "en", "en", "ja", "es", "ar", "und"}

func (m *maker) next() tweet.Record {
	m.n++
	at := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(m.n) * 7 * time.Second)
	words := make([]string, 8+m.r.IntN(14))
	for i := range words {
		words[i] = "w" + strconv.FormatUint(m.z.Uint64(), 10)
	}
	user := tweet.ID(1 + m.r.IntN(20_000))
	e := &tweet.Entities{}
	if m.r.IntN(3) == 0 {
		e.Hashtags = append(e.Hashtags, tweet.Tag{Tag: "tag" + strconv.FormatUint(m.z.Uint64(), 10)})
	}
	if m.r.IntN(4) == 0 {
		address := "https://example" + strconv.Itoa(m.r.IntN(500)) + ".com/news/" + strconv.Itoa(m.r.IntN(100_000))
		e.URLs = append(e.URLs, tweet.URL{URL: "https://t.co/abcdefgh", ExpandedURL: address, DisplayURL: address[8:]})
	}
	name := "user" + user.String()
	p := &tweet.Payload{
		Data: tweet.Tweet{ID: tweet.IDAt(at) + tweet.ID(m.n&1023), Text: strings.Join(words, " "), AuthorID: user, CreatedAt: at.Format(tweet.TimeLayout),
			Entities: e, Lang: languages[m.r.IntN(len(languages))], Source: "Twitter for iPhone", ConversationID: tweet.IDAt(at) + tweet.ID(m.n&1023),
			PublicMetrics: &tweet.TweetMetrics{LikeCount: int64(m.z.Uint64()), RetweetCount: int64(m.z.Uint64())}, ReplySettings: "everyone"},
		Includes: &tweet.Includes{Users: []tweet.User{{ID: user, Name: "The User " + name, Username: name, CreatedAt: "2010-01-01T00:00:00.000Z",
			Description: "writes about " + words[0] + " and " + words[1] + ", lives with " + words[2], Location: "Town " + strconv.Itoa(int(user)%300),
			ProfileImageURL: "https://pbs.twimg.com/profile_images/" + name + "/photo_normal.jpg",
			PublicMetrics:   &tweet.UserMetrics{FollowersCount: int64(m.z.Uint64()), FollowingCount: 300, TweetCount: 4000, ListedCount: 3}}}},
	}
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	// A v1.1 line is longer than its payload, most of it names of fields and addresses.
	raw := fmt.Appendf(nil, `{"created_at":"%s","id":%d,"id_str":"%d","text":%q,"source":"<a href=\"http://twitter.com/download/iphone\" rel=\"nofollow\">Twitter for iPhone</a>",%s,"payload":%s}`,
		at.Format(time.RubyDate), p.Data.ID, p.Data.ID, p.Data.Text, v1Fields, b)
	return tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, UserID: user, CapturedAt: at.UnixMilli(), Payload: b, Raw: raw, Tweet: p}
}

var v1Fields = strings.TrimSuffix(strings.Repeat(`"in_reply_to_status_id":null,"in_reply_to_user_id":null,"profile_background_image_url":"http://abs.twimg.com/images/themes/theme1/bg.png","profile_link_color":"1DA1F2","default_profile":true,`, 8), ",")

func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("BIRDWATCH_BENCH_TWEETS")); err == nil && n > 0 {
		return n
	}
	return benchTweets
}

// batchSize is how many records an import writes at once.
const batchSize = 2000

func importMade(b *testing.B, a *embedded.Archive, m *maker, n int) (spent time.Duration) {
	b.Helper()
	for n > 0 {
		recs := make([]tweet.Record, min(n, batchSize))
		for i := range recs {
			recs[i] = m.next()
		}
		began := time.Now()
		if _, err := a.Import(context.Background(), recs); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(began)
		n -= len(recs)
	}
	return spent
}

// filled is the archive that all benchmarks search.
var filled = sync.OnceValues(func() (*embedded.Archive, error) {
	dir, err := os.MkdirTemp("", "birdwatch-bench")
	if err != nil {
		return nil, err
	}
	benchDir = dir
	return embedded.Open(context.Background(), filepath.Join(dir, "archive.db"), embedded.Options{})
})

var (
	benchDir   string
	benchSpent time.Duration
)

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(helper())
	}
	code := m.Run()
	if benchDir != "" {
		if a, err := filled(); err == nil {
			a.Close()
		}
		os.RemoveAll(benchDir)
	}
	os.Exit(code)
}

func benchArchive(b *testing.B) *embedded.Archive {
	b.Helper()
	a, err := filled()
	if err != nil {
		b.Fatal(err)
	}
	if benchSpent == 0 {
		benchSpent = importMade(b, a, newMaker(), benchSize())
		s, err := a.Stats(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%d tweets at %.0f a second, %d bytes on disk a tweet", s.Tweets, float64(benchSize())/benchSpent.Seconds(), s.Bytes/s.Tweets)
	}
	return a
}

func BenchmarkImport(b *testing.B) {
	a, err := embedded.Open(b.Context(), filepath.Join(b.TempDir(), "archive.db"), embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	m := newMaker()
	var size int
	recs := make([][]tweet.Record, 0, b.N/batchSize+1)
	for n := b.N; n > 0; n -= batchSize {
		batch := make([]tweet.Record, min(n, batchSize))
		for i := range batch {
			batch[i] = m.next()
			size += len(batch[i].Payload) + len(batch[i].Raw)
		}
		recs = append(recs, batch)
	}
	b.ResetTimer()
	for _, batch := range recs {
		if _, err := a.Import(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tweets/s")
	b.ReportMetric(float64(size)/float64(b.N), "bytes/tweet")
}

// benchQueries are what people ask; each is a page of the newest 20 and a count by day.
var benchQueries = []struct{ name, text string }{
	{"common", "w0"},
	{"middle", "w300"},
	{"rare", "w40000"},
	{"and", "w1 w20"},
	{"or", "w300 OR w4000"},
	{"phrase", `"w0 w1"`},
	{"near", `"w0 w9"~3`},
	{"not", "w0 -w1"},
	{"lang", "lang:ja"},
	{"filters", "w3 lang:en -has:links"},
	{"figures", "w3 min_likes:1000"},
	{"mixed", "w3 (min_likes:1000 OR lang:ja)"},
	{"mixed not", "w3 -(min_likes:1000 lang:ja)"},
	{"repeated", `"w0 w0"~5`},
	{"prefix", "w400*"},
	{"all", ""},
}

func BenchmarkPage(b *testing.B)  { benchPages(b, func(*search.Request) {}) }
func BenchmarkMiddle(b *testing.B) {
	benchPages(b, func(r *search.Request) {
		r.BeforeID = tweet.IDAt(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(benchSize()/2) * 7 * time.Second))
	})
}

func benchPages(b *testing.B, set func(*search.Request)) {
	for _, q := range benchQueries {
		b.Run(q.name, func(b *testing.B) {
			a := benchArchive(b)
			r := search.Request{Query: parse(b, q.text), Limit: 20}
			set(&r)
			p50(b, func() error {
				_, err := a.Search(b.Context(), r)
				return err
			})
		})
	}
}

func BenchmarkCount(b *testing.B) {
	for _, q := range benchQueries {
		b.Run(q.name, func(b *testing.B) {
			a := benchArchive(b)
			start := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)
			step := time.Duration(benchSize()) * 7 * time.Second / 60
			var edges []time.Time
			for i := range 61 {
				edges = append(edges, start.Add(time.Duration(i)*step))
			}
			p50(b, func() error {
				_, err := a.Count(b.Context(), search.Request{Query: parse(b, q.text)}, edges)
				return err
			})
		})
	}
}

func BenchmarkTotal(b *testing.B) {
	for _, q := range benchQueries {
		b.Run(q.name, func(b *testing.B) {
			a := benchArchive(b)
			p50(b, func() error {
				_, err := a.Count(b.Context(), search.Request{Query: parse(b, q.text)}, always)
				return err
			})
		})
	}
}

func parse(t testing.TB, text string) query.Expr {
	t.Helper()
	q, err := query.Parse(text, time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return q.Expr
}

// p50 reports the median of f's times beside the mean.
func p50(b *testing.B, f func() error) {
	b.Helper()
	var times []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
}
