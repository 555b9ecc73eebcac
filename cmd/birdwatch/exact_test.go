package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-json"

	"birdwatch/api/client"
	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/live"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// setting reads a number of the environment: the long runs are this test with larger ones.
func setting(name string, absent int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return absent
}

// TestExact: while a stream flows, with deletes, subscribers join, leave, stall and resume at random, and the server is killed
// again and again. Then what each was sent is compared with what journal and archive hold. scripts/exactness runs it long.
func TestExact(t *testing.T) { exact(t, dataFlags{Data: t.TempDir()}) }

// TestExactOnElasticsearch is the same with the archive there.
func TestExactOnElasticsearch(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		exact(t, onElastic(t, url))
	})
}

// onElastic is a folder of its own with the archive in an Elasticsearch.
func onElastic(t *testing.T, url string) dataFlags {
	return dataFlags{Data: t.TempDir(), Elastic: []string{url}, With: elasticFlags{Prefix: elastictest.Prefix(t), Period: "year", Shards: 1, Refresh: 200 * time.Millisecond}}
}

// args are the flags as a command line has them.
func (f *dataFlags) args() []string {
	args := []string{"--data", f.Data}
	for _, u := range f.Elastic {
		args = append(args, "--elastic", u)
	}
	if f.outside() {
		args = append(args, "--elastic-prefix", f.With.Prefix, "--elastic-refresh", f.With.Refresh.String())
	}
	return args
}

