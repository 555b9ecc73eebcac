package tweet_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func TestShortWaysGiveWhatTheLongOneGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.OneOf(troubledText, rapid.StringMatching(`[a-zA-Z0-9_.,:;'#@ -]{0,12}`),
			rapid.SampledFrom([]string{"http://x", "HTTPS://t.co/a1", "://", "http:/", "&amp;", "&", "&lt"})), 0, 4).Draw(t, "parts"),
			rapid.SampledFrom([]string{"", " ", "\n", "👍"}).Draw(t, "between"))
		var short, long tweet.Terms
		short.AddText(s, nil, 0)
		long.AddTextFull(s, nil, 0)
		if a, b := show(&short), show(&long); a != b {
			t.Fatalf("%+q\nshort %+q\nlong  %+q", s, a, b)
		}
	})
}

// checkTerm holds a term to what the engines can store.
func checkTerm(t interface{ Fatalf(string, ...any) }, term string) {
	outside := func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.Cc, unicode.Co) }
	if term == "" || !utf8.ValidString(term) || utf8.RuneCountInString(term) > 100 || strings.ContainsFunc(term, outside) {
		t.Fatalf("term %+q", term)
	}
}

func TestTermsCanBeStored(t *testing.T) {
	const prefix = '\ue010'
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(troubledText, rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(troubledText, func(s string) string { return strings.Repeat(s, 20) })).Draw(t, "text")
		var terms tweet.Terms
		terms.AddText(s, nil, 0)
		for i := range terms.Words() {
			checkTerm(t, string(terms.Word(i)))
		}
		for i := range terms.Alts() {
			pos, alt := terms.Alt(i)
			checkTerm(t, string(alt))
			if pos >= terms.Words() || string(alt) == string(terms.Word(pos)) {
				t.Fatalf("alt %d is %+q at position %d", i, alt, pos)
			}
		}
		terms.AddFieldText(prefix, s)
		terms.AddField(prefix, s)
		for i := range terms.Fields() {
			r, n := utf8.DecodeRune(terms.Field(i))
			if rest := string(terms.Field(i)[n:]); r != prefix {
				t.Fatalf("field term %+q", terms.Field(i))
			} else if i > 0 {
				checkTerm(t, strings.ReplaceAll(rest, "\uf8fe", "x"))
			}
		}
		words := tweet.Words(s)
		for i, w := range words {
			if got := string(terms.Field(i + 1)); got != string(prefix)+w.Text {
				t.Fatalf("field term %d is %+q, want %+q", i, got, w.Text)
			}
		}
		if value, last := tweet.FoldTerm(s), terms.Fields()-1; value != "" && string(terms.Field(last)) != string(prefix)+value {
			t.Fatalf("AddField gives %+q, FoldTerm %+q", terms.Field(last), value)
		}
	})
}

// lostMark is an accent cut off from its letter by a joiner or a sign of numbers, which no word keeps.
var lostMark = regexp.MustCompile(`[\x{200D}\x{600}-\x{605}\x{6DD}\x{70F}\x{890}\x{891}\x{8E2}\x{E0020}-\x{E007F}]+[\p{M}ﾞﾟ\x{1160}-\x{11FF}]`)

// TestQueriesFindTheirText: a query is analysed as the tweet was, and a word of it gives itself again.
func TestQueriesFindTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := troubledText.Draw(t, "text")
		words := tweet.Words(s)
		var terms tweet.Terms
		terms.AddText(s, nil, 0)
		if terms.Words() != len(words) {
			t.Fatalf("%+q: %d words, %d positions", s, len(words), terms.Words())
		}
		for i, w := range words {
			if string(terms.Word(i)) != w.Text {
				t.Fatalf("%+q: word %d is %+q, term %+q", s, i, w.Text, terms.Word(i))
			}
			if again := tweet.Words(w.Text); !w.CJK && !lostMark.MatchString(s) && !slices.Equal(again, []tweet.Word{w}) {
				t.Fatalf("%+q: word %+q becomes %+v", s, w.Text, again)
			}
		}
	})
}

// TestRuns: a run of n characters is n-1 pairs and its last character, and any part of it of two or more is
// found as a phrase of the part's pairs.
func TestRuns(t *testing.T) {
	units := rapid.SampledFrom([]rune("日本語ひらカナー京ภาก的我កမ"))
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.SliceOfN(units, 1, 9).Draw(t, "run")
		words := tweet.Words(string(run))
		if len(words) != len(run) {
			t.Fatalf("%s: %d positions, want %d", string(run), len(words), len(run))
		}
		for i, w := range words {
			end := min(i+2, len(run))
			if want := (tweet.Word{Text: string(run[i:end]), CJK: true, RunEnd: i == len(run)-1}); w != want {
				t.Fatalf("%s: word %d is %+v, want %+v", string(run), i, w, want)
			}
		}
		from := rapid.IntRange(0, len(run)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(run)).Draw(t, "to")
		part := tweet.Words(string(run[from:to]))
		for i, w := range part[:len(part)-1] {
			if w.Text != words[from+i].Text {
				t.Fatalf("%s in %s: pair %d is %s", string(run[from:to]), string(run), i, w.Text)
			}
		}
		if last := part[len(part)-1].Text; !strings.HasPrefix(words[to-1].Text, last) {
			t.Fatalf("%s in %s: the last character %s is not where it should be", string(run[from:to]), string(run), last)
		}
	})
}

// TestAnalysisInParallel: what is known of characters is shared by all, and made when it is first asked for.
func TestAnalysisInParallel(t *testing.T) {
	const text = "ꙮ ᚠᛇ Ⴀ ⴰ ⳁ ᜀ ᠠ 𐌰 𓀀 日 ꔀ ꡀ 🜀 🀄"
	var words [4][]tweet.Word
	var all sync.WaitGroup
	for i := range words {
		all.Go(func() { words[i] = tweet.Words(text) })
	}
	all.Wait()
	for _, got := range words {
		if want := tweet.Words(text); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// TestFurtherFormsAreKnown: every word that can be a further form of another is taken for one when it is asked for.
func TestFurtherFormsAreKnown(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, text string) {
		var terms tweet.Terms
		terms.AddText(text, nil, 0)
		for i := range terms.Alts() {
			if _, form := terms.Alt(i); !tweet.CanBeAlt(string(form)) {
				t.Fatalf("%q is a further form", form)
			}
		}
	}
	check(t, "🏽🏽\u0301")
	pieces := []string{"a", "é", "中", "本", "ไ", "한", "1", "²", "①", "㊗", "ℹ", "©", "#", "👍", "👩", "☝", "🇯", "🇵", "🏽", "🏿", "\u200d", "\ufe0f", "\u20e3", "♀", " ", "_", "'", "\u0301", "ー", "⒈", "№", "💯"}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 12).Draw(rt, "text"), ""))
	})
}
