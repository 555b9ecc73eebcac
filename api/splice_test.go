package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/tweet"
)

// unasked are the fields that X sends by itself.
var unasked = map[string][]string{"tweet.fields": {"id", "text", "edit_history_tweet_ids"}, "user.fields": {"id", "name", "username"},
	"media.fields": {"media_key", "type"}, "place.fields": {"id", "full_name"}}

var mayAsk = map[string][]string{"tweet.fields": {"author_id", "created_at", "entities", "public_metrics", "lang", "source", "attachments", "withheld"},
	"user.fields": {"description", "public_metrics", "verified"}, "media.fields": {"url", "width"}, "place.fields": {"country", "geo"}}

// TestSelectionIsTheNaiveReading: what is spliced is what decoding, leaving out and comparing gives.
func TestSelectionIsTheNaiveReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &tweet.Payload{Data: tweet.Tweet{ID: 7, Text: rapid.String().Draw(t, "text"), AuthorID: 11, Lang: "en", Source: rapid.String().Draw(t, "source"),
			Attachments: &tweet.Attachments{MediaKeys: []string{"3_1"}}, Geo: &tweet.Geo{PlaceID: "p"}, PublicMetrics: &tweet.TweetMetrics{LikeCount: 1}},
			Includes: &tweet.Includes{Users: []tweet.User{{ID: 11, Username: "ada", Description: rapid.String().Draw(t, "description"), Verified: true}},
				Media:  []tweet.Media{{MediaKey: "3_1", Type: "photo", URL: "https://pbs.example/?a=1&b=2", Width: 3}},
				Places: []tweet.Place{{ID: "p", FullName: rapid.String().Draw(t, "place"), Country: "FR"}}}}
		w := newWorld()
		w.add(p)
		h := handler(w)
		v := url.Values{"expansions": {"author_id,attachments.media_keys,geo.place_id"}}
		want := map[string]map[string]bool{}
		for name, fields := range mayAsk {
			asked := rapid.SliceOfDistinct(rapid.SampledFrom(fields), rapid.ID).Draw(t, name)
			if len(asked) > 0 {
				v.Set(name, strings.Join(asked, ","))
			}
			want[name] = map[string]bool{}
			for _, f := range append(asked, unasked[name]...) {
				want[name][f] = true
			}
		}
		for _, f := range []string{"author_id", "attachments", "geo"} { // those that hold what is expanded
			want["tweet.fields"][f] = true
		}
		r := httptest.NewRequest("GET", "/2/tweets/7?"+v.Encode(), nil)
		r.Host = "localhost"
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		var got, whole struct {
			Data     map[string]any
			Includes map[string][]map[string]any
		}
		if err := json.Unmarshal(out.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, out.Body)
		}
		if err := json.Unmarshal(w.docs[0].Payload, &whole); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(whole.Data, func(k string, _ any) bool { return !want["tweet.fields"][k] })
		for kind, name := range map[string]string{"users": "user.fields", "media": "media.fields", "places": "place.fields"} {
			maps.DeleteFunc(whole.Includes[kind][0], func(k string, _ any) bool { return !want[name][k] })
		}
		if !reflect.DeepEqual(got, whole) {
			t.Fatalf("got  %v\nwant %v", got, whole)
		}
	})
}

func BenchmarkPage(b *testing.B) {
	w := newWorld()
	for i := range 100 {
		text := fmt.Sprintf("a bird with \"quotes\" number %d %s", i, strings.Repeat("tweet ", 30))
		w.add(&tweet.Payload{Data: tweet.Tweet{ID: tweet.ID(i + 1), Text: text, AuthorID: 11, CreatedAt: "2024-06-01T11:00:00.000Z", Lang: "en", Source: "web",
			Entities:      &tweet.Entities{Mentions: []tweet.Mention{{Start: 1, End: 4, Username: "bob", ID: 12}}, Hashtags: slices.Repeat([]tweet.Tag{{Start: 1, End: 5, Tag: "bird"}}, 5)},
			PublicMetrics: &tweet.TweetMetrics{LikeCount: 1}},
			Includes: &tweet.Includes{Users: []tweet.User{{ID: tweet.ID(11 + i), Name: "Ada", Username: "ada", Description: strings.Repeat("about me ", 15)}, {ID: 12, Username: "bob"}}}})
	}
	h := handler(w)
	for name, path := range map[string]string{
		"defaults": "/2/tweets?",
		"all":      "/2/tweets?tweet.fields=created_at,author_id,entities,public_metrics,lang,source&user.fields=description,public_metrics&expansions=author_id,entities.mentions.username&",
	} {
		ids := make([]string, 100)
		for i := range ids {
			ids[i] = fmt.Sprint(i + 1)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", path+"ids="+strings.Join(ids, ","), nil)
				r.Host = "localhost"
				out := httptest.NewRecorder()
				h.ServeHTTP(out, r)
				b.SetBytes(int64(out.Body.Len()))
				if out.Code != 200 {
					b.Fatal(out.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/tweet")
		})
	}
}
