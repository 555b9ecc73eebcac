package elastic

import (
	"slices"
	"strings"

	"birdwatch/query"
	"birdwatch/tweet"
)

// The fields of terms. forms is there only where a tweet's word has a further form: it has at each position that form, else the word.
const (
	termsField = "terms"
	formsField = "forms"
)

func (b builder) Term(t string) clause { return b.either("term", t) }

// Prefix has no bound on how many terms begin so: Elasticsearch does not make a clause of each.
func (b builder) Prefix(t string) clause { return b.either("prefix", t) }

// either looks for a word where it can be written, and where it can be a further form.
func (b builder) either(kind, t string) clause {
	in := func(field string) clause { return leaf(`{"` + kind + `":{"` + field + `":` + quoted(t) + `}}`) }
	if !tweet.CanBeAlt(t) {
		return in(termsField)
	}
	return b.Or([]clause{in(termsField), in(formsField)})
}

// Phrase: words that can be further forms stand in either field, which intervals put together.
func (b builder) Phrase(words []string, prefix bool) clause {
	switch some := slices.ContainsFunc(words, tweet.CanBeAlt); {
	case some && prefix:
		// Intervals refuse prefixes that many words begin with.
		parts := b.stretches(words[:len(words)-1])
		return inexact(b.And(append(parts, b.Prefix(words[len(words)-1]))), none)
	case some:
		return leaf(`{"intervals":{"terms":{"all_of":{"ordered":true,"max_gaps":0,"intervals":[` + intervals(words) + `]}}}}`)
	case prefix:
		// The default of 50 expansions would leave matches out.
		return leaf(`{"match_phrase_prefix":{"terms":{"query":` + quoted(strings.Join(words, " ")) + `,"max_expansions":2147483647}}}`)
	}
	return leaf(`{"match_phrase":{"terms":` + quoted(strings.Join(words, " ")) + `}}`)
}

// stretches are what surely is in a tweet that has the words side by side.
func (b builder) stretches(words []string) []clause {
	if len(words) == 1 {
		return []clause{b.Term(words[0])}
	}
	return []clause{b.Phrase(words, false)}
}

// Near: intervals give each of equal words a position of its own. Not so a word and another that it is a further form of.
func (b builder) Near(words []string, n int) clause {
	near := leaf(`{"intervals":{"terms":{"all_of":{"ordered":false,"max_gaps":` + number(n) + `,"intervals":[` + intervals(words) + `]}}}}`)
	for _, w := range words {
		if bare := tweet.WithoutTones(w); bare != w && slices.Contains(words, bare) {
			return inexact(near, none)
		}
	}
	return near
}

func intervals(words []string) string {
	var s strings.Builder
	for i, w := range words {
		if i > 0 {
			s.WriteByte(',')
		}
		match := `{"match":{"query":` + quoted(w)
		if tweet.CanBeAlt(w) {
			s.WriteString(`{"any_of":{"intervals":[` + match + `}},` + match + `,"use_field":"` + formsField + `"}}]}}`)
		} else {
			s.WriteString(match + `}}`)
		}
	}
	return s.String()
}

// allTweets finds every live tweet.
var allTweets = `{"term":{"` + termsField + `":` + quoted(query.AllTerm) + `}}`
