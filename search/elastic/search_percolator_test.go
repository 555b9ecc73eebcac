package elastic_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// TestPercolator asks Elasticsearch the other way round, by machinery that shares nothing with ours: queries are stored, tweets
// are shown to them, and the server says which match. The Matcher has to say the same.
func TestPercolator(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		stats, err := a.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(stats.Lacks, "percolator") {
			t.Skip("SKIPPED LOUDLY: this Elasticsearch has no percolator")
		}
		n := comparisons(t) / 2
		t.Run("made", func(t *testing.T) { percolate(t, url, made(t, 24), n) })
		t.Run("real", func(t *testing.T) { percolate(t, url, recorded(t, 1500), n) })
	})
}

// percolate compares n random queries over all of the tweets.
func percolate(t *testing.T, url string, tweets []*tweet.Payload, n int) {
	c := corpusOf(t, tweets)
	url += "/" + storedQueries(t, url)
	var exprs []query.Expr
	var bulk bytes.Buffer
	for seed := 0; len(exprs) < n; seed++ {
		e := querytest.Exprs(c.words).Example(seed)
		most, sure := elastic.Compiled(e)
		if most != sure || most == "" {
			continue // the server is not asked to decide these
		}
		fmt.Fprintf(&bulk, "{\"index\":{\"_id\":\"%d\"}}\n{\"query\":%s}\n", len(exprs), most)
		exprs = append(exprs, e)
	}
	if answer := post(t, url+"/_bulk?refresh=true", bulk.Bytes()); !strings.Contains(string(answer), `"errors":false`) {
		t.Fatalf("stored queries: %.2000s", answer)
	}
	got := make([][]tweet.ID, len(exprs))
	for some := range slices.Chunk(c.tweets, 250) {
		for i, ids := range percolated(t, url, some, len(exprs)) {
			got[i] = append(got[i], ids...)
		}
	}
	pairs := 0
	for i, e := range exprs {
		want := c.ids(c.matches(search.Request{Query: e}))
		if pairs += len(want); !slices.Equal(got[i], want) {
			t.Errorf("%q\npercolator %v\nmatcher %v", e, got[i], want)
		}
	}
	t.Logf("%d queries, %d tweets, %d matches", len(exprs), len(c.tweets), pairs)
}

// storedQueries makes an index for queries, with the fields of an archive's.
func storedQueries(t *testing.T, url string) string {
	t.Helper()
	prefix := elastictest.Prefix(t)
	fill(t, open(t, url, as(prefix, "one")), []*tweet.Payload{text(1, "w")})
	var indices map[string]struct {
		Mappings struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"mappings"`
	}
	if err := json.Unmarshal(request(t, http.MethodGet, url+"/"+prefix+"/_mapping", nil), &indices); err != nil {
		t.Fatal(err)
	}
	for _, index := range indices {
		fields := index.Mappings.Properties
		fields["query"] = json.RawMessage(`{"type":"percolator"}`)
		body, err := json.Marshal(map[string]any{"mappings": map[string]any{"dynamic": false, "properties": fields}})
		if err != nil {
			t.Fatal(err)
		}
		request(t, http.MethodPut, url+"/"+prefix+"-queries", body)
	}
	return prefix + "-queries"
}

// percolated gives, of each query, those of the tweets that the server says it matches, in their order.
func percolated(t *testing.T, url string, tweets []*tweet.Payload, queries int) [][]tweet.ID {
	t.Helper()
	docs := make([]json.RawMessage, len(tweets))
	for i, p := range tweets {
		var err error
		if docs[i], err = elastic.Stored(p); err != nil {
			t.Fatal(err)
		}
	}
	body, err := json.Marshal(map[string]any{"size": 10_000, "_source": false, "query": map[string]any{"percolate": map[string]any{"field": "query", "documents": docs}}})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string `json:"_id"`
				Fields struct {
					Slots []int `json:"_percolator_document_slot"`
				} `json:"fields"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(post(t, url+"/_search", body), &answer); err != nil {
		t.Fatal(err)
	}
	found := make([][]tweet.ID, queries)
	for _, h := range answer.Hits.Hits {
		var i int
		if _, err := fmt.Sscan(h.ID, &i); err != nil {
			t.Fatal(err)
		}
		slices.Sort(h.Fields.Slots)
		for _, slot := range h.Fields.Slots {
			found[i] = append(found[i], tweets[slot].Data.ID)
		}
	}
	return found
}

func post(t testing.TB, url string, body []byte) []byte {
	t.Helper()
	return request(t, http.MethodPost, url, body)
}

// request asks a server itself, past the archive.
func request(t testing.TB, method, url string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s: %.500s, %v", method, url, answer.Status, b, err)
	}
	return b
}
