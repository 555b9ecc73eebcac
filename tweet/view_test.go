package tweet_test

import (
	"fmt"
	"strings"
	"testing"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func TestView(t *testing.T) {
	ada, bob := tweet.User{ID: 1, Username: "ada"}, tweet.User{ID: 2, Username: "Bob"}
	retweeted, quoted := tweet.Reference{Type: "retweeted", ID: 20}, tweet.Reference{Type: "quoted", ID: 30}
	own := &tweet.Entities{Hashtags: []tweet.Tag{{Tag: "own"}}}
	theirs := &tweet.Entities{Hashtags: []tweet.Tag{{Tag: "theirs"}}}
	long := &tweet.Entities{Hashtags: []tweet.Tag{{Tag: "long"}}}
	data := func(text string, refs ...tweet.Reference) tweet.Tweet {
		return tweet.Tweet{ID: 10, AuthorID: 1, Text: text, Entities: own, ReferencedTweets: refs}
	}
	withNote := func(t tweet.Tweet, n *tweet.NoteTweet) tweet.Tweet {
		t.NoteTweet = n
		return t
	}
	users := []tweet.User{ada, bob}
	original := tweet.Tweet{ID: 20, AuthorID: 2, Text: "the whole text", Entities: theirs}
	for _, tt := range []struct {
		name string
		p    tweet.Payload
		want string
	}{
		{"plain", tweet.Payload{Data: data("hello"), Includes: &tweet.Includes{Users: users}},
			`subject 10 by ada, "hello" [own] 0`},
		{"no includes", tweet.Payload{Data: data("hello")},
			`subject 10 by -, "hello" [own] 0`},
		{"text that looks like a retweet's", tweet.Payload{Data: data("RT @bob: hello")},
			`subject 10 by -, "RT @bob: hello" [own] 0`},
		{"long text", tweet.Payload{Data: withNote(data("hello…"), &tweet.NoteTweet{Text: "hello world", Entities: long})},
			`subject 10 by -, "hello world" [long] 0`},
		{"long text without entities of its own", tweet.Payload{Data: withNote(data("hello…"), &tweet.NoteTweet{Text: "hello world"})},
			`subject 10 by -, "hello world" [own] 0`},
		{"retweet", tweet.Payload{Data: data("RT @Bob: the whole…", retweeted), Includes: &tweet.Includes{Users: users, Tweets: []tweet.Tweet{original}}},
			`subject 20 by ada, "the whole text" [theirs] 0, repeats 20 by Bob`},
		{"retweet, its author absent", tweet.Payload{Data: data("RT @Bob: the whole…", retweeted), Includes: &tweet.Includes{Tweets: []tweet.Tweet{original}}},
			`subject 20 by -, "the whole text" [theirs] 0, repeats 20 by -`},
		{"retweet of a long text", tweet.Payload{Data: data("RT @Bob: the whole…", retweeted),
			Includes: &tweet.Includes{Tweets: []tweet.Tweet{withNote(original, &tweet.NoteTweet{Text: "longer yet", Entities: long})}}},
			`subject 20 by -, "longer yet" [long] 0, repeats 20 by -`},
		{"retweet of a quote: what is quoted is not searched", tweet.Payload{Data: data("RT @Bob: the whole…", retweeted, quoted),
			Includes: &tweet.Includes{Users: users, Tweets: []tweet.Tweet{{ID: 30, Text: "quoted"}, original}}},
			`subject 20 by ada, "the whole text" [theirs] 0, repeats 20 by Bob`},
		{"retweet whose original is absent", tweet.Payload{Data: data("RT @bob: the whole…", retweeted), Includes: &tweet.Includes{Users: users}},
			`subject 10 by ada, "the whole…" [own] 9, repeats 20 by Bob`},
		{"retweet of one who is unknown", tweet.Payload{Data: data("RT @eve_2: a: b", retweeted)},
			`subject 10 by -, "a: b" [own] 11, repeats 20 by -`},
		{"retweet without the usual front", tweet.Payload{Data: data("RT @bob the whole: text", retweeted)},
			`subject 10 by -, "RT @bob the whole: text" [own] 0, repeats 20 by -`},
		{"retweet of nobody", tweet.Payload{Data: data("RT @: x", retweeted)},
			`subject 10 by -, "RT @: x" [own] 0, repeats 20 by -`},
		{"quote", tweet.Payload{Data: data("look", quoted), Includes: &tweet.Includes{Users: users, Tweets: []tweet.Tweet{{ID: 30, Text: "quoted"}}}},
			`subject 10 by ada, "look" [own] 0`},
		{"reply", tweet.Payload{Data: data("no", tweet.Reference{Type: "replied_to", ID: 20}), Includes: &tweet.Includes{Users: users, Tweets: []tweet.Tweet{original}}},
			`subject 10 by ada, "no" [own] 0`},
	} {
		v := tt.p.View()
		if v.Payload != &tt.p {
			t.Errorf("%s: another payload", tt.name)
		}
		if got := showView(&v); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func showView(v *tweet.View) string {
	name := func(u *tweet.User) string {
		if u == nil {
			return "-"
		}
		return u.Username
	}
	s := fmt.Sprintf("subject %d by %s, %q [%s] %d", v.Subject.ID, name(v.Author), v.Text, v.Entities.Hashtags[0].Tag, v.Shift)
	if v.Repeated != 0 {
		s += fmt.Sprintf(", repeats %d by %s", v.Repeated, name(v.RepeatedAuthor))
	}
	return s
}

// TestCutRetweetKeepsPositions: with Shift, an address in a retweet's text is left out wherever the front was cut.
func TestCutRetweetKeepsPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		front := "RT @" + rapid.StringMatching(`[A-Za-z0-9_]{1,15}`).Draw(t, "name") + ": "
		before := rapid.SampledFrom([]string{"", "é ", "日本", "a &amp; ", "👩🏽‍💻 "}).Draw(t, "before")
		start := len([]rune(front + before))
		p := tweet.Payload{Data: tweet.Tweet{ID: 1, Text: front + before + "example.com/x y",
			Entities:         &tweet.Entities{URLs: []tweet.URL{{Start: start, End: start + len("example.com/x"), URL: "example.com/x"}}},
			ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 2}}}}
		v := p.View()
		var terms, plain tweet.Terms
		terms.AddText(v.Text, v.Entities, v.Shift)
		plain.AddText(strings.Replace(v.Text, "example.com/x", "\n", 1), nil, 0)
		if got, want := show(&terms), show(&plain); got != want {
			t.Fatalf("%q: %s, want %s", p.Data.Text, got, want)
		}
	})
}
