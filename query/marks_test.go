package query_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// marked writes a text with brackets around its marks.
func marked(text string, marks []query.Mark) string {
	runes := []rune(text)
	var b strings.Builder
	at := 0
	for _, m := range marks {
		b.WriteString(string(runes[at:m.Start]) + "[" + string(runes[m.Start:m.End]) + "]")
		at = m.End
	}
	return b.String() + string(runes[at:])
}

func TestMarks(t *testing.T) {
	for _, c := range []struct{ query, text, want string }{
		{"go", "Go is fast, so GO", "[Go] is fast, so [GO]"},
		{"go fast", "Go is fast", "[Go] is [fast]"},
		{"go slow", "Go is fast", "Go is fast"},
		{"go OR slow", "Go is fast", "[Go] is fast"},
		{"(go slow) OR fast", "Go is fast", "Go is [fast]"},
		{"go -slow", "Go is fast", "[Go] is fast"},
		{"-(go slow)", "Go is fast", "Go is fast"},
		{"-(-go)", "Go is fast", "[Go] is fast"},
		{"-(-go slow)", "Go is fast", "Go is fast"},
		{"", "Go is fast", "Go is fast"},
		{"lang:en go", "Go is fast", "[Go] is fast"},
		{"cafe", "Café, cafe\u0301!", "[Café], [cafe\u0301]!"},
		{`"is fast"`, "Go is... FAST and is fast", "Go [is... FAST] and [is fast]"},
		{`"one two"`, "zero one\ntwo", "zero [one\ntwo]"},
		{`"see now"`, "see https://t.co/a now", "[see] https://t.co/a [now]"},
		{"coca-cola", "a Coca-Cola!", "a [Coca-Cola]!"},
		{"can't", "I can’t", "I [can’t]"},
		{`"fish chips"`, "fish &amp; chips", "[fish &amp; chips]"},
		{"it's", "it&#39;s so", "[it&#39;s] so"},
		{"gol*", "go golang Goldfish", "go [golang] [Goldfish]"},
		{`"a b"~2`, "a x b y a z z z b", "[a] x [b] y [a] z z z b"},
		{`"never never"~3`, "never say never, never", "[never] say [never], [never]"},
		{`"b a"~1`, "a b c a", "[a] [b] c [a]"},
		{"東京", "東京の天気", "[東京]の天気"},
		{"天気予報", "東京の天気予報です", "東京の[天気予報]です"},
		{"京", "東京の京", "東[京]の[京]"},
		{"気", "天気", "天[気]"},
		{`"天気 x"`, "東京の天気 x", "東京の[天気 x]"},
		{"โลก", "สวัสดีชาวโลก", "สวัสดีชาว[โลก]"},
		{"ท", "ที่นี่ท", "[ที่]นี่[ท]"},
		{"👍", "so 👍🏽 and 👍", "so [👍🏽] and [👍]"},
		{"👍🏽", "so 👍🏽 and 👍", "so [👍🏽] and 👍"},
		{"👍", "👍👍", "[👍👍]"},
		{"❤", "I ❤️ it", "I [❤️] it"},
		{"#go", "go #Go #golang", "go [#Go] #golang"},
		{"go #go", "go #Go", "[go] [#Go]"},
		{"golang", "#golang", "#[golang]"},
		{"@ada", "hi @Ada and ada", "hi [@Ada] and ada"},
		{"$tsla", "buy $TSLA tsla", "buy [$TSLA] tsla"},
		{"-#go fast", "#rust fast", "#rust [fast]"},
		{"https://example.com", "read https://example.com/a, now", "read [https://example.com/a], now"},
		{"url_contains:ple.c", "read https://example.com/a, now", "read [https://example.com/a], now"},
		{"url:example.com -url:example.org", "http://example.com", "[http://example.com]"},
		{"has:links", "http://example.com", "http://example.com"},
	} {
		p := &Payload{Data: tweet.Tweet{ID: 1, Text: c.text, Lang: "en"}}
		if got := marked(c.text, query.Marks(parsed(t, c.query), p)); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.query, got, c.want)
		}
	}
}

