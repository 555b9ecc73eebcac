package elastic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// deepest nests And and Or as deep as the language lets them, with a leaf that must not match at each end.
func deepest(leaf, other string) string {
	var b strings.Builder
	for i := range query.MaxNesting - 1 {
		fmt.Fprintf(&b, "w%d -%s %s", i, other, []string{"(", "OR ("}[i%2])
	}
	fmt.Fprintf(&b, "-%s OR -%s", leaf, other)
	return b.String() + strings.Repeat(")", query.MaxNesting-1)
}

// TestLargestQueries: what the language lets through, the server takes, in all that it is asked.
func TestLargestQueries(t *testing.T) {
	var many []string
	for i := range query.MaxLeaves / 2 {
		many = append(many, fmt.Sprintf("w%d", i))
	}
	emoji := strings.TrimSuffix(strings.Repeat("👍 OR 👎 OR ", query.MaxLeaves/2), " OR ")
	texts := []string{deepest("x", "y"), deepest("👍", "👎"), deepest("point_radius:[179.9 5 300km]", "point_radius:[0.5 0.5 250km]"), "-(" + deepest("point_radius:[0.5 0.5 250km]", "point_radius:[179.9 5 300km]") + ")",
		"-(" + deepest("👍", "y") + ")", deepest(`"👍 👍🏽"~2`, `"a 👍"`), "-(" + deepest(`"👍 👍🏽"~2`, "👍") + ")",
		strings.Join(many, " OR "), strings.Join(many, " "), "-" + strings.Join(many, " -"), "-" + strings.Join(many, " OR -"), emoji,
		strings.TrimSuffix(strings.Repeat("point_radius:[0 0 250km] OR ", 100), " OR "), "-" + strings.TrimSuffix(strings.Repeat("point_radius:[0 0 250km] -", 100), " -"),
		`"` + strings.TrimSpace(strings.Repeat("a ", query.MaxNear)) + `"~20`, `"` + strings.TrimSpace(strings.Repeat("👍 ", query.MaxNear)) + `"~20`, `"` + strings.TrimSpace(strings.Repeat("a 👍 ", 300)) + `"`,
		`"` + strings.TrimSpace(strings.Repeat("a ", 1000)) + ` b"`}
	tweets := []*tweet.Payload{text(1, "w0 w1 w2 w3 x"), text(2, "y 👍🏽 👍"), text(3, "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15"),
		text(4, strings.Repeat("a ", 400)), text(5, strings.Repeat("👍🏽 ", 40)), text(6, "w0 👎"), text(7, strings.Join(many, " "))}
	for i, p := range tweets { // in one of the circles, in the other, in none
		p.Data.Geo = &tweet.Geo{Coordinates: &tweet.Point{Type: "Point", Coordinates: [2]float64{[]float64{0.6, -179.8, 50}[i%3], 4}}}
		if i%3 == 0 {
			p.Data.Geo.Coordinates.Coordinates[1] = 0.7
		}
	}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, tweets)
		c := corpusOf(t, tweets)
		for _, text := range texts {
			e := parse(t, text)
			want := c.ids(c.matches(search.Request{Query: e}))
			got, err := asked(t, a, e, 2)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%.60s … of %d characters: %v, %v; matcher %v", text, len(text), got, err, want)
			}
			// With bounds, and in another order.
			r := search.Request{Query: e, Start: time.UnixMilli(0), End: time.UnixMilli(1), AfterSeq: new(tweet.Seq), BeforeID: 1 << 40, Limit: 9}
			*r.AfterSeq = -1
			for _, r.Sort = range []query.Figure{query.CreatedAt, query.Likes} {
				page, err := a.Search(t.Context(), r)
				if err != nil || !slices.Equal(idsOf(page.Hits), want) {
					t.Errorf("%.60s … with bounds: %v, %v; matcher %v", text, idsOf(page.Hits), err, want)
				}
			}
			n, err := a.Count(t.Context(), r, []time.Time{time.UnixMilli(-1), time.UnixMilli(1), time.UnixMilli(2)})
			if err != nil || n[0] != int64(len(want)) || n[1] != 0 {
				t.Errorf("%.60s … counted %v, %v; matcher %d", text, n, err, len(want))
			}
		}
	})
}

// TestManyPrefixed: words that end in a prefix are found however many other words begin so.
func TestManyPrefixed(t *testing.T) {
	var tweets []*tweet.Payload
	for i := range 3000 {
		tweets = append(tweets, text(tweet.ID(i+1), fmt.Sprintf("go pre%04d 日%c 👍🏽 pre%04d", i, 0x4E00+i, i)))
	}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, tweets)
		for text, want := range map[string]int{`"go pre"`: 0, "go-pre*": 3000, "pre*": 3000, "日": 3000, `"pre0001 日"`: 1, "pre0001-日": 1, "go-pre29*": 100, "👍-pre*": 3000, "go-go*": 0} {
			n, err := a.Count(t.Context(), search.Request{Query: parse(t, text)}, always)
			if err != nil || n[0] != int64(want) {
				t.Errorf("%s: %v, %v; want %d", text, n, err, want)
			}
			page, err := a.Search(t.Context(), search.Request{Query: parse(t, text), Limit: 5000})
			if err != nil || len(page.Hits) != want || page.More {
				t.Errorf("%s: %d hits, %v; want %d", text, len(page.Hits), err, want)
			}
		}
	})
}

