package tweet_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"birdwatch/tweet"
)

func realTexts(t testing.TB) (texts []string) {
	f, err := os.Open("/tmp/tweetdev/texts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		var x string
		json.Unmarshal(s.Bytes(), &x)
		texts = append(texts, x)
	}
	return texts
}

func TestDump(t *testing.T) {
	out := os.Getenv("DUMP")
	if out == "" {
		t.Skip()
	}
	f, _ := os.Create(out)
	w := bufio.NewWriter(f)
	for _, x := range realTexts(t) {
		var terms tweet.Terms
		terms.AddText(x, nil, 0)
		terms.AddFieldText('\ue010', x)
		terms.AddField('\ue011', x)
		fmt.Fprintf(w, "%q\t%s\n", x, show(&terms))
	}
	w.Flush()
	f.Close()
}

func BenchmarkReal(b *testing.B) {
	all := realTexts(b)
	var ascii, other []string
	for _, x := range all {
		k := 0
		for _, r := range x {
			if r >= 128 {
				k++
			}
		}
		if k == 0 {
			ascii = append(ascii, x)
		} else {
			other = append(other, x)
		}
	}
	for name, xs := range map[string][]string{"ascii": ascii, "other": other, "all": all} {
		b.Run(name, func(b *testing.B) {
			var terms tweet.Terms
			n := 0
			for _, x := range xs {
				n += len(x)
			}
			b.ReportAllocs()
			b.ReportMetric(float64(n)/float64(len(xs)), "bytes/tweet")
			i := 0
			for b.Loop() {
				terms.Reset()
				terms.AddText(xs[i], nil, 0)
				if i++; i == len(xs) {
					i = 0
				}
			}
		})
	}
}