// TestMarksOfPayloads: entities may disagree with the text, and a retweet shows the tweet that it repeats.
func TestMarksOfPayloads(t *testing.T) {
	url := tweet.URL{Start: 5, End: 19, URL: "https://t.co/a", ExpandedURL: "https://example.com/news", Title: "Good News"}
	linked := tweet.Tweet{ID: 1, Text: "read https://t.co/a #Go", Entities: &tweet.Entities{URLs: []tweet.URL{url}, Hashtags: []tweet.Tag{{Start: 20, End: 23, Tag: "Go"}, {Start: 90, End: 93, Tag: "x"}, {Start: -3, End: 2, Tag: "y"}}}}
	moved := linked
	moved.Entities = &tweet.Entities{URLs: []tweet.URL{url}, Hashtags: []tweet.Tag{{Start: 1, End: 4, Tag: "go"}}}
	moved.Entities.URLs[0].Start, moved.Entities.URLs[0].End = 2, 16
	retweet := tweet.Tweet{ID: 2, Text: "RT @ada: read https…", ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 1}}}
	cut := tweet.Tweet{ID: 2, Text: "RT @ada: read on, @ada", ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 9}}}
	note := tweet.Tweet{ID: 3, Text: "long…", NoteTweet: &tweet.NoteTweet{Text: "long text #go"}}
	for _, c := range []struct {
		query, text string
		p           *Payload
		want        string
	}{
		{"url:example.com", linked.Text, &Payload{Data: linked}, "read [https://t.co/a] #Go"},
		{"url_title:good", linked.Text, &Payload{Data: linked}, "read [https://t.co/a] #Go"},
		{"url_title:bad OR read", linked.Text, &Payload{Data: linked}, "[read] https://t.co/a #Go"},
		{"#go", linked.Text, &Payload{Data: linked}, "read https://t.co/a [#Go]"},
		{"#x OR #y", linked.Text, &Payload{Data: linked}, "read https://t.co/a #Go"},
		{"url:example.com #go", linked.Text, &Payload{Data: moved}, "read [https://t.co/a] [#Go]"},
		{"read #go @ada", linked.Text, &Payload{Data: retweet, Includes: &tweet.Includes{Tweets: []tweet.Tweet{linked}, Users: []tweet.User{{ID: 5, Username: "ada"}}}}, "[read] https://t.co/a [#Go]"},
		{"read #go", linked.Text, &Payload{Data: retweet, Includes: &tweet.Includes{Tweets: []tweet.Tweet{linked}}}, "[read] https://t.co/a [#Go]"},
		{"read @ada", cut.Text, &Payload{Data: cut}, "RT [@ada]: [read] on, [@ada]"},
		{"rt OR on", cut.Text, &Payload{Data: cut}, "RT @ada: read [on], @ada"},
		{"text #go", note.NoteTweet.Text, &Payload{Data: note}, "long [text] [#go]"},
	} {
		if got := marked(c.text, query.Marks(parsed(t, c.query), c.p)); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.query, got, c.want)
		}
	}
}

