package query

import (
	"strings"
	"unicode/utf8"

	"birdwatch/tweet"
)

// shownText is the text that marks are positions of.
type shownText struct{ string }

// shown is the searched text with what was taken from its front.
func (m *marker) shown() shownText {
	if n := m.view.Subject.NoteTweet; n != nil {
		return shownText{n.Text}
	}
	return shownText{m.view.Subject.Text}
}

// at is what stands at code points [start, end); "" where that is not within the text.
func (t shownText) at(start, end int) string {
	if start < 0 || end <= start {
		return ""
	}
	from, point := -1, 0
	for i := range t.string {
		if point == start {
			from = i
		}
		if point == end {
			return t.string[from:i]
		}
		point++
	}
	if point == end && from >= 0 {
		return t.string[from:]
	}
	return ""
}

// entity is a tag or a name with its sign.
type entity struct {
	Mark
	value string
}

// entities are where the text has entities of a kind: those that it is seen to have, and those that the payload says it has, if they stand there.
func (m *marker) entities(prefix rune) (es []entity) {
	text := m.shown()
	add := func(start, end int, value string) { es = append(es, entity{Mark{start, end}, value}) }
	listed := func(signs string, start, end int, value string) {
		at := text.at(start, end)
		if _, n := utf8.DecodeRuneInString(at); n > 0 && strings.Contains(signs, at[:n]) && strings.EqualFold(at[n:], value) {
			add(start, end, value)
		}
	}
	e := m.view.Entities
	if e == nil {
		e = new(tweet.Entities)
	}
	switch prefix {
	case prefixHashtag:
		for _, t := range tweet.Hashtags(text.string) {
			add(t.Start, t.End, t.Tag)
		}
		for _, t := range e.Hashtags {
			listed("#＃", t.Start, t.End, t.Tag)
		}
	case prefixCashtag:
		for _, t := range tweet.Cashtags(text.string) {
			add(t.Start, t.End, t.Tag)
		}
		for _, t := range e.Cashtags {
			listed("$＄", t.Start, t.End, t.Tag)
		}
	case prefixMention:
		for _, t := range tweet.Mentions(text.string) {
			add(t.Start, t.End, t.Username)
		}
		for _, t := range e.Mentions {
			listed("@＠", t.Start, t.End, t.Username)
		}
	}
	return es
}
