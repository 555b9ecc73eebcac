package tweet_test

import (
	"fmt"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

// The generators draw from few values, so that what a test is about happens often: equal times, equal bodies, the same
// user in two sightings with different figures.

// fataler is what *testing.T and *rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(...any)
}

func tweetMetrics(t *rapid.T) *tweet.TweetMetrics {
	if rapid.Bool().Draw(t, "no figures") {
		return nil
	}
	n := rapid.Int64Range(0, 12)
	return &tweet.TweetMetrics{LikeCount: n.Draw(t, "likes"), RetweetCount: n.Draw(t, "reposts"), BookmarkCount: rapid.Int64Range(0, 1).Draw(t, "bookmarks")}
}

func userMetrics(t *rapid.T) *tweet.UserMetrics {
	if rapid.Bool().Draw(t, "no figures") {
		return nil
	}
	return &tweet.UserMetrics{FollowersCount: rapid.Int64Range(0, 12).Draw(t, "followers"), ListedCount: rapid.Int64Range(0, 1).Draw(t, "listed")}
}

// sightedTweet is what one of the sightings of tweet 100 shows.
func sightedTweet(t *rapid.T) *tweet.Payload {
	p := &tweet.Payload{Data: tweet.Tweet{
		ID:            100,
		Text:          rapid.SampledFrom([]string{"a", "b", "RT @ada: a", "a & <b>"}).Draw(t, "text"),
		AuthorID:      rapid.SampledFrom([]tweet.ID{0, 1}).Draw(t, "author"),
		Lang:          rapid.SampledFrom([]string{"", "en"}).Draw(t, "lang"),
		PublicMetrics: tweetMetrics(t),
	}}
	if rapid.Bool().Draw(t, "no includes") {
		return p
	}
	in := &tweet.Includes{}
	for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 3), 0, 3, rapid.ID).Draw(t, "users") {
		in.Users = append(in.Users, tweet.User{ID: tweet.ID(id), Username: fmt.Sprint("u", id), PublicMetrics: userMetrics(t)})
	}
	for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(200, 202), 0, 2, rapid.ID).Draw(t, "tweets") {
		in.Tweets = append(in.Tweets, tweet.Tweet{ID: tweet.ID(id), Text: "c", PublicMetrics: tweetMetrics(t)})
		typ := rapid.SampledFrom([]string{"quoted", "replied_to", "retweeted"}).Draw(t, "reference")
		p.Data.ReferencedTweets = append(p.Data.ReferencedTweets, tweet.Reference{Type: typ, ID: tweet.ID(id)})
	}
	p.Includes = in
	return p
}

// sighting is a document of one sighting of tweet 100, now and then a tombstone.
func sighting(t *rapid.T) *tweet.Document {
	at := rapid.Int64Range(0, 3).Draw(t, "at")
	if rapid.IntRange(0, 19).Draw(t, "tombstone") == 0 {
		return tweet.NewTombstone(100, 1, at)
	}
	body, err := tweet.Encode(sightedTweet(t))
	if err != nil {
		t.Fatal(err)
	}
	r := tweet.Record{
		ID: 100, CapturedAt: at, Partial: rapid.Bool().Draw(t, "partial"), Payload: body,
		Provenance: tweet.Provenance{
			From: rapid.SampledFrom([]string{"import", "stream:a"}).Draw(t, "from"),
			Pos:  rapid.Int64Range(0, 2).Draw(t, "pos"),
		},
	}
	switch rapid.IntRange(0, 2).Draw(t, "raw") {
	case 0:
		r.Raw = []byte(rapid.SampledFrom([]string{"{}", "{ }"}).Draw(t, "raw bytes"))
	case 1:
		r.RawCut = true
	}
	d := tweet.NewDocument(&r, tweet.Seq(rapid.Int64Range(1, 9).Draw(t, "first")))
	d.Revived = rapid.IntRange(0, 9).Draw(t, "revived") == 0
	return d
}

func merge(t fataler, d, e *tweet.Document) *tweet.Document {
	t.Helper()
	m, _, err := d.Merge(e)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mergeAll merges from left to right.
func mergeAll(t fataler, ds ...*tweet.Document) *tweet.Document {
	t.Helper()
	m := ds[0]
	for _, d := range ds[1:] {
		m = merge(t, m, d)
	}
	return m
}

// text shows all of a document but FirstSeq.
func text(d *tweet.Document) string {
	c := *d
	c.FirstSeq = 0
	return fmt.Sprintf("id=%d at=%d body_at=%d partial=%t tombstone=%t revived=%t cut=%t from=%v\npayload %s\nraw %q\nfigures %s",
		c.ID, c.At, c.BodyAt, c.Partial, c.Tombstone, c.Revived, c.RawCut, c.Provenance, c.Payload, c.Raw, c.Figures)
}
