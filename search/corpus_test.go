package search_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// corpus are real tweets, each id once: the bundled ones, and those of ../shared where it is.
var corpus = sync.OnceValues(func() ([]tweet.Record, error) {
	var recs []tweet.Record
	seen := map[tweet.ID]bool{}
	take := func(it format.Item) {
		for _, r := range it.Records {
			if r.Kind == tweet.KindTweet && !seen[r.ID] && len(recs) < setting("BIRDWATCH_AGREE_TWEETS", 1500) {
				seen[r.ID] = true
				recs = append(recs, r)
			}
		}
	}
	for line := range sample.Lines() {
		rs, _, err := format.Parse(line, tweet.Provenance{}, 0)
		if err != nil {
			return nil, err
		}
		take(format.Item{Records: rs})
	}
	shared := cmp.Or(os.Getenv("BIRDWATCH_SHARED"), "../../shared")
	for _, folder := range []string{"data/permissive/v2-pages", "data/permissive/v1.1-rest", "data/unlicensed/ia-twitterstream/20190703"} {
		path := filepath.Join(shared, folder)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		before := len(recs)
		for it := range format.Files(context.Background(), []string{path}, format.Options{}) {
			if take(it); len(recs)-before > 900 {
				break
			}
		}
	}
	return recs, nil
})

func setting(name string, absent int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return absent
}

// engine is an archive that is compared.
type engine struct {
	name string
	search.Archive
}

// engines are all archives there are here, with the corpus in each.
func engines(t *testing.T, recs []tweet.Record) (es []engine) {
	a, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	fill(t, a, recs)
	es = append(es, engine{"embedded", a})
	if os.Getenv(elastictest.Variable) == "" {
		t.Logf("SKIPPED LOUDLY: no Elasticsearch in %s, it is not compared", elastictest.Variable)
		return es
	}
	prefix := elastictest.Prefix(t)
	for _, url := range elastictest.URLs(t) {
		version, err := elastictest.Version(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		e, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		fill(t, e, recs)
		es = append(es, engine{version, e})
	}
	return es
}

// fill puts the tweets in as entries of a journal.
func fill(t *testing.T, w search.Writer, recs []tweet.Record) {
	t.Helper()
	for from := 0; from < len(recs); from += 500 {
		batch := recs[from:min(from+500, len(recs))]
		entries := make([]tweet.Entry, len(batch))
		for i, r := range batch {
			entries[i] = tweet.Entry{Seq: tweet.Seq(from + i + 1), FirstSeq: tweet.Seq(from + i + 1), Record: r}
		}
		if _, err := w.Apply(t.Context(), entries, tweet.Position{Epoch: "e", Seq: tweet.Seq(from + len(batch))}); err != nil {
			t.Fatal(err)
		}
	}
}

// known are the targets that the yardstick decides on, newest id first.
type known struct {
	ids     []tweet.ID
	seqs    []tweet.Seq
	targets []query.Target
}

func decoded(t *testing.T, recs []tweet.Record) *known {
	k := &known{}
	order := make([]int, len(recs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(recs[b].ID, recs[a].ID) })
	k.targets = make([]query.Target, len(recs))
	for n, i := range order {
		p, err := recs[i].Decoded()
		if err != nil {
			t.Fatal(err)
		}
		k.ids, k.seqs = append(k.ids, recs[i].ID), append(k.seqs, tweet.Seq(i+1))
		k.targets[n].Set(p)
	}
	return k
}

// world is the corpus, what the yardstick decides on, and what random queries are made of.
func world(t *testing.T) ([]tweet.Record, *known, querytest.Vocabulary) {
	t.Helper()
	recs, err := corpus()
	if err != nil {
		t.Fatal(err)
	}
	payloads := make([]*tweet.Payload, len(recs))
	for i := range recs {
		if payloads[i], err = recs[i].Decoded(); err != nil {
			t.Fatal(err)
		}
	}
	return recs, decoded(t, recs), querytest.VocabularyOf(payloads)
}

func (k *known) matches(e query.Expr) (at []int) {
	m := query.NewMatcher(e)
	for i := range k.targets {
		if m.Match(&k.targets[i]) {
			at = append(at, i)
		}
	}
	return at
}