func exact(t *testing.T, f dataFlags) {
	rate, seconds := setting("BIRDWATCH_EXACT_RATE", 200), setting("BIRDWATCH_EXACT_SECONDS", 12)
	subscribers, kills := setting("BIRDWATCH_EXACT_SUBSCRIBERS", 40), setting("BIRDWATCH_EXACT_KILLS", 2)
	if testing.Short() {
		rate, seconds, subscribers, kills = 50, 4, 10, 1
	}
	player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", strconv.Itoa(rate), "--loop", "--renumber", "--deletes", "0.05", "--delete-after", "2s", "--seed", "7")
	server := startQuiet(t, f, player.url, "127.0.0.1:0")
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	crowd := &crowd{url: server.url, rare: rareQueries(t, setting("BIRDWATCH_EXACT_QUERIES", 0)), broad: 1000, stay: max(1, subscribers/100)}
	var running sync.WaitGroup
	for i := range subscribers {
		running.Go(func() { crowd.subscriber(ctx, rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	var acknowledged []tweet.ID
	running.Go(func() { acknowledged = crowd.poster(t, ctx, f.Data) })
	for k := range kills {
		time.Sleep(time.Duration(seconds) * time.Second / time.Duration(kills+1)) // the load has to run for a while
		server.stop(syscall.SIGKILL)
		server = startQuiet(t, f, player.url, server.address())
		t.Logf("killed and started again, %d", k+1)
	}
	running.Wait()
	player.stop(syscall.SIGTERM)
	server.stop(syscall.SIGTERM)
	if server.err != nil {
		t.Errorf("server: %v\n%s", server.err, server.log)
	}
	judgeCrowd(t, f, crowd, acknowledged)
}

// startQuiet starts a server that takes in the player's stream.
func startQuiet(t *testing.T, f dataFlags, player, address string) *process {
	t.Helper()
	return spawn(t, append([]string{"serve", "--listen", address, "--stream-url", player, "--max-streams", "20000", "--max-streams-address", "20000"}, f.args()...)...)
}

// crowdQueries are of every kind: common, rare, negated, phrases, fields, everything.
var crowdQueries = []string{
	"", "the", "the OR a OR rt", "-the", "lang:ja", "lang:en -is:retweet", "has:media", "has:links -has:media", "is:retweet", "is:reply OR is:quote",
	"you me", "\"in the\"", "i -you -me", "#*", "trump", "love OR like OR life", "は", "حب OR الله", "-lang:en -lang:ja", "(go OR the) (is OR are)",
	"has:hashtags", "has:mentions lang:en", "min_followers:1000", "followers_count:0..100", "th*", "source:\"birdwatch replay\"", "lang:ar", "this is", "-has:mentions -has:links", "😂",
}

// rareQueries are words and hashtags of few of the tweets that are replayed, and pairs of them.
func rareQueries(t *testing.T, n int) (queries []string) {
	if n == 0 {
		return nil
	}
	tweets, count := 0, map[string]int{}
	for it := range format.Read(t.Context(), bytes.NewReader(bytes.Join(slices.Collect(sample.Lines()), []byte("\n"))), format.Options{}) {
		for _, rec := range it.Records {
			if p, err := tweet.Decode(rec.Payload); err == nil {
				tweets++
				words := strings.FieldsFunc(p.Data.Text, func(r rune) bool { return !unicode.IsLetter(r) })
				slices.Sort(words)
				for _, w := range slices.Compact(words) {
					count[strings.ToLower(w)]++
				}
			}
		}
	}
	for _, w := range slices.Sorted(maps.Keys(count)) {
		if count[w] <= max(1, tweets/1000) && len(w) > 3 {
			queries = append(queries, w)
		}
	}
	if len(queries) < n {
		t.Fatalf("%d rare words", len(queries))
	}
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(queries), func(i, j int) { queries[i], queries[j] = queries[j], queries[i] })
	for i := range n / 4 {
		queries[i] += " OR " + queries[n+i%(len(queries)-n+1)-1]
	}
	return queries[:n]
}

// chain is what one client was sent over connections that each resumed the one before.
type chain struct {
	query    string
	backfill int
	events   []live.Event // Kind, Place, ID
}

type crowd struct {
	url   string
	rare  []string // queries of most clients, where there are any; then few have the others,
	broad int      // one in so many
	stay  int      // a connection is left after 0.1 to so many times 3.1 s, so that it is no test of connecting

	mu       sync.Mutex // guards what follows
	chains   []*chain
	connects int
	resumes  int
}

// subscriber lives until ctx ends: it connects, reads for a while, leaves, and comes back by its last id, or as a new client.
func (c *crowd) subscriber(ctx context.Context, r *rand.Rand) {
	var ch *chain
	for ctx.Err() == nil {
		fresh := ch == nil || r.IntN(4) == 0
		if fresh {
			text := crowdQueries[r.IntN(len(crowdQueries))]
			if len(c.rare) > 0 && r.IntN(c.broad) > 0 {
				text = c.rare[r.IntN(len(c.rare))]
			}
			if text == "#*" {
				text = "has:hashtags"
			}
			ch = &chain{query: text}
			if len(c.rare) == 0 || r.IntN(10) == 0 { // it is no test of searching either
				ch.backfill = r.IntN(3) * 25
			}
			c.mu.Lock()
			c.chains = append(c.chains, ch)
			c.mu.Unlock()
		}
		c.mu.Lock()
		c.connects++
		if !fresh {
			c.resumes++
		}
		c.mu.Unlock()
		stay, leave := context.WithTimeout(ctx, time.Duration(100+r.IntN(3000*c.stay))*time.Millisecond)
		if err := c.connect(stay, ch, r); err != nil {
			select { // the server is being started again
			case <-time.After(time.Duration(r.IntN(200)) * time.Millisecond):
			case <-ctx.Done():
			}
		}
		leave()
	}
}

func (c *crowd) connect(ctx context.Context, ch *chain, r *rand.Rand) error {
	q := url.Values{"query": {ch.query}, "backfill": {strconv.Itoa(ch.backfill)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/2/tweets/search/live?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	if n := len(ch.events); n > 0 {
		request.Header.Set("Last-Event-ID", ch.events[n-1].Place.String())
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	for e, err := range client.ReadEvents(answer.Body, nil) {
		if err != nil {
			return err
		}
		if e.Name == "" || e.Name == "bye" {
			continue
		}
		ev, err := read(e)
		if err != nil {
			return err
		}
		ch.events = append(ch.events, ev)
		if r.IntN(500) == 0 { // a reader that stalls
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

func read(e client.Event) (live.Event, error) {
	at, err := live.ParsePlace(e.ID)
	if err != nil {
		return live.Event{}, err
	}
	out := live.Event{Place: at, Kind: map[string]live.Kind{"message": live.Tweet, "delete": live.Delete, "live": live.Live, "gap": live.Gap, "end": live.End}[e.Name]}
	var d struct {
		ID   string
		Data struct{ ID string }
	}
	if err := json.Unmarshal([]byte(e.Data), &d); err != nil {
		return out, fmt.Errorf("event %s: %w", e.ID, err)
	}
	switch out.Kind {
	case live.Tweet:
		out.ID, err = tweet.ParseID(d.Data.ID)
	case live.Delete:
		out.ID, err = tweet.ParseID(d.ID)
	}
	return out, err
}

// poster sends tweets by REST and keeps the ids of those that were acknowledged.
func (c *crowd) poster(t *testing.T, ctx context.Context, data string) (acknowledged []tweet.ID) {
	token, err := localToken(data)
	if err != nil {
		t.Error(err)
		return nil
	}
	for n := 0; ctx.Err() == nil; n++ {
		id := tweet.IDAt(time.Now()) + tweet.ID(n%4096) + 1<<22*50 // apart from those that are replayed
		body := fmt.Sprintf(`{"id_str":"%d","text":"posted the %d","created_at":"%s","lang":"en","user":{"id_str":"9","screen_name":"poster","name":"Poster"}}`, id, n, time.Now().UTC().Format(time.RubyDate))
		if status, _ := ask(t, ctx, http.MethodPost, c.url+"/2/tweets/ingest", token, body); status == http.StatusOK {
			acknowledged = append(acknowledged, id)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return acknowledged
}
