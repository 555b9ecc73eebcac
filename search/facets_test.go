package search_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/tweet"
)

func tagged(tags ...string) *tweet.Payload {
	e := &tweet.Entities{}
	text := ""
	for _, t := range tags {
		e.Hashtags = append(e.Hashtags, tweet.Tag{Start: len(text), End: len(text) + 1 + len(t), Tag: t})
		text += "#" + t + " "
	}
	return &tweet.Payload{Data: tweet.Tweet{ID: 1, Text: text, Entities: e}}
}

func TestValues(t *testing.T) {
	original := tweet.Tweet{ID: 5, AuthorID: 8, Text: "Whole words here #Deep", Lang: "in", Source: "Original app", Entities: &tweet.Entities{Hashtags: []tweet.Tag{{Start: 17, End: 22, Tag: "Deep"}}}}
	retweet := &tweet.Payload{
		Data:     tweet.Tweet{ID: 6, AuthorID: 7, Text: "RT @Bob: Whole w…", Lang: "en", Source: "My app", ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 5}}},
		Includes: &tweet.Includes{Users: []tweet.User{{ID: 7, Username: "Ada"}, {ID: 8, Username: "Bob"}}, Tweets: []tweet.Tweet{original}},
	}
	cut := &tweet.Payload{Data: tweet.Tweet{ID: 6, Text: "RT @Bob: is cut @Carl", ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 5}}}}
	links := &tweet.Payload{Data: tweet.Tweet{ID: 1, Text: "x", Entities: &tweet.Entities{URLs: []tweet.URL{
		{URL: "https://t.co/a", ExpandedURL: "http://bit.ly/X", UnwoundURL: "https://WWW.Example.com:8080/A?b#c"},
		{URL: "https://t.co/b", ExpandedURL: "http://user@example.org."},
		{URL: "https://t.co/b", ExpandedURL: "http://user@example.org."},
		{URL: "https://t.co/c"},
		{URL: "https://t.co/m", ExpandedURL: "https://twitter.com/a/status/1/photo/1", MediaKey: "3_1"},
		{URL: "https://t.co/n", DisplayURL: "pic.twitter.com/n"},
	}}}}
	bare := func(text string) *tweet.Payload { return &tweet.Payload{Data: tweet.Tweet{ID: 1, Text: text}} }
	for _, tt := range []struct {
		name string
		of   search.Facet
		p    *tweet.Payload
		want string
	}{
		{"each once, whatever the case and the accents", search.Hashtags, tagged("Go", "GO", "Café", "cafe", "rust"), "Go Café rust"},
		{"of the text where there are no entities", search.Hashtags, bare("see #One &#39;s and #two"), "One two"},
		{"of the repeated tweet", search.Hashtags, retweet, "Deep"},
		{"names the author it repeats", search.Mentions, retweet, "Bob"},
		{"names the author it repeats, by the text", search.Mentions, cut, "Carl Bob"},
		{"each name once", search.Mentions, bare("@ada @Ada @bob"), "ada bob"},
		{"the retweeter", search.Authors, retweet, "Ada"},
		{"by id where the name is not known", search.Authors, &tweet.Payload{Data: tweet.Tweet{ID: 1, AuthorID: 9}}, "9"},
		{"no author", search.Authors, bare("x"), ""},
		{"as far as it is known", search.Links, links, "https://WWW.Example.com:8080/A?b#c http://user@example.org. https://t.co/c"},
		{"hosts", search.Domains, links, "example.com example.org t.co"},
		{"addresses of the text", search.Links, bare("(http://a.example/x). https:// http"), "http://a.example/x"},
		{"an address of numbers", search.Domains, bare("http://[::1]/x http://[::2]:80/"), "[::1] [::2]"},
		{"of the repeated tweet, as lang: takes it", search.Languages, retweet, "id"},
		{"an old tag", search.Languages, &tweet.Payload{Data: tweet.Tweet{ID: 1, Lang: "iw"}}, "he"},
		{"unknown", search.Languages, bare("x"), "und"},
		{"the retweeter's", search.Sources, retweet, "My app"},
		{"no source", search.Sources, bare("x"), ""},
		{"sorted, each once, no tags, names, addresses, single letters", search.Words,
			bare("I see the Sea, the #Tag $TSLA @name's http://t.co/abc 7 2013 it’s &amp; é 😀"), "2013 it's sea see the 😀"},
		{"whole words of the repeated tweet", search.Words, retweet, "here whole words"},
		{"pairs of a run", search.Words, bare("東京都 と"), "京都 東京"},
		{"letters with marks", search.Words, bare("กี x́"), ""},
	} {
		if got := strings.Join(search.Values(tt.of, tt.p), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTop(t *testing.T) {
	tally := search.NewTally(search.Hashtags, search.Languages)
	for _, p := range []*tweet.Payload{tagged("go", "b"), tagged("Go"), tagged("GO", "a"), tagged("Go", "x")} {
		tally.Add(p)
	}
	got := fmt.Sprint(tally.Top(3))
	if want := "[[{Go 4} {a 1} {b 1}] [{und 4}]]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// asked is how the language asks for a value.
var asked = map[search.Facet]string{search.Hashtags: "#%s", search.Mentions: "@%s", search.Authors: "from:%s", search.Languages: "lang:%s", search.Sources: "source:%q"}

// TestValuesAreTheLanguages: as many tweets have a value as match the query for it, and shared out in any way the tallies give the same.
func TestValuesAreTheLanguages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tweets := querytest.Tweets().Draw(rt, "tweets")
		facets := []search.Facet{search.Hashtags, search.Mentions, search.Authors, search.Languages, search.Sources, search.Words, search.Links, search.Domains}
		whole := search.NewTally(facets...)
		shares := []*search.Tally{search.NewTally(facets...), search.NewTally(facets...), search.NewTally(facets...)}
		for _, p := range tweets {
			whole.Add(p)
			shares[rapid.IntRange(0, 2).Draw(rt, "share")].Add(p)
		}
		top := whole.Top(1 << 30)
		shares[2].Merge(shares[0])
		shares[2].Merge(shares[1])
		if got := shares[2].Top(1 << 30); fmt.Sprint(got) != fmt.Sprint(top) {
			rt.Fatalf("shared out: %v\nwhole: %v", got, top)
		}
		for i, f := range facets {
			if !slices.IsSortedFunc(top[i], func(a, b search.FacetValue) int {
				if a.Count != b.Count {
					return int(b.Count - a.Count)
				}
				return strings.Compare(a.Value, b.Value)
			}) {
				rt.Fatalf("order of %v", top[i])
			}
			for _, v := range top[i] {
				format, ok := asked[f]
				if !ok || f == search.Authors && strings.Trim(v.Value, "0123456789") == "" { // an id, or a name like one
					continue
				}
				q, err := query.Parse(fmt.Sprintf(format, v.Value), querytest.Now)
				if err != nil {
					continue // no query can ask for it
				}
				if n := matching(q.Expr, tweets); n != v.Count {
					rt.Fatalf("%s: %d tweets have %q, %d match", q.Text, v.Count, v.Value, n)
				}
			}
		}
	})
}

func matching(e query.Expr, tweets []*tweet.Payload) (n int64) {
	m := query.NewMatcher(e)
	var target query.Target
	for _, p := range tweets {
		if target.Set(p); m.Match(&target) {
			n++
		}
	}
	return n
}
