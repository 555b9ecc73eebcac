package search

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"birdwatch/tweet"
)

// Values are the values of a facet that one tweet has, each once, as the tweet writes them. A retweet has those of the tweet
// that it repeats where the language sees it so.
func Values(f Facet, p *tweet.Payload) []string {
	var v valuer
	v.set(p)
	return slices.Clone(v.of(f))
}

// valuer finds the values of one tweet. Used again it needs little memory.
type valuer struct {
	view  tweet.View
	marks tweet.Entities // the marked parts, found in the text where the payload has none
	terms tweet.Terms
	out   []string
}

func (v *valuer) set(p *tweet.Payload) {
	v.view = p.View()
	v.marks = v.view.Marked()
}

// of gives the values of a facet, valid until the next call.
func (v *valuer) of(f Facet) []string {
	v.out = v.out[:0]
	switch f {
	case Hashtags:
		for i := range v.marks.Hashtags {
			v.out = append(v.out, v.marks.Hashtags[i].Tag)
		}
	case Mentions:
		for i := range v.marks.Mentions {
			v.out = append(v.out, v.marks.Mentions[i].Username)
		}
		v.out = append(v.out, v.view.RepeatedName())
	case Authors:
		v.out = append(v.out, v.author())
	case Links, Domains:
		for i := range v.marks.URLs {
			if u := &v.marks.URLs[i]; !u.IsMedia() {
				address := cmp.Or(u.UnwoundURL, u.ExpandedURL, u.URL)
				if f == Domains {
					address = host(address)
				}
				v.out = append(v.out, address)
			}
		}
	case Words:
		v.words()
	case Languages:
		v.out = append(v.out, strings.ToLower(v.view.Lang()))
	case Sources:
		v.out = append(v.out, v.view.Payload.Data.Source)
	}
	v.out = once(f, v.out)
	return v.out
}

// once leaves out empty values and those that were there before.
func once(f Facet, values []string) []string {
	key := func(s string) string {
		if f.folds() {
			return tweet.FoldTerm(s)
		}
		return s
	}
	if f == Words { // many, and all of them told apart by their bytes
		slices.Sort(values)
		return slices.Compact(values)
	}
	kept := values[:0]
	var keys []string
	for _, s := range values {
		k := key(s)
		if k == "" || slices.Contains(keys, k) {
			continue
		}
		keys, kept = append(keys, k), append(kept, s)
	}
	return kept
}

// author is the handle, or where it is not known the id.
func (v *valuer) author() string {
	if u := v.view.Author; u != nil && u.Username != "" {
		return u.Username
	}
	if id := v.view.Payload.Data.AuthorID; id != 0 {
		return id.String()
	}
	return ""
}

func isAlphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// words are those of the text, without tags, names and addresses, which have facets of their own, and without single letters and
// digits: of a run of a script without blanks its pairs.
func (v *valuer) words() {
	v.terms.Reset()
	v.terms.AddText(withoutMarks(v.view.Text), v.view.Entities, v.view.Shift)
	for i := range v.terms.Words() {
		if w := v.terms.Word(i); !isSingle(w) {
			v.out = append(v.out, string(w))
		}
	}
}

// isSingle reports whether a word is one letter or digit, with its marks.
func isSingle(word []byte) bool {
	r, n := utf8.DecodeRune(word)
	if !isAlphanumeric(r) && r != '_' {
		return false
	}
	for _, r := range string(word[n:]) {
		if !unicode.Is(unicode.M, r) {
			return false
		}
	}
	return true
}

// withoutMarks puts blanks in the place of hashtags, cashtags and names, one for each code point, so that the positions of the
// rest stay. It goes by the text: positions that came with a tweet may be wrong.
func withoutMarks(text string) string {
	if !strings.ContainsAny(text, "#＃@＠$") {
		return text
	}
	runes := []rune(text)
	blank := func(start, end int) {
		for i := start; i < min(end, len(runes)); i++ {
			runes[i] = ' '
		}
	}
	for _, t := range tweet.Hashtags(text) {
		blank(t.Start, t.End)
	}
	for _, t := range tweet.Cashtags(text) {
		blank(t.Start, t.End)
	}
	for _, m := range tweet.Mentions(text) {
		blank(m.Start, m.End)
	}
	return string(runes)
}

// host is an address's host in small letters without port and www.
func host(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	if i := strings.IndexAny(address, "/?#"); i >= 0 {
		address = address[:i]
	}
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		address = address[i+1:]
	}
	if !strings.HasSuffix(address, "]") { // a bare IPv6 address has colons of its own
		if i := strings.LastIndexByte(address, ':'); i >= 0 {
			address = address[:i]
		}
	}
	return strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(address), "."), "www.")
}
