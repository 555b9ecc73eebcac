package tweet_test

import (
	"testing"
	"unicode"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

// troublesome characters combine, reorder, decompose, fold to several, or are no characters at all.
var troublesome = []rune("aAzé1_ '\n’ßſŒﬀﬃ½ªⅣ①№㍿㌔ﷺ™ℹ‼Ⓜ㊗🈁İıΣςΆά\u0345" +
	"\u0300\u0301\u0306\u0308\u0307\u0323\u0327\u0338\u0342\u0488\u20DD\u20E3\uFE0F\u200D\u200B\u00AD" +
	"ЁёЙйЇїЎўЃќ가각각がガｶﾞﾟ\u3099\u309A々〇ーｰ漢豈" +
	"กิ่ำเำ\u0E38\u0E48ຳကျွ្ខ\u17D2हिन्दी\u093C\u094Dক\u09BE\u09C7\u0B47\u0B56אּ\u05B0\u05BC" +
	"أإآا\u0653\u0654\u0655\u064B\u0651ﻻ👍🏽👩🧑🇩🇪🏴\U000E0067\U000E007F\uE000\U0001D400\U0001D15E\u0344\uFFFD\u0000\u2028")

var troubledText = rapid.Custom(func(t *rapid.T) string {
	rs := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(troublesome), rapid.SampledFrom(troublesome), rapid.Rune()), 0, 12).Draw(t, "characters")
	return string(rs)
})

// checkFold holds the tables to what Unicode's rules give.
func checkFold(t interface{ Fatalf(string, ...any) }, f *tweet.Folder, s string) {
	if got, want := f.Fold(s), f.FoldFull(s); got != want {
		t.Fatalf("%+q\nby character %+q\nby rules     %+q", s, got, want)
	}
}

func TestFoldByCharacterIsFoldByRules(t *testing.T) {
	var f tweet.Folder
	for _, s := range []string{"ש\u05C1\u05B0", "\uFB2A\u05B0", "ก\u0E48\u0E38", "ク\u0E48\u3099", "क़\u093C", "\u0958\u3099", "é\u0E48", "й\u0E48\u0306", "a\u0E31\u0301", "™\u0301"} {
		checkFold(t, &f, s)
	}
	rapid.Check(t, func(t *rapid.T) { checkFold(t, &f, troubledText.Draw(t, "text")) })
}

// TestFoldEveryCharacter takes every assigned character in company that shows how it combines; of the large regular
// blocks (Han, Hangul, private use, what is beyond U+FFFF but for marks) one in 97.
func TestFoldEveryCharacter(t *testing.T) {
	var f tweet.Folder
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if r%97 != 0 && (unicode.In(r, unicode.Han, unicode.Hangul, unicode.Co) || r > 0xFFFF && !unicode.Is(unicode.M, r)) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) {
			continue
		}
		c := string(r)
		for _, s := range []string{"a" + c + "e", "a" + c + "\u0301", "\u0E48" + c + "が\u3099" + c, "и" + c + "\u0E38\u0306"} {
			checkFold(t, &f, s)
		}
	}
}

// TestFoldTwice: what is folded stays as it is, and a capital becomes what its small letter becomes.
func TestFoldTwice(t *testing.T) {
	var f tweet.Folder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Cs, r) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) {
			continue
		}
		once := f.Fold(string(r))
		if twice := f.Fold(once); twice != once {
			t.Errorf("%+q becomes %+q, then %+q", r, once, twice)
		}
		if upper := f.Fold(string(unicode.ToUpper(r))); upper != once && r != 'ı' { // whose capital is I
			t.Errorf("%+q becomes %+q, its capital %+q", r, once, upper)
		}
	}
}

// TestMostTextIsFoldedByCharacter: the scripts that tweets are written in go the short way.
func TestMostTextIsFoldedByCharacter(t *testing.T) {
	for _, tt := range []struct {
		name    string
		page    rune
		byRules int // at most
	}{
		{"Latin-1", 0x0000, 0}, {"Greek and accents", 0x0300, 113}, {"Cyrillic", 0x0400, 7}, {"Hebrew, Arabic", 0x0600, 3}, {"Devanagari, Bengali", 0x0900, 9},
		{"Thai, Lao", 0x0E00, 2}, {"kana", 0x3000, 8}, {"Han", 0x4E00, 0}, {"Hangul", 0xAC00, 0}, {"emoji", 0x1F600, 0},
	} {
		if got, _, _, _ := tweet.PageKinds(tt.page); got > tt.byRules {
			t.Errorf("%s: %d characters need the rules, want at most %d", tt.name, got, tt.byRules)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add(string(troublesome))
	f.Add("a\xff\u0301\xe3\x81 e\u0301\u0E38\u0E48 и\u0306")
	var folder tweet.Folder
	f.Fuzz(func(t *testing.T, s string) { checkFold(t, &folder, s) })
}
