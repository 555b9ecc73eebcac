package tweet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func TestWordSpans(t *testing.T) {
	link := func(start, end int) *tweet.Entities {
		return &tweet.Entities{URLs: []tweet.URL{{Start: start, End: end, URL: "https://t.co/a"}}}
	}
	for _, c := range []struct {
		text  string
		e     *tweet.Entities
		shift int
		want  string // the text of each span; of a pair its two units parted by |, with > behind a link
	}{
		{"this is a test", nil, 0, "this is a test"},
		{"Go, fast!", nil, 0, "Go fast"},
		{"I can't, won’t: 3.14", nil, 0, "I can't won’t 3.14"},
		{"@username #tag", nil, 0, "username tag"},
		{"東京の天気", nil, 0, "東|京 京|の の|天 天|気 気"},
		{"日 本", nil, 0, "日 本"},
		{"iphoneを買う", nil, 0, "iphone を|買 買|う う"},
		{"สวัสดี", nil, 0, "ส|วั วั|ส ส|ดี ดี"},
		{"Café cafe\u0301 x", nil, 0, "Café cafe\u0301 x"},
		{"ＡＢＣ　１２３", nil, 0, "ＡＢＣ １２３"},
		{"ﬁne Ⅳ Straße", nil, 0, "ﬁne Ⅳ Straße"},
		{"thumbs 👍🏽 up 👨‍👩‍👧 ❤️!", nil, 0, "thumbs 👍🏽 up 👨‍👩‍👧 ❤️"},
		{"fish &amp; it&#39;s &lt;b&gt;", nil, 0, "fish it&#39;s b"},
		{"see https://t.co/a now", nil, 0, "see >now"},
		{"see https://t.co/a now", link(4, 18), 0, "see >now"},
		{"a &amp; https://t.co/a &amp; b", nil, 0, "a >b"},
		{"日本https://t.co/a日本", nil, 0, "日|本 本 >日|本 本"},
		{"so\u00adft ze\u200bro", nil, 0, "so\u00adft ze ro"},
		{"السلام عليكم", nil, 0, "السلام عليكم"},
		{"ﾊﾞﾅﾅ", nil, 0, "ﾊﾞ|ﾅ ﾅ|ﾅ ﾅ"},
		{"한국어", nil, 0, "한국어"},
		{"a\ufffdb \xff c", nil, 0, "a b c"},
		{"", nil, 0, ""},
	} {
		if got := spansText(c.text, tweet.WordSpans(c.text, c.e, c.shift), c.shift); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestWordSpansBehindWhatWasCut(t *testing.T) {
	spans := tweet.WordSpans("see https://t.co/a now", &tweet.Entities{URLs: []tweet.URL{{Start: 13, End: 27}}}, 9)
	if want := []tweet.WordSpan{{Start: 9, End: 12}, {Start: 28, End: 31, AfterLink: true}}; !slices.Equal(spans, want) {
		t.Errorf("%+v", spans)
	}
}

func spansText(text string, spans []tweet.WordSpan, shift int) string {
	runes := []rune(text)
	var words []string
	for _, s := range spans {
		word := string(runes[s.Start-shift : s.End-shift])
		if s.Second > 0 {
			word = string(runes[s.Start-shift:s.Second-shift]) + "|" + string(runes[s.Second-shift:s.End-shift])
		}
		if s.AfterLink {
			word = ">" + word
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// checkSpans holds spans to the words that AddText makes: as many, in order, each of the text that it is said to be of.
func checkSpans(text string, e *tweet.Entities) error {
	var terms tweet.Terms
	terms.AddText(text, e, 0)
	spans := tweet.WordSpans(text, e, 0)
	if len(spans) != terms.Words() {
		return fmt.Errorf("%d spans of %d words", len(spans), terms.Words())
	}
	points, last := utf8.RuneCountInString(text), 0
	for i, s := range spans {
		if s.Start < last || s.End <= s.Start || s.End > points || s.Second != 0 && (s.Second < s.Start || s.Second > s.End) {
			return fmt.Errorf("word %d, %q, stands at %+v of %d", i, terms.Word(i), s, points)
		}
		last = s.Start
	}
	return nil
}

// TestWordSpansOfPieces: of what is made of known pieces, each word is found again in its span.
func TestWordSpansOfPieces(t *testing.T) {
	pieces := []string{"go", "Café", "cafe\u0301", "日本語", "สวัสดี", "👍🏽", "👨‍👩‍👧", "it&#39;s", "&amp;", "https://t.co/x", " ", " ", "\n", "İstanbul", "ＡＢＣ", "ﬁne", "#tag", "ﾊﾞﾅﾅ", "한국어", "العربية", "x\u00ady", "ℹ", "’", "3.14"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 20).Draw(t, "text"), "")
		if err := checkSpans(text, nil); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var terms tweet.Terms
		terms.AddText(text, nil, 0)
		runes := []rune(text)
		for i, s := range tweet.WordSpans(text, nil, 0) {
			var one tweet.Terms
			if one.AddText(string(runes[s.Start:s.End]), nil, 0); one.Words() == 0 || string(one.Word(0)) != string(terms.Word(i)) {
				t.Fatalf("%q: word %d is %q, in its span stands %q", text, i, terms.Word(i), string(runes[s.Start:s.End]))
			}
		}
	})
}

func FuzzWordSpans(f *testing.F) {
	for _, s := range []string{"this is a test", "東京の天気 https://t.co/a &amp; b", "cafe\u0301 👍🏽", "\xff\xfe", "ﬁ\u0301ﬁ", "가\u11a8"} {
		f.Add(s, 3, 9)
	}
	f.Fuzz(func(t *testing.T, text string, start, end int) {
		for _, e := range []*tweet.Entities{nil, {URLs: []tweet.URL{{Start: start, End: end}}}} {
			if err := checkSpans(text, e); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