// TestMarksAreTwitterTexts: for every case of twitter-text, a query that gives the case's hits, and from them the case's markup.
func TestMarksAreTwitterTexts(t *testing.T) {
	b, err := os.ReadFile("../tweet/testdata/twitter-text/hit_highlighting.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests map[string][]struct {
			Description, Text, Expected string
			Hits                        [][2]int
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{
		"Highlight the beginning of a string": "this", "Highlight the middle of a string": "is", "Highlight the end of a string": "test",
		"Highlight multiple terms": "this test", "DO NOT highlight with empty hits": "-absent", "Highlight within Japanese text": "東京",
		"Highlight after a link (offset does not include markup)": "this", "Highlight anchor text of a link (offset does not include markup)": "username",
		"Highlight around a link (offset does not include markup)": `@username "username this"`, "Highlight two links": "bar baz",
		"Highlight non-link then link not at end": "bar baz", "Highlight non-link then link at end": "bar baz", "Highlight mention at end": "@twitter",
	}
	ran := 0
	for _, cases := range file.Tests {
		for _, c := range cases {
			text := tags.ReplaceAllString(c.Text, "")
			if c.Description == "Highlight touching tags" { // the second half of a word
				continue
			}
			var hits []query.Mark
			for _, h := range c.Hits {
				hits = append(hits, query.Mark{Start: h[0], End: h[1]})
			}
			marks := query.Marks(parsed(t, queries[c.Description]), &Payload{Data: tweet.Tweet{ID: 1, Text: text}})
			if !slices.Equal(marks, hits) {
				t.Errorf("%s: %s marks %v, want %v", c.Description, queries[c.Description], marks, hits)
			}
			if got := highlighted(c.Text, marks); got != c.Expected {
				t.Errorf("%s\n got %s\nwant %s", c.Description, got, c.Expected)
			}
			ran++
		}
	}
	if ran < 13 {
		t.Errorf("only %d cases", ran)
	}
}

var tags = regexp.MustCompile(`<[^>]*>`)

// highlighted puts <em> around the marks of a text with markup. A mark begins behind markup that stands at its start, and ends before what
// stands at its end, unless markup was opened within it.
func highlighted(html string, marks []query.Mark) string {
	var b strings.Builder
	point, next, open := 0, 0, false
	inner := 0 // elements that were opened within the mark
	for len(html) > 0 {
		if open && point == marks[next].End && (inner == 0 || !strings.HasPrefix(html, "</")) {
			b.WriteString("</em>")
			next, open = next+1, false
		}
		if tag := tags.FindStringIndex(html); tag != nil && tag[0] == 0 {
			if open && html[1] == '/' {
				inner--
			} else if open {
				inner++
			}
			b.WriteString(html[:tag[1]])
			html = html[tag[1]:]
			continue
		}
		if !open && next < len(marks) && point == marks[next].Start {
			b.WriteString("<em>")
			open, inner = true, 0
		}
		r := []rune(html)[0]
		b.WriteRune(r)
		html = html[len(string(r)):]
		point++
	}
	if open {
		b.WriteString("</em>")
	}
	return b.String()
}

// TestMarksOfRandomQueries: marks are in order, apart, and within the text; what does not match has none.
func TestMarksOfRandomQueries(t *testing.T) {
	some := 0
	check := func(t *rapid.T, tweets []*Payload) {
		e := querytest.Exprs(querytest.VocabularyOf(tweets)).Draw(t, "query")
		for _, p := range tweets {
			some += checkMarks(t, e, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, querytest.Tweets().Draw(t, "tweets")) })
	real := realTweets(t)
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, len(real)-20).Draw(t, "from")
		check(t, real[from:from+20])
	})
	if some == 0 {
		t.Error("not one mark: nothing was tested")
	}
}

type failer interface{ Fatalf(string, ...any) }

func checkMarks(t failer, e query.Expr, p *Payload) int {
	marks := query.Marks(e, p)
	v := p.View()
	points := len([]rune(v.Text)) + v.Shift
	last := -1
	for _, m := range marks {
		if m.Start <= last || m.End <= m.Start || m.End > points {
			t.Fatalf("%s marks %v in %q", e, marks, v.Text)
		}
		last = m.End
	}
	var target query.Target
	target.Set(p)
	if len(marks) > 0 && !query.NewMatcher(e).Match(&target) {
		t.Fatalf("%s does not match %q and marks %v", e, v.Text, marks)
	}
	return len(marks)
}

func FuzzMarks(f *testing.F) {
	f.Add("go", "Go is fast", 0, 2)
	f.Add(`"東京 a"~3 OR 京 -x`, "東京の天気 a", 0, 2)
	f.Add("#go @ada $tsla url:example.com OR url_contains:x", "#go @ada $TSLA https://example.com/x", -1, 99)
	f.Fuzz(func(t *testing.T, text, words string, start, end int) {
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			return
		}
		e := &tweet.Entities{URLs: []tweet.URL{{Start: start, End: end, URL: words}}, Hashtags: []tweet.Tag{{Start: start, End: end, Tag: words}}, Mentions: []tweet.Mention{{Start: start, End: end, Username: words}}}
		checkMarks(t, q.Expr, &Payload{Data: tweet.Tweet{ID: 1, Text: words}})
		checkMarks(t, q.Expr, &Payload{Data: tweet.Tweet{ID: 1, Text: words, Entities: e}})
		checkMarks(t, q.Expr, &Payload{Data: tweet.Tweet{ID: 1, Text: "RT @a: " + words, Entities: e, ReferencedTweets: []tweet.Reference{{Type: "retweeted", ID: 2}}}})
	})
}
