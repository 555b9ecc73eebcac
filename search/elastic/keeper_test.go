package elastic_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		var es []tweet.Entry
		for seq := tweet.Seq(25); seq > 0; seq-- {
			es = append(es, broken(seq, tweet.ID(100-seq)))
		}
		apply(t, a, 25, es...)
		var seqs []tweet.Seq
		for after := ""; ; {
			ls, err := a.DeadLetters(t.Context(), after, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range ls {
				seqs, after = append(seqs, l.Seq), l.Key
				if l.ID != tweet.ID(100-l.Seq) || string(l.Content.Raw) != "broken raw" || l.Reason == "" {
					t.Errorf("%+v", l)
				}
			}
			if len(ls) < 10 {
				break
			}
		}
		if len(seqs) != 25 || !slices.IsSorted(seqs) {
			t.Errorf("order %v", seqs)
		}
		all := letters(t, a)
		if out, err := a.Retry(t.Context(), all[0].Key, all[1].Key); err != nil || out.Refused != 2 {
			t.Errorf("retry: %+v, %v", out, err)
		}
		if n, err := a.Drop(t.Context(), all[0].Key, "unknown", all[1].Key); err != nil || n != 2 {
			t.Errorf("dropped %d, %v", n, err)
		}
		if n, err := a.Drop(t.Context()); err != nil || n != 0 {
			t.Errorf("dropped %d of none, %v", n, err)
		}
		total(t, a, 0, 23, 25)
		if err := a.Purge(t.Context(), []tweet.ID{all[2].ID}); err != nil {
			t.Fatal(err)
		}
		total(t, a, 0, 22, 25)
	})
}

// TestLettersLoseCopies: a dead letter keeps no copy of a deleted tweet, and what comes again does not bring it back.
func TestLettersLoseCopies(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		ask(t, "PUT", url+"/"+prefix+"-0-000001", `{"aliases":{"`+prefix+`":{},"`+prefix+`-0":{}},"mappings":{"properties":{"source":{"type":"long"}}}}`)
		holder := &tweet.Payload{Data: tweet.Tweet{ID: 2, Text: "quoting", Source: "web", ReferencedTweets: []tweet.Reference{{Type: "quoted", ID: 1}}}, Includes: &tweet.Includes{Tweets: []tweet.Tweet{{ID: 1, Text: "xyzzysecret"}}}}
		es := []tweet.Entry{entry(t, 1, 1, holder), broken(2, 3)}
		apply(t, a, 2, es...)
		gone := deleted(3, 1, 5, 2, 3)
		for range 2 {
			apply(t, a, 3, append(slices.Clone(es), gone)...)
			for _, l := range letters(t, a) {
				if content := string(l.Content.Payload) + string(l.Content.Raw); strings.Contains(content, "xyzzysecret") || l.ID == 3 && content != "" || l.ID == 2 && !strings.Contains(content, "quoting") {
					t.Errorf("letter of %d has %q", l.ID, content)
				}
			}
			total(t, a, 0, 2, 3)
		}
		// One without content leaves when it is taken again.
		ls := letters(t, a)
		if out, err := a.Retry(t.Context(), ls[0].Key, ls[1].Key); err != nil || out != (search.Outcome{Refused: 1}) {
			t.Errorf("retry: %+v, %v", out, err)
		}
		total(t, a, 0, 1, 3)
	})
}

// TestCopy: an embedded archive whole, put into Elasticsearch, is the same archive; in two goes, and over what is there already.
func TestCopy(t *testing.T) {
	t.Parallel()
	from, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	es := numbers(t, 1, 40)
	es = append(es, deleted(41, 7, 3), entry(t, 42, 9, text(8, "newer")), entry(t, 43, 1, text(1<<53, "of another year")))
	if _, err := from.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: 43}); err != nil {
		t.Fatal(err)
	}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		apply(t, a, 3, tweet.Entry{Seq: 2, FirstSeq: 2, Record: es[1].Record}, tweet.Entry{Seq: 99, FirstSeq: 99, Record: es[2].Record}, tweet.Entry{Seq: 9, FirstSeq: 9, Record: entry(t, 9, 8, text(8, "older")).Record})
		for after := tweet.ID(0); ; {
			docs, err := from.Documents(t.Context(), after, 15)
			if err != nil {
				t.Fatal(err)
			}
			if len(docs) == 0 {
				break
			}
			for range 2 {
				if err := a.Put(t.Context(), docs); err != nil {
					t.Fatal(err)
				}
			}
			after = docs[len(docs)-1].ID
		}
		got, err := a.Documents(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		want, err := from.Documents(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, want, func(x, y *tweet.Document) bool { return x.Checksum() == y.Checksum() && x.FirstSeq == y.FirstSeq }) {
			for i := range min(len(got), len(want)) {
				if show(got[i]) != show(want[i]) {
					t.Errorf("copied\n%s\nof\n%s", show(got[i]), show(want[i]))
				}
			}
			t.Errorf("%d documents, want %d", len(got), len(want))
		}
	})
}

// TestReplayAfterDeath: wherever a writer dies, the same entries once more make the archive that it would have been.
func TestReplayAfterDeath(t *testing.T) {
	t.Parallel()
	es := numbers(t, 1, 20)
	es = append(es, entry(t, 21, 5, text(4, "again")), deleted(22, 5, 3, 6), broken(23, 7), entry(t, 24, 1, text(1<<53, "of another year")),
		tweet.Entry{Seq: 25, Record: tweet.Record{Kind: tweet.KindGeo, ID: 10, UserID: 7}}, tweet.Entry{Seq: 26, Record: tweet.Record{Kind: tweet.KindUser, UserID: 7}})
	elastictest.Each(t, func(t *testing.T, url string) {
		alive := open(t, url)
		apply(t, alive, 26, es...)
		want, err := alive.Documents(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		died := true
		for calls := rand.IntN(3); died && calls < 40; calls += 1 + rand.IntN(4) {
			prefix := elastictest.Prefix(t)
			died = dies(t, url, prefix, calls, es)
			a := open(t, url, as(prefix, "w"))
			apply(t, a, 26, es...)
			got, err := a.Documents(t.Context(), 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(texts(got)) != fmt.Sprint(texts(want)) {
				t.Errorf("died after %d requests: %d documents are not those wanted", calls, len(got))
			}
			total(t, a, 20, 1, 26)
		}
		if died {
			t.Error("it never lived to the end")
		}
	})
}

func texts(docs []*tweet.Document) (all []string) {
	for _, d := range docs {
		all = append(all, show(d))
	}
	return all
}

// dies applies entries by a writer that nothing is heard of after so many requests; false when it was through by then.
func dies(t *testing.T, url, prefix string, calls int, es []tweet.Entry) bool {
	t.Helper()
	var way network
	a, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{url}, Prefix: prefix, Owner: "w", Transport: &way})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	way.set(func(*http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		if calls--; calls < 0 {
			return nil, errors.New("dead")
		}
		return nil, nil
	})
	_, err = a.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: 26})
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	return err != nil
}
