package query

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"birdwatch/tweet"
)

// textLeaf is a word, a prefix or a phrase of the tweet's text.
func (p *parser) textLeaf(pos, end int, text string, star bool) Expr {
	words := p.analysed(pos, end, text, "")
	if last := words[len(words)-1]; star && utf8.RuneCountInString(last.Text) < MinPrefix && (!last.CJK || alone(words)) {
		p.fail(pos, end, "before a star stand fewer than 2 characters", "write more of the word")
	}
	shown := canonical(words, text)
	switch {
	case star && bareWord(shown):
		shown += "*"
	case star:
		shown = text + "*"
	case !bareWord(shown):
		shown = quote(shown)
	}
	return wordsLeaf(0, words, star, shown)
}

// fieldLeaf is the words of a value in a field.
func (p *parser) fieldLeaf(o *Operator, v value, text string) Expr {
	words := p.analysed(v.pos, v.end, text, o.Name+": ")
	shown := canonical(words, text)
	return wordsLeaf(o.Prefix, words, false, o.Name+":"+valueText(shown))
}

// analysed are the words of a text, at least one.
func (p *parser) analysed(pos, end int, text, where string) []tweet.Word {
	words := tweet.Words(text)
	if len(words) == 0 {
		p.fail(pos, end, where+"there is no word in "+quote(excerpt(text)), "a word has a letter, a digit or an emoji")
	}
	return words
}

// wordsLeaf makes the leaf of words in the text (field 0) or in a field. Of a run without blanks, the last
// character alone is a word too: at the end of a phrase it says nothing that its bigram does not say. A run of one
// character occurs wherever a bigram begins with it.
func wordsLeaf(field rune, words []tweet.Word, star bool, shown string) Expr {
	last := words[len(words)-1]
	if last.CJK {
		star = alone(words)
		if !star && last.RunEnd {
			words = words[:len(words)-1]
		}
	}
	if len(words) > 1 {
		return phrase{shown, texts(field, words), star}
	}
	t := texts(field, words)[0]
	if star {
		return prefix{shown, t}
	}
	return term{shown, t}
}

// alone reports whether the last word is a run of one character.
func alone(words []tweet.Word) bool {
	n := len(words)
	return words[n-1].RunEnd && (n == 1 || !words[n-2].CJK || words[n-2].RunEnd)
}

// nearWords are the words of "…"~N: of runs without blanks their bigrams only.
func (p *parser) nearWords(pos, end int, text string) []tweet.Word {
	all := p.analysed(pos, end, text, "")
	words := make([]tweet.Word, 0, len(all))
	for i, w := range all {
		switch {
		case !w.CJK || !w.RunEnd:
			words = append(words, w)
		case alone(all[:i+1]):
			p.fail(pos, end, "the single character "+w.Text+" cannot stand in a phrase with ~N", "use a word of two characters or more, or search for the character beside the phrase")
		}
	}
	switch {
	case len(words) < 2:
		p.fail(pos, end, "~N follows a phrase of one word", `write "two words"~5`)
	case len(words) > MaxNear:
		p.fail(pos, end, "a phrase with ~N has more than 32 words", "use fewer")
	}
	return words
}

func texts(field rune, words []tweet.Word) []string {
	ts := make([]string, len(words))
	for i, w := range words {
		ts[i] = w.Text
		if field != 0 {
			ts[i] = string(field) + w.Text
		}
	}
	return ts
}

func join(words []tweet.Word, sep string) string {
	if len(words) == 1 {
		return words[0].Text
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(w.Text)
	}
	return b.String()
}

// canonical is the text that equal words are written as, where it means the same words again and is not longer;
// else the text as it was given.
func canonical(words []tweet.Word, text string) string {
	for _, w := range words {
		if w.CJK {
			return text
		}
	}
	joined := join(words, " ")
	if joined == text || len(joined) > len(text) || !simple(text) && !slices.Equal(tweet.Words(joined), words) {
		return text
	}
	return joined
}

// simple reports whether the analysis of s surely gives itself again: ASCII, and too short to be cut.
func simple(s string) bool {
	if len(s) >= 100 {
		return false
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// bareWord reports whether s can be written without quotes.
func bareWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, notBare) && s != "OR" && s != "AND" && s != "NOT"
}

// valueText writes a value after an operator's colon.
func valueText(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return notBare(r) && r != '-' }) {
		return s
	}
	return quote(s)
}

func notBare(r rune) bool {
	if r < utf8.RuneSelf {
		return r != '_' && r != '.' && r != '\'' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.So, unicode.Sk) && r != '\u200D'
}
