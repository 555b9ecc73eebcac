package tweet_test

import (
	"fmt"
	"slices"
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
		{"apostrophes", "don't don’t don‘t donʼt rock'n'roll 'quoted' ’quoted‘", "don't don't don't don't rock'n'roll quoted quoted"},
		{"numbers", "3.14 10,000 v2 2nd 1-2", "3.14 10,000 v2 2nd 1 2"},
		{"underscore", "foo_bar _ __x__", "foo_bar __x__"},
		{"tags and names", "#GoLang @Ada_L $AAPL", "golang ada_l aapl"},
		{"html", "a &amp; b &lt;c&gt; &quot;d&quot; it&#39;s R&amp;D", "a b c d it's r d"},
		{"letters of their own", "Łódź øre đá ı ñ ç", "łodz øre đa ı n c"},
		{"Vietnamese", "Việt Nam, Đà Nẵng", "viet nam đa nang"},
		{"accents apart", "Cafe\u0301 o\u0308o i\u0307", "cafe oo i"},
		{"zalgo", "H\u0336\u0488e\u0301\u20DDy", "hey"},
		{"ligatures and letters with style", "ﬁne 𝓛𝓲𝓽 ⒼⓄ Ⅳ m²", "fine lit go iv m2"},
		{"Greek with breathings", "ᾍδης ΐ", "αιδησ ι"},
		{"Cyrillic stress", "за́мок Ё Ў Й Ї Ѓ Ќ", "замок е ў й ї ѓ ќ"},
		{"Cherokee", "ᏣᎳᎩ ꮳꮃꭹ", "ᏣᎳᎩ ᏣᎳᎩ"},
		{"html once", "&amp;lt;", "lt"},
		{"url", "see https://t.co/AbC and http://example.com/x?y=z#w. end", "see and end"},
		{"url before CJK", "https://t.co/abc日本", "日本 本"},
		{"url before Japanese without t.co", "http://example.com/aのニュース", "のニ ニュ ュー ース ス"},
		{"url in capitals", "HTTPS://T.CO/ABC x", "x"},
		{"t.co ends with its name", "https://t.co/AbC…and https://t.co/AbC's", "and s"},
		{"url between others", "ahttps://t.co/x\nhttps://t.co/yb c", "a c"},
		{"url touching a word", "ahttp://x.org", "a"},
		{"not a url", "http http:// https:x", "http http https:x"},
		{"Chinese", "我爱北京", "我爱 爱北 北京 京"},
		{"one character", "愛", "愛"},
		{"Japanese", "Goは速い。とても", "go は速 速い い とて ても も"},
		{"katakana", "コーヒー", "コー ーヒ ヒー ー"},
		{"Thai", "ภาษาไทย", "ภา าษ ษา าไ ไท ทย ย"},
		{"Thai marks", "ที่นี่", "ที่นี่ นี่"},
		{"Thai number", "๑๒ ไทย๑", "๑๒ ๒ ไท ทย ย๑ ๑"},
		{"Thai am", "น้ำ", "น้ํา า"},
		{"Lao", "ພາສາ", "ພາ າສ ສາ າ"},
		{"Khmer, with a blank of no width", "ខ្ញុំ\u200Bស្រ", "ខ្ញុំ ញុំស្ ស្រ រ"},
		{"Burmese", "မြန်မာ", "မြန် န်မာ မာ"},
		{"run of scripts", "東京タワーのFM放送", "東京 京タ タワ ワー ーの の fm 放送 送"},
		{"repeated", "々〆〇々", "々 〆 〇々 々"},
		{"runs end at a blank, a sign, an emoji", "日本 語。日本😀語", "日本 本 語 日本 本 😀 語"},
		{"runs do not end at what is not seen", "日\u200D本\u200E語", "日本 本語 語"},
		{"ideographic variation", "葛\U000E0100城", "葛城 城"},
		{"kana marks apart", "か\u3099 カ\u309A", "が カ゚"},
		{"Korean in parts", "\u1100\u1161\u11A8 ﾡ", "각 ᄀ"},
		{"Korean with letters", "BTS는 2022년", "bts는 2022년"},
		{"Korean", "안녕하세요 세계", "안녕하세요 세계"},
		{"Arabic", "مرحبا بالعالم أنا", "مرحبا بالعالم أنا"},
		{"Devanagari", "हिन्दी भाषा", "हिन्दी भाषा"},
		{"Arabic marks", "أَنَا آب إن ﻻ", "أَنَا آب إن لا"},
		{"Persian joiner", "می\u200cخواهم", "میخواهم"},
		{"Hebrew", "שָׁלוֹם 'שלום' צה\"ל", "שָׁלוֹם שלום צה\"ל"},
		{"Tamil", "தமிழ் மொழி", "தமிழ் மொழி"},
		{"soft hyphen", "Donau\u00ADdampf", "donaudampf"},
		{"direction marks", "\u200fمرحبا\u200e", "مرحبا"},
		{"emoji", "ok👍ok 😀😀", "ok 👍 ok 😀 😀"},
		{"tone", "👍🏽 👍", "👍🏽=👍 👍"},
		{"joined", "👩🏽‍💻 👨‍👩‍👧 🏳️‍🌈", "👩🏽‍💻=👩‍💻 👨‍👩‍👧 🏳‍🌈"},
		{"flag", "🇩🇪🇫🇷", "🇩🇪 🇫🇷"},
		{"keycap", "1️⃣ 1", "1⃣ 1"},
		{"heart", "I ❤️ Go ❤", "i ❤ go ❤"},
		{"keycaps side by side", "1️⃣2️⃣ #️⃣ 3️⃣Go *️⃣", "1⃣ 2⃣ #⃣ 3⃣ go *⃣"},
		{"England", "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F!", "🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"},
		{"half a flag", "🇩 x", "x"},
		{"three halves", "🇩🇪🇫", "🇩🇪"},
		{"two tones", "👩🏽‍🤝‍👩🏿", "👩🏽‍🤝‍👩🏿=👩‍🤝‍👩"},
		{"tone and variation", "🕵🏽‍♂️ 🕵️‍♂️ ☝🏿", "🕵🏽‍♂=🕵‍♂ 🕵‍♂ ☝🏿=☝"},
		{"tone alone", "🏽 x", "🏽 x"},
		{"joiner without a partner", "👍\u200D x\u200D👍", "👍 x 👍"},
		{"joiner at the start", "\u200D👍", "👍"},
		{"signs that are emoji", "Disney™ Acme® ©2020 ℹ️Info ‼️ ⁉ ㊗️", "disney ™ acme ® © 2020 ℹ info ‼ ⁉ ㊗"},
		{"signs that are none", "→ ✓ ★ ☆ • …", "★"},
		{"emoji in a word", "lo😀ve 日😀本", "lo 😀 ve 日 😀 本"},
		{"blanks of all kinds", "a\u00A0b\u3000c\u2028d\u200Be\u1680f", "a b c d e f"},
		{"colon", "12:30 re:start a:1", "12 30 re:start a 1"},
		{"numbers of other scripts", "٣٫١٤ ½ १२", "٣٫١٤ 1⁄2 १२"},
		{"signs at the ends", "_a_ 'a' .a. -a- a's' 5' a_", "_a_ a a a a's 5 a_"},
		{"tags inside words", "c#sharp a@b.c $5 #1 # @", "c sharp a b.c 5 1"},
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

// TestMarkedURLs: addresses that only the payload marks are left out, and nothing where its positions are not of this text.
func TestMarkedURLs(t *testing.T) {
	urls := func(spans ...int) *tweet.Entities {
		e := &tweet.Entities{}
		for i := 0; i < len(spans); i += 2 {
			e.URLs = append(e.URLs, tweet.URL{Start: spans[i], End: spans[i+1], URL: "x"})
		}
		return e
	}
	for _, tt := range []struct {
		name, text string
		e          *tweet.Entities
		shift      int
		want       string
	}{
		{"without a scheme", "see example.com/a now", urls(4, 17), 0, "see now"},
		{"behind other characters", "é日😀 example.com b", urls(4, 15), 0, "e 日 😀 b"},
		{"behind an HTML entity", "&amp; a.b c", urls(6, 9), 0, "c"},
		{"two, in the wrong order", "a.b c d.e f", urls(6, 9, 0, 3), 0, "c f"},
		{"twice the same", "a.b c", urls(0, 3, 0, 3), 0, "c"},
		{"one inside the other", "http://a.b/c.d e", urls(0, 14, 11, 14), 0, "e"},
		{"not ASCII", "http://例え.jp/あ い", urls(0, 14), 0, "い"},
		{"one behind one that is not ASCII", "http://例え.jp/あ a.b c", urls(0, 14, 15, 18), 0, "c"},
		{"the text was cut in front", "see a.b c", urls(14, 17), 10, "see c"},
		{"one in what was cut", "a.b c", urls(3, 6), 10, "a.b c"},
		{"beyond the end", "a b", urls(5, 9), 0, "a b"},
		{"reaches beyond the end", "a b.c", urls(2, 50), 0, "a"},
		{"backwards", "a b.c", urls(5, 2), 0, "a b.c"},
		{"no URL there", "all these words stay", urls(4, 15), 0, "all these words stay"},
		{"no URL there in Japanese", "東京へ行く", urls(0, 3), 0, "東京 京へ へ行 行く く"},
		{"off by one, found by what it is", "see https://t.co/abc now", urls(3, 19), 0, "see now"},
		{"bad UTF-8", "\xff\xe3a.b \xffc", urls(2, 5), 0, "c"},
	} {
		var terms tweet.Terms
		terms.AddText(tt.text, tt.e, tt.shift)
		if got := show(&terms); got != tt.want {
			t.Errorf("%s: %q\n got %s\nwant %s", tt.name, tt.text, got, tt.want)
		}
	}
}

func TestFieldTerms(t *testing.T) {
	var terms tweet.Terms
	terms.AddText("the text", nil, 0)
	terms.AddField('#', "GoLang")
	terms.AddField('#', "")
	terms.AddField('#', " \t\uE001\u200E ")
	terms.AddField('@', "  Café  de\nParis\x00❤️ ")
	terms.AddFieldText('/', "Example.com/Ada 日本")
	terms.AddFieldText('/', "!")
	terms.AddFieldText('/', "b 👍🏽")
	terms.AddField('=', strings.Repeat("ab ", 60))
	want := "the text|[#golang][@cafe\uf8fede\uf8feparis\uf8fe❤][/][/example.com][/ada][/日本][/本][/][/][/b][/👍🏽][=" +
		strings.Repeat("ab\uf8fe", 33) + "a]"
	if got := show(&terms); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	terms.Reset()
	if got := show(&terms); got != "" {
		t.Errorf("after Reset: %s", got)
	}
	terms.AddText("more than one", nil, 0)
	terms.AddText("text 👍🏽", nil, 0)
	terms.AddText("and 👍🏿", nil, 0)
	if got, want := show(&terms), "more than one text 👍🏽=👍 and 👍🏿=👍"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWords(t *testing.T) {
	got := tweet.Words("Go 日本! 愛 https://t.co/x &amp;")
	want := []tweet.Word{{Text: "go"}, {"日本", true, false}, {"本", true, true}, {"愛", true, true}, {Text: "https"}, {Text: "t.co"}, {Text: "x"}, {Text: "amp"}}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := tweet.Words(" … "); len(got) != 0 {
		t.Errorf("words of nothing: %v", got)
	}
}
