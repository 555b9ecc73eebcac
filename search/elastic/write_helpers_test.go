package elastic_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// open opens an archive of the test's own.
func open(t testing.TB, url string, change ...func(*elastic.Options)) *elastic.Archive {
	t.Helper()
	o := elastic.Options{URLs: []string{url}, Owner: "the test"}
	for _, f := range change {
		f(&o)
	}
	if o.Prefix == "" {
		o.Prefix = elastictest.Prefix(t)
	}
	a, err := elastic.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// as makes an archive go by a prefix, with an owner.
func as(prefix, owner string) func(*elastic.Options) {
	return func(o *elastic.Options) { o.Prefix, o.Owner = prefix, owner }
}

// through puts a faulty network between.
func through(rt http.RoundTripper) func(*elastic.Options) {
	return func(o *elastic.Options) { o.Transport = rt }
}

func text(id tweet.ID, s string) *tweet.Payload {
	return &tweet.Payload{Data: tweet.Tweet{ID: id, Text: s}}
}

func record(t testing.TB, p *tweet.Payload) tweet.Record {
	t.Helper()
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, Payload: b, Raw: append([]byte("raw of "), b...), Tweet: p}
}

func entry(t testing.TB, seq tweet.Seq, at int64, p *tweet.Payload) tweet.Entry {
	t.Helper()
	r := record(t, p)
	r.CapturedAt = at
	return tweet.Entry{Seq: seq, FirstSeq: seq, Record: r}
}

func deleted(seq tweet.Seq, id tweet.ID, at int64, cut ...tweet.ID) tweet.Entry {
	return tweet.Entry{Seq: seq, Cut: cut, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}}
}

func broken(seq tweet.Seq, id tweet.ID) tweet.Entry {
	return tweet.Entry{Seq: seq, Record: tweet.Record{Kind: tweet.KindTweet, ID: id, Payload: []byte(`{"data":`), Raw: []byte("broken raw")}}
}

func apply(t testing.TB, a *elastic.Archive, to tweet.Seq, es ...tweet.Entry) search.Outcome {
	t.Helper()
	out, err := a.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: to})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func fill(t testing.TB, a *elastic.Archive, tweets []*tweet.Payload) {
	t.Helper()
	recs := make([]tweet.Record, len(tweets))
	for i, p := range tweets {
		recs[i] = record(t, p)
	}
	if _, err := a.Import(t.Context(), recs); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, a *elastic.Archive, id tweet.ID) *tweet.Document {
	t.Helper()
	docs, err := a.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

func parse(t testing.TB, text string) query.Expr {
	t.Helper()
	q, err := query.Parse(text, querytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return q.Expr
}

// finds gives the ids of all matches, the oldest first.
func finds(t testing.TB, a search.Searcher, text string) (ids []tweet.ID) {
	t.Helper()
	r := search.Request{Query: parse(t, text), Ascending: true, Limit: 1000}
	for {
		page, err := a.Search(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			ids = append(ids, h.ID)
			r.AfterID = h.ID
		}
		if !page.More {
			return ids
		}
	}
}

// letters gives all dead letters.
func letters(t testing.TB, a search.Keeper) []search.DeadLetter {
	t.Helper()
	ls, err := a.DeadLetters(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return ls
}

// ask sends a request past the archive, to see or to change what a stranger would.
func ask(t testing.TB, method, url, body string) string {
	t.Helper()
	answer, err := tryAsk(t, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func tryAsk(t testing.TB, method, url, body string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode >= 300 {
		err = errors.New(method + " " + url + ": " + string(b))
	}
	return string(b), err
}

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}
