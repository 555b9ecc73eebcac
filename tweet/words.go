package tweet

// maxTerm is the most code points of a term; what is beyond is cut, in queries too.
const maxTerm = 100

// Word is one position of a text that a query gives: a word, an emoji, or a unit of a run of a script that has no
// blanks between words (CJK: Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar).
//
// A run of n units is n words: its n-1 overlapping pairs, then its last unit alone, marked RunEnd. In a tweet
// it stands in the same way. So a query's run is the phrase of its pairs; the unit at the end is needed only before a further
// word of a phrase. A run of one unit is one word with CJK and RunEnd: it is found as a prefix, wherever a pair begins with it.
type Word struct {
	Text   string
	CJK    bool
	RunEnd bool
}

// Words are the words of a query's text, in order. URLs and HTML entities are not looked for.
func Words(text string) []Word {
	var t Terms
	var words []Word
	t.work.clean = append(t.work.clean, text...)
	t.segment(0)
	for _, f := range t.work.found {
		words = append(words, Word{string(t.buf[f.from:f.to]), f.kind != plainWord, f.kind == runEnd})
	}
	return words
}

// FoldTerm is the form in which AddField stores a value.
func FoldTerm(s string) string {
	var w scratch
	return string(w.appendValue(nil, s))
}
