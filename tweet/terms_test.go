package tweet_test

import (
	"fmt"
	"strings"
	"testing"

	"birdwatch/tweet"
)

// show writes terms as "a b c", a further form of a word as "a=b", field terms after "|".
func show(t *tweet.Terms) string {
	var b strings.Builder
	alt := 0
	for i := range t.Words() {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.Write(t.Word(i))
		for alt < t.Alts() {
			pos, form := t.Alt(alt)
			if pos != i {
				break
			}
			fmt.Fprintf(&b, "=%s", form)
			alt++
		}
	}
	for i := range t.Fields() {
		if i == 0 {
			b.WriteString("|")
		}
		fmt.Fprintf(&b, "[%s]", t.Field(i))
	}
	return b.String()
}

func TestWhatAWordIs(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"case", "Go GO gO", "go go go"},
		{"accents", "Café CAFÉ café naïve Ångström", "cafe cafe cafe naive angstrom"},
		{"Turkish", "İstanbul", "istanbul"},
		{"sharp s", "Straße STRASSE", "strasse strasse"},
		{"Greek", "Ελλάς ΕΛΛΆΣ", "ελλασ ελλασ"},
		{"Cyrillic", "ёлка йогурт Київ", "елка йогурт київ"},
		{"full width", "Ｇｏｌａｎｇ １２３", "golang 123"},
		{"half-width kana", "ｶﾞｲﾄﾞ", "ガイ イド ド"},
		{"apostrophes", "don't don’t rock'n'roll 'quoted'", "don't don't rock'n'roll quoted"},
		{"numbers", "3.14 10,000 v2 2nd 1-2", "3.14 10,000 v2 2nd 1 2"},
		{"underscore", "foo_bar _ __x__", "foo_bar __x__"},
		{"tags and names", "#GoLang @Ada_L $AAPL", "golang ada_l aapl"},
		{"html", "a &amp; b &lt;c&gt; &quot;d&quot; it&#39;s R&amp;D", "a b c d it's r d"},
		{"html once", "&amp;lt;", "lt"},
		{"url", "see https://t.co/AbC and http://example.com/x?y=z#w. end", "see and end"},
		{"url before CJK", "https://t.co/abc日本", "日本 本"},
		{"url touching a word", "ahttp://x.org", "a"},
		{"not a url", "http http:// https:x", "http http https:x"},
		{"Chinese", "我爱北京", "我爱 爱北 北京 京"},
		{"one character", "愛", "愛"},
		{"Japanese", "Goは速い。とても", "go は速 速い い とて ても も"},
		{"katakana", "コーヒー", "コー ーヒ ヒー ー"},
		{"Thai", "ภาษาไทย", "ภา าษ ษา าไ ไท ทย ย"},
		{"Thai marks", "ที่นี่", "ที่นี่ นี่"},
		{"Korean", "안녕하세요 세계", "안녕하세요 세계"},
		{"Arabic", "مرحبا بالعالم أنا", "مرحبا بالعالم أنا"},
		{"Devanagari", "हिन्दी भाषा", "हिन्दी भाषा"},
		{"direction marks", "\u200fمرحبا\u200e", "مرحبا"},
		{"emoji", "ok👍ok 😀😀", "ok 👍 ok 😀 😀"},
		{"tone", "👍🏽 👍", "👍🏽=👍 👍"},
		{"joined", "👩🏽‍💻 👨‍👩‍👧 🏳️‍🌈", "👩🏽‍💻=👩‍💻 👨‍👩‍👧 🏳‍🌈"},
		{"flag", "🇩🇪🇫🇷", "🇩🇪 🇫🇷"},
		{"keycap", "1️⃣ 1", "1⃣ 1"},
		{"heart", "I ❤️ Go ❤", "i ❤ go ❤"},
		{"line breaks", "a\nb\r\nc\td", "a b c d"},
		{"punctuation", "coca-cola, (yes)! e.g. U.S.A. a/b", "coca cola yes e.g u.s.a a b"},
		{"private use", "a\uE001b \uE002c", "a b c"},
		{"nothing", " !!! … — ", ""},
		{"NUL", "a\x00b", "a b"},
		{"bad UTF-8", "a\xff\xfeb é\xc3", "a b e"},
		{"long", strings.Repeat("x", 150) + " y", strings.Repeat("x", 100) + " y"},
		{"long, not ASCII", strings.Repeat("é", 150), strings.Repeat("e", 100)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var terms tweet.Terms
			terms.AddText(tt.text, nil, 0)
			if got := show(&terms); got != tt.want {
				t.Errorf("%q\n got %s\nwant %s", tt.text, got, tt.want)
			}
		})
	}
}

func FuzzASCII(f *testing.F) {
	for _, s := range []string{"Don't stop: 3.14, 10,000; a_b __ x:y http://x.y/z &amp; 'a' 1'2 a.b.", "a:1 1:a a,b 1,,2 a''b _a_", "👍 don't_ 5:4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var fast, full tweet.Terms
		fast.AddText(s, nil, 0)
		full.AddTextFull(s, nil, 0)
		if a, b := show(&fast), show(&full); a != b {
			t.Errorf("%q\nfast %q\nfull %q", s, a, b)
		}
	})
}

func BenchmarkAddText(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":    "RT @golang: Go 1.26 is out, with faster maps and a new garbage collector https://t.co/abcdef #golang",
		"japanese": "点取れそうな雰囲気なかったし\n阪神打線は全然怖くないよな 😀",
	} {
		b.Run(name, func(b *testing.B) {
			var terms tweet.Terms
			b.ReportAllocs()
			for b.Loop() {
				terms.Reset()
				terms.AddText(s, nil, 0)
			}
		})
	}
}
