package embedded_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/query/querytest"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// realTweets are those of recorded pages of X's API v2, each with the page's users and media.
func realTweets(t testing.TB) (tweets []*tweet.Payload) {
	t.Helper()
	shared := os.Getenv("BIRDWATCH_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	pattern := filepath.Join(shared, "data", "permissive", "v2-pages", "*.json.gz")
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[tweet.ID]bool{}
	for _, name := range files {
		for _, p := range page(t, name) {
			if p.Data.ID > 0 && !seen[p.Data.ID] {
				seen[p.Data.ID] = true
				tweets = append(tweets, p)
			}
		}
	}
	if len(tweets) == 0 {
		t.Skipf("SKIPPED LOUDLY: no recorded pages in %s", pattern)
	}
	return tweets
}

func page(t testing.TB, name string) (tweets []*tweet.Payload) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Data     []tweet.Tweet
		Includes tweet.Includes
	}
	if json.NewDecoder(z).Decode(&content) != nil {
		return nil // a page of users, or of one tweet
	}
	for _, d := range content.Data {
		in := &tweet.Includes{Media: content.Includes.Media, Places: content.Includes.Places}
		for _, u := range content.Includes.Users {
			if u.ID == d.AuthorID || u.ID == d.InReplyToUserID {
				in.Users = append(in.Users, u)
			}
		}
		for _, r := range d.ReferencedTweets {
			for _, q := range content.Includes.Tweets {
				if q.ID == r.ID {
					in.Tweets = append(in.Tweets, q)
				}
			}
		}
		tweets = append(tweets, &tweet.Payload{Data: d, Includes: in})
	}
	return tweets
}

// TestRealTweets: random queries of the words and people of real tweets.
func TestRealTweets(t *testing.T) {
	tweets := realTweets(t)
	// A part of them, from all pages: some queries look at every tweet, and there are a hundred.
	tweets = slices.DeleteFunc(tweets, func(p *tweet.Payload) bool { return p.Data.ID%4 > 0 || testing.Short() && p.Data.ID%32 > 0 })
	a := open(t, embedded.Options{})
	fill(t, a, tweets)
	v := querytest.VocabularyOf(tweets)
	rapid.Check(t, func(rt *rapid.T) {
		e := querytest.Exprs(v).Draw(rt, "query")
		if err := compare(t, a, e, byMatcher(e, tweets), rapid.SampledFrom([]int{5, 100, 1000}).Draw(rt, "page")); err != nil {
			rt.Fatal(err)
		}
	})
	if err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
