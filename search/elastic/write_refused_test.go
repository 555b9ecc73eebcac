package elastic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestTooLargeForTheServer: a tweet that is more than the server takes in one request is a dead letter; the others go in.
func TestTooLargeForTheServer(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		var way network
		a := open(t, url, through(&way))
		way.set(func(r *http.Request) (*http.Response, error) {
			if isBulk(r) && !strings.Contains(r.URL.Path, "deadletters") && len(lines(t, r)) > 10_000 {
				return answers(413, ""), nil
			}
			return nil, nil
		})
		es := numbers(t, 1, 20)
		es[7] = entry(t, 8, 1, text(8, strings.Repeat("far too long ", 2000)))
		if out := apply(t, a, 20, es...); out.Inserted != 19 || out.Refused != 1 {
			t.Errorf("outcome %+v", out)
		}
		total(t, a, 19, 1, 20)
		if l := letters(t, a); len(l) != 1 || l[0].ID != 8 || !strings.Contains(l[0].Reason, "more than the server takes") {
			t.Errorf("dead letters %+v", l)
		}
	})
}

// TestReadOnlyIndex: an index that somebody made read-only is waited for; nothing is a dead letter.
func TestReadOnlyIndex(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		apply(t, a, 2, numbers(t, 1, 2)...)
		for _, block := range []string{"read_only", "write", "read_only_allow_delete"} {
			ask(t, "PUT", url+"/"+prefix+"-0/_settings", `{"index.blocks.`+block+`":true}`)
			_, err := a.Apply(t.Context(), []tweet.Entry{entry(t, 3, 1, text(3, "three"))}, tweet.Position{Epoch: "e", Seq: 3})
			if !errors.Is(err, search.ErrUnavailable) || !strings.HasPrefix(elastic.Explain(err), "Elasticsearch takes no writes: ") {
				t.Errorf("%s: %v, explained %q", block, err, elastic.Explain(err))
			}
			if ids := finds(t, a, ""); len(ids) != 2 {
				t.Errorf("%s: reading gives %v", block, ids)
			}
			ask(t, "PUT", url+"/"+prefix+"-0/_settings", `{"index.blocks.`+block+`":null}`)
		}
		apply(t, a, 3, entry(t, 3, 1, text(3, "three")))
		total(t, a, 3, 0, 3)
	})
}

// TestStrangers: what others do to the indices is an error that says so, never a quiet loss.
func TestStrangers(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		apply(t, a, 2, numbers(t, 1, 2)...)
		try := func() error {
			_, err := a.Apply(t.Context(), []tweet.Entry{entry(t, 3, 1, text(3, "three"))}, tweet.Position{Epoch: "e", Seq: 3})
			return err
		}
		ask(t, "POST", url+"/"+prefix+"-0/_close", "")
		if err := try(); !errors.Is(err, search.ErrUnavailable) || !strings.Contains(elastic.Explain(err), "closed") {
			t.Errorf("closed: %v, explained %q", err, elastic.Explain(err))
		}
		if _, err := a.Search(t.Context(), search.Request{Query: parse(t, ""), Limit: 5}); !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("search in a closed index: %v", err)
		}
		ask(t, "POST", url+"/"+prefix+"-0-000001/_open", "")
		ask(t, "GET", url+"/_cluster/health/"+prefix+"-0-000001?wait_for_status=yellow&timeout=20s", "")
		if err := try(); err != nil {
			t.Errorf("opened again: %v", err)
		}

		ask(t, "POST", url+"/_aliases", `{"actions":[{"remove":{"index":"`+prefix+`-0-000001","alias":"`+prefix+`-0"}}]}`)
		if _, err := a.Apply(t.Context(), []tweet.Entry{entry(t, 4, 1, text(4, "four"))}, tweet.Position{Epoch: "e", Seq: 4}); !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("without the alias: %v", err)
		}
		if body, err := tryAsk(t, "GET", url+"/"+prefix+"-0", ""); err == nil {
			t.Errorf("an index took the alias's name: %s", body)
		}
	})
}

