package live_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/live"
	"birdwatch/query"
)

// TestTexts: numbers keep their texts, of whatever length, while others come and go, and what went takes no more room than what stays.
func TestTexts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		texts := live.NewTexts()
		want := map[uint32]string{}
		lengths := rapid.SampledFrom([]int{0, 1, 9, 253, 254, 255, 256, 3000})
		for range rapid.IntRange(1, 300).Draw(rt, "steps") {
			n := uint32(rapid.IntRange(1, 50).Draw(rt, "number"))
			if _, ok := want[n]; ok {
				texts.Drop(n)
				delete(want, n)
			} else {
				want[n] = strings.Repeat(string('a'+rune(n%26)), lengths.Draw(rt, "length"))
				texts.Set(n, want[n])
			}
		}
		size := 0
		for n, text := range want {
			size += len(text)
			if texts.Of(n) != text || !texts.Is(n, text) {
				rt.Fatalf("%d has %q, want %q", n, texts.Of(n), text)
			}
			if texts.Is(n, text+"x") || text != "" && texts.Is(n, text[1:]) {
				rt.Fatalf("%d is taken for another text than %q", n, text)
			}
		}
		if all := texts.Size(); all > 2*size+8192+500 {
			rt.Fatalf("%d bytes for texts of %d", all, size)
		}
	})
}

// TestIndexTellsManyTermsApart: words that stand apart are no phrase, also where queries name more of a tweet's terms than there are bits for.
func TestIndexTellsManyTermsApart(t *testing.T) {
	const words = 60
	var text []string
	x := live.NewIndex()
	for i := range words {
		word := fmt.Sprintf("%c%cabcdef", 'a'+i/10, 'a'+i%10)
		text = append(text, word)
		for n := 3; n <= len(word); n++ {
			x.Take(parse(word[:n] + "*").Expr)
		}
	}
	for i := range words - 2 {
		x.Take(parse(fmt.Sprintf("%q", text[i]+" "+text[i+1])).Expr)
		x.Take(parse(fmt.Sprintf("%q", text[i]+" "+text[i+2])).Expr)
	}
	var target query.Target
	target.Set(payload(1, strings.Join(text, " ")))
	for _, sealed := range []bool{false, true} {
		if sealed {
			x.Seal()
		}
		if got, want := x.Match(&target), words*6+words-2; got != want {
			t.Errorf("%d found, want %d: every prefix and those side by side", got, want)
		}
	}
}
