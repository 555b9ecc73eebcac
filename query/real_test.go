package query_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"birdwatch/tweet"
)

type (
	Payload = tweet.Payload
	ID      = tweet.ID
)

// realTweets are recorded answers of X's API v2, each tweet with those parts of the page's includes that it refers to.
func realTweets(t testing.TB) []*Payload {
	t.Helper()
	files, tweets := readReal()
	if len(tweets) == 0 {
		t.Skipf("SKIPPED LOUDLY: no recorded pages in %s", files)
	}
	return tweets
}

var readReal = sync.OnceValues(func() (string, []*Payload) {
	shared := os.Getenv("BIRDWATCH_SHARED")
	if shared == "" {
		shared = "../../shared"
	}
	pattern := filepath.Join(shared, "data/permissive/v2-pages/*.json.gz")
	files, _ := filepath.Glob(pattern)
	var tweets []*Payload
	seen := map[ID]bool{}
	for _, file := range files {
		for _, p := range pageOf(file) {
			if !seen[p.Data.ID] && p.Data.ID > 0 && p.Data.Text != "" {
				seen[p.Data.ID] = true
				tweets = append(tweets, p)
			}
		}
	}
	return pattern, tweets
})

func pageOf(file string) []*Payload {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	var page struct {
		Data     []tweet.Tweet
		Includes tweet.Includes
	}
	if json.NewDecoder(z).Decode(&page) != nil {
		return nil // a page of users, or of one tweet
	}
	ps := make([]*Payload, len(page.Data))
	for i, d := range page.Data {
		ps[i] = payloadOf(d, &page.Includes)
	}
	return ps
}

func payloadOf(d tweet.Tweet, page *tweet.Includes) *Payload {
	in := &tweet.Includes{}
	people := []ID{d.AuthorID, d.InReplyToUserID}
	tweets := []tweet.Tweet{d}
	for _, r := range d.ReferencedTweets {
		for _, t := range page.Tweets {
			if t.ID == r.ID {
				in.Tweets, tweets, people = append(in.Tweets, t), append(tweets, t), append(people, t.AuthorID)
			}
		}
	}
	for _, id := range people {
		if i := slices.IndexFunc(page.Users, func(u tweet.User) bool { return u.ID == id && id != 0 }); i >= 0 {
			in.Users = append(in.Users, page.Users[i])
		}
	}
	for _, t := range tweets {
		if t.Attachments != nil {
			for _, m := range page.Media {
				if slices.Contains(t.Attachments.MediaKeys, m.MediaKey) {
					in.Media = append(in.Media, m)
				}
			}
		}
		for _, p := range page.Places {
			if t.Geo != nil && t.Geo.PlaceID == p.ID {
				in.Places = append(in.Places, p)
			}
		}
	}
	return &Payload{Data: d, Includes: in}
}
