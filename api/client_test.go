package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/tweet"
)

// TestClientAgrees: the client and the server mean the same by an export, facets and a sort.
func TestClientAgrees(t *testing.T) {
	w := flock(1203)
	s := serveWorld(t, w, api.Config{}, liveOptions)
	s.add(&tweet.Payload{Data: tweet.Tweet{ID: 1204, Text: "bird #owl", CreatedAt: "2024-06-01T11:00:00.000Z", PublicMetrics: &tweet.TweetMetrics{LikeCount: 3}}})
	c := client.New(s.URL, "")
	defer c.Close()
	var all strings.Builder
	for id := range 1204 {
		fmt.Fprintln(&all, id+1)
	}
	for order, last := range map[string]string{"oldest": "1204", "recency": "1"} {
		var out strings.Builder
		done, err := c.Export(t.Context(), url.Values{"query": {"bird OR since:1h"}, "format": {"ids"}, "sort_order": {order}}, &out, nil)
		if err != nil || done.Count != 1204 || done.Last != last || len(out.String()) != all.Len() || order == "oldest" && out.String() != all.String() {
			t.Errorf("%s: %v %+v", order, err, done)
		}
	}
	w.docs[7].RawCut = true
	var out strings.Builder
	done, err := c.Export(t.Context(), url.Values{"query": {"bird"}, "content": {"raw"}}, &out, nil)
	if err != nil || done.Count != 1203 || done.LeftOut != 1 || strings.Count(out.String(), "\n") != 1203 || strings.Contains(out.String(), "meta") {
		t.Errorf("raw: %v %+v", err, done)
	}
	f, err := c.Facets(t.Context(), url.Values{"query": {"bird"}, "facets": {"hashtags,words"}})
	if err != nil || len(f.Data["hashtags"]) != 1 || f.Data["hashtags"][0] != (client.FacetValue{Value: "owl", Count: 1, Query: "#owl"}) || f.Data["words"][0].Count != 1204 ||
		f.Meta.Bound != 10_000 || f.Meta.Tweets != 1204 || f.Meta.OldestID != "1" {
		t.Errorf("%v %+v", err, f)
	}
	n := 0
	for tw, err := range c.All(t.Context(), url.Values{"query": {"bird"}, "sort_order": {"likes"}, "max_results": {"500"}}) {
		if n++; err != nil || n == 1 && !strings.Contains(string(tw), `"1204"`) {
			t.Fatalf("%v: %s comes first", err, tw)
		}
	}
	if n != 1204 {
		t.Errorf("by likes there are %d", n)
	}
}
