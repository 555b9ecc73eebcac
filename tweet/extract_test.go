package tweet_test

import (
	"os"
	"testing"

	"gopkg.in/yaml.v3"

	"birdwatch/tweet"
)

// span is a found entity as twitter-text's cases write it.
type span struct {
	Value      string
	Start, End int
}

func hashtags(s string) (got []span) {
	for _, t := range tweet.Hashtags(s) {
		got = append(got, span{t.Tag, t.Start, t.End})
	}
	return got
}

func cashtags(s string) (got []span) {
	for _, t := range tweet.Cashtags(s) {
		got = append(got, span{t.Tag, t.Start, t.End})
	}
	return got
}

func mentions(s string) (got []span) {
	for _, m := range tweet.Mentions(s) {
		got = append(got, span{m.Username, m.Start, m.End})
	}
	return got
}

// exceptions are the cases that need not pass, with the reason.
var exceptions = map[string]string{}

func TestTwitterTextConformance(t *testing.T) {
	b, err := os.ReadFile("testdata/twitter-text/extract.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests map[string][]struct {
			Description string
			Text        string
			Expected    yaml.Node
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for section, extract := range map[string]func(string) []span{
		"hashtags": hashtags, "hashtags_from_astral": hashtags, "hashtags_with_indices": hashtags,
		"cashtags": cashtags, "cashtags_with_indices": cashtags,
		"mentions": mentions, "mentions_with_indices": mentions,
	} {
		for _, c := range file.Tests[section] {
			ran++
			got := extract(c.Text)
			want, indices := expected(t, &c.Expected)
			ok := len(got) == len(want)
			for i := range want {
				ok = ok && got[i].Value == want[i].Value && (!indices || got[i] == want[i])
			}
			reason, excepted := exceptions[c.Description]
			switch {
			case !ok && !excepted:
				t.Errorf("%s: %s\ntext %q\n got %v\nwant %v", section, c.Description, c.Text, got, want)
			case ok && excepted:
				t.Errorf("%s: %s passes: take it from the exceptions (%s)", section, c.Description, reason)
			}
		}
	}
	if ran < 100 {
		t.Errorf("only %d cases ran", ran)
	}
}

func expected(t *testing.T, n *yaml.Node) (want []span, indices bool) {
	t.Helper()
	for _, item := range n.Content {
		if item.Kind == yaml.ScalarNode {
			want = append(want, span{Value: item.Value})
			continue
		}
		var e struct {
			Hashtag, Cashtag string
			ScreenName       string `yaml:"screen_name"`
			Indices          []int
		}
		if err := item.Decode(&e); err != nil {
			t.Fatal(err)
		}
		want = append(want, span{e.Hashtag + e.Cashtag + e.ScreenName, e.Indices[0], e.Indices[1]})
		indices = true
	}
	return want, indices
}