// TestMappingConflict: what the mapping does not take is a dead letter with the reason, the rest goes in, and when the mapping is put right it
// can be taken again.
func TestMappingConflict(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"))
		aliases := `"aliases":{"` + prefix + `":{},"` + prefix + `-0":{}}`
		ask(t, "PUT", url+"/"+prefix+"-0-000001", `{`+aliases+`,"mappings":{"properties":{"source":{"type":"long"}}}}`)
		web := text(2, "two")
		web.Data.Source = "web"
		if out := apply(t, a, 3, entry(t, 1, 1, text(1, "one")), entry(t, 2, 1, web), deleted(3, 3, 1)); out != (search.Outcome{Inserted: 1, Refused: 1, Deleted: 1}) {
			t.Errorf("outcome %+v", out)
		}
		total(t, a, 1, 1, 3)
		l := letters(t, a)
		if len(l) != 1 || l[0].ID != 2 || l[0].Seq != 2 || !strings.Contains(l[0].Reason, "source") || !strings.Contains(string(l[0].Content.Payload), "two") {
			t.Fatalf("dead letters %+v", l)
		}
		if out, err := a.Retry(t.Context(), l[0].Key); err != nil || out.Refused != 1 {
			t.Errorf("retried too early: %+v, %v", out, err)
		}
		total(t, a, 1, 1, 3)
		// What was there takes the newer sighting of no tweet but its own.
		if out := apply(t, a, 4, tweet.Entry{Seq: 4, FirstSeq: 1, Record: func() tweet.Record {
			p := text(1, "one")
			p.Data.Source = "web"
			r := record(t, p)
			r.CapturedAt = 9
			return r
		}()}); out.Refused != 1 {
			t.Errorf("an update: %+v", out)
		}
		if d := get(t, a, 1); d == nil || d.At != 1 {
			t.Errorf("after a refused update: %+v", d)
		}
		ask(t, "DELETE", url+"/"+prefix+"-0-000001", "")
		ask(t, "PUT", url+"/"+prefix+"-0-000001", `{`+aliases+`}`)
		var keys []string
		for _, l := range letters(t, a) {
			keys = append(keys, l.Key)
		}
		if out, err := a.Retry(t.Context(), append(keys, "unknown")...); err != nil || out.Inserted != 2 {
			t.Errorf("retried: %+v, %v", out, err)
		}
		total(t, a, 2, 0, 4)
		if d := get(t, a, 2); d == nil || d.FirstSeq != 2 || d.At != 1 || !strings.HasPrefix(string(d.Raw), "raw of ") {
			t.Errorf("retried: %+v", d)
		}
	})
}

// TestConflict: a writer that comes between reading and writing loses nothing of what it wrote.
func TestConflict(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		other := elastictest.Prefix(t)
		b := open(t, url, as(other, "w"))
		newer := text(1, "newer")
		newer.Data.PublicMetrics = &tweet.TweetMetrics{LikeCount: 7}
		apply(t, b, 1, entry(t, 1, 20, newer))
		var doc struct {
			Source  json.RawMessage `json:"_source"`
			Version int64           `json:"_version"`
		}
		if err := json.Unmarshal([]byte(ask(t, "GET", url+"/"+other+"-0/_doc/1", "")), &doc); err != nil {
			t.Fatal(err)
		}
		var way network
		prefix := elastictest.Prefix(t)
		a := open(t, url, as(prefix, "w"), through(&way))
		apply(t, a, 1, entry(t, 1, 1, text(9, "to make the index")))
		var once sync.Once
		way.set(func(r *http.Request) (*http.Response, error) {
			if isBulk(r) {
				once.Do(func() {
					ask(t, "PUT", fmt.Sprintf("%s/%s-0/_doc/1?version=%d&version_type=external", url, prefix, doc.Version), string(doc.Source))
				})
			}
			return nil, nil
		})
		older := text(1, "older")
		older.Includes = &tweet.Includes{Users: []tweet.User{{ID: 5, Username: "ada"}}}
		out := apply(t, a, 2, entry(t, 2, 10, older))
		if out != (search.Outcome{Same: 1}) {
			t.Errorf("outcome %+v", out)
		}
		if d := get(t, a, 1); !strings.Contains(string(d.Payload), "newer") || d.At != 20 {
			t.Errorf("merged: %s", show(d))
		}
		total(t, a, 2, 0, 2)
	})
}
