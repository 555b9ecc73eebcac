package api_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"birdwatch/api"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"
)

// TestFacetQueries: the query beside a value finds the tweets that were counted.
func TestFacetQueries(t *testing.T) {
	s := serve(t, api.Config{})
	tried := map[string]int{}
	for n := range 12 {
		s.docs = nil
		var tweets []*tweet.Payload
		ids := map[tweet.ID]bool{}
		for _, p := range querytest.Tweets().Example(n) {
			if !ids[p.Data.ID] {
				ids[p.Data.ID] = true
				tweets = append(tweets, p)
				s.add(p)
			}
		}
		var answer struct {
			Data map[string][]api.FacetValue
			Meta api.FacetMeta
		}
		a := s.get(t, "/2/tweets/search/facets?limit=1000&query="+url.QueryEscape(""))
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil || a.status != 200 || answer.Meta.Tweets != len(tweets) || len(answer.Data) != 8 {
			t.Fatalf("%v: %s", err, a.body)
		}
		for facet, values := range answer.Data {
			for _, v := range values {
				tried[facet]++
				q, err := query.Parse(v.Query, noon)
				if err != nil || v.Query == "" {
					t.Errorf("%s %q: the query %q: %v", facet, v.Value, v.Query, err)
					continue
				}
				found, m := int64(0), query.NewMatcher(q.Expr)
				var target query.Target
				for _, p := range tweets {
					if target.Set(p); m.Match(&target) {
						found++
					}
				}
				// Of addresses and words the language finds more: part of an address, a word inside a tag. 123 is a handle and an id.
				if loose := facet == "links" || facet == "domains" || facet == "words" || v.Value == "123"; found < v.Count || found > v.Count && !loose {
					t.Errorf("%s %q is in %d tweets, %s finds %d", facet, v.Value, v.Count, v.Query, found)
				}
			}
		}
	}
	for _, f := range []string{"hashtags", "mentions", "authors", "links", "domains", "words", "languages", "sources"} {
		if tried[f] < 5 {
			t.Errorf("only %d values of %s", tried[f], f)
		}
	}
}