// TestHostileTerms: whatever stands in a value, Elasticsearch takes it for that and nothing else.
func TestHostileTerms(t *testing.T) {
	names := []string{`a"b`, `x*`, `a AND b`, `^a`, `terms:a`, `{t}`, `"`, `\`, "a\tb", "😀", "_%", "(", "-a", "a\u2028b", "a\u1680b", "a\u3000b", "a\x1cb", "a\x00b", "a\u0085b", "\uFFFD", "\u202ea", strings.Repeat("x", 300),
		strings.Repeat("😀", 150), strings.Repeat("é", 120), "a\u00a0b", "\ufeffa"}
	var tweets []*tweet.Payload
	for i, n := range names {
		tweets = append(tweets, &tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: n, Source: n}})
	}
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		fill(t, a, tweets)
		c := corpusOf(t, tweets)
		for _, n := range names {
			for _, text := range []string{"source:\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(n) + "\"", "\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(n) + "\""} {
				q, err := query.Parse(text, time.Time{})
				if err != nil {
					continue // the language refuses it: it never comes here
				}
				want := c.ids(c.matches(search.Request{Query: q.Expr}))
				if got, err := asked(t, a, q.Expr, 3); err != nil || !slices.Equal(got, want) {
					t.Errorf("%q: %v, %v; matcher %v", text, got, err, want)
				}
			}
		}
	})
}

// TestEmpty: an archive without tweets gives nothing, and no error.
func TestEmpty(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		for _, readOnly := range []bool{false, true} {
			a := open(t, url, func(o *elastic.Options) { o.ReadOnly = readOnly })
			page, err := a.Search(t.Context(), search.Request{Query: query.All(), Limit: 3})
			if err != nil || len(page.Hits) != 0 || page.More {
				t.Errorf("search: %+v, %v", page, err)
			}
			if n, err := a.Count(t.Context(), search.Request{Query: query.All()}, always); err != nil || n[0] != 0 {
				t.Errorf("count: %v, %v", n, err)
			}
			result, err := a.Facets(t.Context(), search.Request{Query: query.All()}, []search.Facet{search.Words, search.Hashtags}, 3)
			if err != nil || len(result.Values) != 2 || result.Tweets != 0 || result.More {
				t.Errorf("facets: %+v, %v", result, err)
			}
			if docs, err := a.Get(t.Context(), 1, 1<<60); err != nil || len(docs) != 0 {
				t.Errorf("get: %v, %v", docs, err)
			}
			if docs, err := a.Documents(t.Context(), 0, 3); err != nil || len(docs) != 0 {
				t.Errorf("documents: %v, %v", docs, err)
			}
			for i, err := range a.Identities(t.Context()) {
				t.Errorf("identity %+v, %v", i, err)
			}
			if s, err := a.Stats(t.Context()); err != nil || s.Tweets != 0 || s.HighestSeq != 0 || !strings.HasPrefix(s.Engine, "elasticsearch ") {
				t.Errorf("stats: %+v, %v", s, err)
			}
		}
	})
}

// TestAway: a server that does not answer is search.ErrUnavailable in every way to ask.
func TestAway(t *testing.T) {
	a, err := elastic.Open(t.Context(), elastic.Options{URLs: []string{"http://127.0.0.1:1"}, ReadOnly: true, Prefix: "away"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r := search.Request{Query: query.All(), Limit: 1}
	_, searchErr := a.Search(t.Context(), r)
	_, countErr := a.Count(t.Context(), r, always)
	_, facetsErr := a.Facets(t.Context(), r, nil, 1)
	_, getErr := a.Get(t.Context(), 1)
	_, documentsErr := a.Documents(t.Context(), 0, 1)
	_, statsErr := a.Stats(t.Context())
	var listErr error
	for _, listErr = range a.Identities(t.Context()) {
	}
	for what, err := range map[string]error{"search": searchErr, "count": countErr, "facets": facetsErr, "get": getErr, "documents": documentsErr, "stats": statsErr, "identities": listErr} {
		if !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestExplain says what is asked, and whether it is looked at afterwards.
func TestExplain(t *testing.T) {
	var a elastic.Archive
	for text, want := range map[string]string{
		"go -fast":               `{"query":{"bool":{"filter":[{"term":{"terms":"go"}}],"must_not":[{"term":{"terms":"fast"}}]}},"checked":false}`,
		"min_likes:9 likes:0..3": `{"query":{"match_none":{}},"checked":false}`,
		`"👍 👍🏽"~1 OR go`:         `"checked":true,"sure":{"bool":{"filter":[{"term":{"terms":"go"}}]}}}`,
	} {
		got, err := json.Marshal(a.Explain(parse(t, text)))
		if err != nil || !strings.HasSuffix(string(got), want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
