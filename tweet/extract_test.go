package tweet_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"birdwatch/tweet"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
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

// TestListsAreMentions: of a list, @user/list, its owner is mentioned; a tweet has no list in its entities.
func TestListsAreMentions(t *testing.T) {
	for _, c := range cases(t)["mentions_or_lists_with_indices"] {
		var want []struct {
			ScreenName string `yaml:"screen_name"`
			Slug       string `yaml:"list_slug"`
			Indices    [2]int
		}
		if err := c.Expected.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := mentions(c.Text)
		if len(got) != len(want) {
			t.Errorf("%s: %q: got %v, want %v", c.Description, c.Text, got, want)
			continue
		}
		for i, w := range want {
			if s := (span{w.ScreenName, w.Indices[0], w.Indices[1] - len(w.Slug)}); got[i] != s {
				t.Errorf("%s: %q: got %v, want %v", c.Description, c.Text, got[i], s)
			}
		}
	}
}

type conformanceCase struct {
	Description string
	Text        string
	Expected    yaml.Node
}

// cases are twitter-text's, by section.
func cases(t *testing.T) map[string][]conformanceCase {
	t.Helper()
	b, err := os.ReadFile("testdata/twitter-text/extract.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Tests map[string][]conformanceCase }
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Tests
}

func TestTwitterTextConformance(t *testing.T) {
	sections := cases(t)
	ran := 0
	for section, extract := range map[string]func(string) []span{
		"hashtags": hashtags, "hashtags_from_astral": hashtags, "hashtags_with_indices": hashtags,
		"cashtags": cashtags, "cashtags_with_indices": cashtags,
		"mentions": mentions, "mentions_with_indices": mentions,
	} {
		for _, c := range sections[section] {
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

// TestCornersOfExtraction holds what twitter-text's cases do not.
func TestCornersOfExtraction(t *testing.T) {
	for _, tt := range []struct {
		find func(string) []span
		in   string
		want []span
	}{
		{hashtags, "it&#x27;s &#nbsp", nil},
		{hashtags, "#日本語。#é #1a #1 ##x", []span{{"日本語", 0, 4}, {"é", 5, 7}, {"1a", 8, 11}, {"x", 16, 18}}},
		{hashtags, "https://x.org/a#b t.co/#c #d", []span{{"d", 26, 28}}},
		{hashtags, "", nil},
		{cashtags, "$GOOG $brk.b $1 a$B $TOOLONGX", []span{{"GOOG", 0, 5}, {"brk.b", 6, 12}}},
		{mentions, "RT @ada: .@bob x@y.org ＠eve @abcdefghijklmnopqrstuvwxyz", []span{{"ada", 3, 7}, {"bob", 10, 14}, {"eve", 23, 27}, {"abcdefghijklmnopqrst", 28, 49}}},
	} {
		if got := tt.find(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q\n got %v\nwant %v", tt.in, got, tt.want)
		}
	}
}

// TestPositions: what is found stands where it is said to stand, behind its sign.
func TestPositions(t *testing.T) {
	word := rapid.SampledFrom([]string{"a", "É", "日本", "_x1", "12", "👩🏽‍💻", "\U00010400", " ", "#", "＃", "$", "@", "＠", "&", "http://t.co/a#b@c", "x.org/@a", ".", "RT", ":", "/", "\xff", "\x00"})
	rapid.Check(t, func(t *rapid.T) { checkPositions(t, strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "parts"), "")) })
}

func checkPositions(t interface{ Fatalf(string, ...any) }, s string) {
	points := []rune(s)
	for signs, found := range map[string][]span{"#＃": hashtags(s), "$": cashtags(s), "@＠": mentions(s)} {
		last := 0
		for _, f := range found {
			if f.Start < last || f.Start >= f.End || f.End > len(points) || !strings.ContainsRune(signs, points[f.Start]) ||
				string(points[f.Start+1:f.End]) != f.Value || f.Value == "" {
				t.Fatalf("%+q: %+v of %s", s, f, signs)
			}
			last = f.End
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("#golang $GO @ada &#39; http://t.co/#x @a/b ＃日本 RT@bob")
	f.Fuzz(func(t *testing.T, s string) { checkPositions(t, s) })
}
