package query

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"birdwatch/tweet"
)

// Mark is a part of a text that a query found: code points [Start, End).
type Mark struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Marks says which parts of a tweet's text e found, in order and apart from each other; none when e does not match the tweet. Of
// alternatives those that hold are marked; what is negated marks nothing.
//
// The text is the one that is shown and searched, as the payload has it, HTML entities not resolved: note_tweet's where it is there, else text; of a
// retweet those of the tweet that it repeats (in includes). Where that is absent it is the retweet's own text, from its "RT @name: " on.
//
// Words, phrases, prefixes and the words of "…"~N are marked, tags, cashtags and mentions with their sign, and links by what they
// lead to. A phrase is one mark, unless a link stands in it.
func Marks(e Expr, p *tweet.Payload) []Mark {
	m := &marker{view: p.View()}
	m.target.Set(p)
	found := Build(e, Builder[marked](m))
	return merged(found.marks)
}

// marked is whether a part of a query holds, and what of the text it found.
type marked struct {
	holds bool
	marks []Mark
}

// marker is the Builder of marks.
type marker struct {
	target Target
	view   tweet.View
	spans  []tweet.WordSpan // of the words; made when first wanted
}

func (m *marker) All() marked { return marked{holds: true} }

func (m *marker) And(xs []marked) marked {
	var all marked
	for _, x := range xs {
		if !x.holds {
			return marked{}
		}
		all.marks = append(all.marks, x.marks...)
	}
	all.holds = true
	return all
}

func (m *marker) Or(xs []marked) (all marked) {
	for _, x := range xs {
		if x.holds {
			all.holds, all.marks = true, append(all.marks, x.marks...)
		}
	}
	return all
}

func (m *marker) Not(x marked) marked { return marked{holds: !x.holds} }

func (m *marker) Range(f Figure, lo, hi int64) marked {
	return marked{holds: lo <= m.target.Figures[f] && m.target.Figures[f] <= hi}
}

func (m *marker) Circle(c Circle) marked {
	x := compiler{}.Circle(c)
	return marked{holds: x.match(&m.target)}
}

func (m *marker) Term(t string) marked { return m.words(compiler{}.Term(t)) }

func (m *marker) Prefix(t string) marked { return m.words(compiler{}.Prefix(t)) }

func (m *marker) Phrase(words []string, prefix bool) marked {
	return m.words(compiler{}.Phrase(words, prefix))
}

func (m *marker) Near(words []string, n int) marked {
	x := compiler{}.Near(words, n)
	all := marked{holds: x.match(&m.target)}
	if !all.holds {
		return all
	}
	t, spans := &m.target.Terms, m.wordSpans()
	for i := range t.Words() {
		taken, ok := x.nearAt(t, i)
		for p := i; ok && taken != 0; p, taken = p+1, taken>>1 {
			if taken&1 != 0 {
				all.marks = append(all.marks, Mark{spans[p].Start, spans[p].End})
			}
		}
	}
	return all
}

// words marks where the words of a node stand side by side.
func (m *marker) words(x node) marked {
	all := marked{holds: x.match(&m.target)}
	if !all.holds {
		return all
	}
	if x.field >= 0 {
		all.marks = m.field(&x)
		return all
	}
	t := &m.target.Terms
	for i := range t.Words() - len(x.words) + 1 {
		if x.standsAt(t, i) {
			all.marks = m.appendStretch(all.marks, &x, i)
		}
	}
	return all
}

// appendStretch marks the words from position i on that a node's words were found in.
func (m *marker) appendStretch(marks []Mark, x *node, i int) []Mark {
	spans := m.wordSpans()[i : i+len(x.words)]
	last := len(spans) - 1
	from := spans[0].Start
	for k, s := range spans {
		if k > 0 && s.AfterLink {
			marks = append(marks, Mark{from, spans[k-1].End})
			from = s.Start
		}
	}
	end := spans[last].End
	if s := spans[last]; x.prefix && s.Second > s.Start { // only a single unit of a run is a prefix of a pair
		end = s.Second
	}
	return append(marks, Mark{from, end})
}

func (m *marker) wordSpans() []tweet.WordSpan {
	if m.spans == nil {
		m.spans = tweet.WordSpans(m.view.Text, m.view.Entities, m.view.Shift)
	}
	return m.spans
}

// field marks what in the text a field's terms are of.
func (m *marker) field(x *node) (marks []Mark) {
	switch rune(x.field) + firstPrivate {
	case prefixHashtag, prefixCashtag, prefixMention:
		for _, e := range m.entities(rune(x.field) + firstPrivate) {
			if x.words[0] == string(rune(x.field)+firstPrivate)+tweet.FoldTerm(e.value) {
				marks = append(marks, e.Mark)
			}
		}
	case prefixURL, prefixURLContains, prefixURLTitle, prefixURLDescription:
		marks = m.links(x)
	}
	return marks
}

// links marks the links whose addresses, titles or descriptions a node finds.
func (m *marker) links(x *node) (marks []Mark) {
	text := m.shown()
	var one Target
	all := m.target.linksOf(m.view)
	for i := range all {
		one.setLinks(all[i : i+1])
		if !x.match(&one) {
			continue
		}
		u := &all[i]
		if at := text.at(u.Start, u.End); strings.Contains(at, ".") && !strings.ContainsAny(at, " \n") {
			marks = append(marks, Mark{u.Start, u.End})
		} else if n := strings.Index(text.string, u.URL); n >= 0 && u.URL != "" {
			start := utf8.RuneCountInString(text.string[:n])
			marks = append(marks, Mark{start, start + utf8.RuneCountInString(u.URL)})
		}
	}
	return marks
}

// merged puts marks in order and those together that overlap or touch.
func merged(marks []Mark) []Mark {
	slices.SortFunc(marks, func(a, b Mark) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	n := 0
	for _, m := range marks {
		switch {
		case m.Start >= m.End:
		case n > 0 && m.Start <= marks[n-1].End:
			marks[n-1].End = max(marks[n-1].End, m.End)
		default:
			marks[n] = m
			n++
		}
	}
	return marks[:n]
}
