package tweet_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"birdwatch/tweet"
)

func FuzzASCII(f *testing.F) {
	for _, s := range []string{"Don't stop: 3.14, 10,000; a_b __ x:y http://x.y/z &amp; 'a' 1'2 a.b.", "a:1 1:a a,b 1,,2 a''b _a_", "👍 don't_ 5:4"} {
		f.Add(s)
	}
	f.Add("1️⃣2 👩🏽‍💻a ☝🏿 é\u0301 ﾊﾞ ก็ه\u064b™x")
	f.Fuzz(func(t *testing.T, s string) {
		var fast, full tweet.Terms
		fast.AddText(s, nil, 0)
		full.AddTextFull(s, nil, 0)
		if a, b := show(&fast), show(&full); a != b {
			t.Errorf("%q\nfast %q\nfull %q", s, a, b)
		}
	})
}

// FuzzTerms: no text makes a term that cannot be stored, whatever the entities say.
func FuzzTerms(f *testing.F) {
	f.Add("see https://t.co/x é", 4, 19, 0)
	f.Add("\xff\xe3\x81 日\u200D👍🏽&lt;", 1, 3, 2)
	f.Fuzz(func(t *testing.T, s string, start, end, shift int) {
		var terms tweet.Terms
		terms.AddText(s, &tweet.Entities{URLs: []tweet.URL{{Start: start, End: end}}}, shift)
		for i := range terms.Words() {
			checkTerm(t, string(terms.Word(i)))
		}
	})
}

// realTweets are the texts of the sample, with their addresses.
func realTweets(b *testing.B) (ascii, other []tweet.Tweet) {
	f, err := os.Open("../ingest/sample/sample.jsonl.gz")
	if err != nil {
		b.Skipf("SKIPPED LOUDLY: no real tweets: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v struct {
			Text     string
			FullText string `json:"full_text"`
			Entities struct{ URLs []struct{ Indices [2]int } }
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			b.Fatal(err)
		}
		t := tweet.Tweet{Text: v.Text + v.FullText, Entities: &tweet.Entities{}}
		for _, u := range v.Entities.URLs {
			t.Entities.URLs = append(t.Entities.URLs, tweet.URL{Start: u.Indices[0], End: u.Indices[1]})
		}
		if strings.ContainsFunc(t.Text, func(r rune) bool { return r > 0x7F }) {
			other = append(other, t)
		} else {
			ascii = append(ascii, t)
		}
	}
	if err := lines.Err(); err != nil {
		b.Fatal(err)
	}
	return ascii, other
}

// BenchmarkAddText takes one real tweet after the other. The bound for ASCII is 0.6 µs, else 4 µs, and no allocation.
func BenchmarkAddText(b *testing.B) {
	ascii, other := realTweets(b)
	for _, kind := range []struct {
		name   string
		tweets []tweet.Tweet
	}{{"ascii", ascii}, {"other", other}} {
		b.Run(kind.name, func(b *testing.B) {
			var terms tweet.Terms
			size := 0
			add := func(t *tweet.Tweet) {
				terms.Reset()
				terms.AddText(t.Text, t.Entities, 0)
			}
			for i := range kind.tweets {
				add(&kind.tweets[i]) // warm
				size += len(kind.tweets[i].Text)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				add(&kind.tweets[i%len(kind.tweets)])
				i++
			}
			b.ReportMetric(float64(size)/float64(len(kind.tweets)), "bytes/tweet")
		})
	}
}

// TestAddTextAllocatesNothing once warm, where no word needs Unicode's rules: those allocate.
func TestAddTextAllocatesNothing(t *testing.T) {
	var terms tweet.Terms
	for _, s := range []string{"RT @golang: Go 1.26 is out https://t.co/abcdef #golang", "日本語 👩🏽‍💻 café ภาษาไทย مَرحبا"} {
		if n := testing.AllocsPerRun(20, func() {
			terms.Reset()
			terms.AddText(s, nil, 0)
			terms.AddFieldText('/', s)
			terms.AddField('=', s)
		}); n > 0 {
			t.Errorf("%q: %v allocations", s, n)
		}
	}
}
