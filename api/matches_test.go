package api_test

import (
	"strings"
	"testing"

	"birdwatch/api"
)

const (
	birdMark = `{"start":2,"end":6}`
	catMark  = `{"start":13,"end":16}`
)

func TestMatchesInSearch(t *testing.T) {
	s := serve(t, api.Config{})
	s.note(7, "a bird and a cat 🐦")
	for query, want := range map[string]string{
		"bird&tweet.fields=matches":                `{"data":[{"id":"7","text":"a bird and a cat 🐦","matches":[` + birdMark + `]}]`,
		"cat+OR+bird&tweet.fields=id,matches,text": `{"data":[{"id":"7","text":"a bird and a cat 🐦","matches":[` + birdMark + `,` + catMark + `]}]`,
		"bird&tweet.fields=lang":                   `{"data":[{"id":"7","text":"a bird and a cat 🐦"}]`,
		"-owl&tweet.fields=matches":                `{"data":[{"id":"7","text":"a bird and a cat 🐦"}]`,
		"&tweet.fields=matches":                    `{"data":[{"id":"7","text":"a bird and a cat 🐦"}]`,
	} {
		if a := s.get(t, "/2/tweets/search/all?query="+query); !strings.HasPrefix(a.body, want) {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	if a := s.get(t, export+"?query=bird&tweet.fields=matches"); !strings.HasPrefix(a.body, `{"data":{"id":"7","text":"a bird and a cat 🐦","matches":[`+birdMark+`]}}`) {
		t.Errorf("export: %s", a.body)
	}
	if a := s.get(t, "/2/tweets/7?tweet.fields=matches"); a.body != `{"data":{"id":"7","text":"a bird and a cat 🐦"}}` {
		t.Errorf("where nothing is asked, nothing matches: %s", a.body)
	}
}

// TestMatchesInStreams: each stream has the marks of its own queries, although streams share what is encoded, and of those that matched.
func TestMatchesInStreams(t *testing.T) {
	s := serve(t, api.Config{})
	s.note(1, "a bird and a cat")
	bird := s.open(t, "query=bird&backfill=1&tweet.fields=matches")
	cat := s.open(t, "query=cat&backfill=1&tweet.fields=matches")
	both := s.open(t, "query=bird&query=cat&query=owl&backfill=1&tweet.fields=matches")
	none := s.open(t, "query=bird&backfill=1")
	line := func(id, marks string) string {
		if marks != "" {
			marks = `,"matches":[` + marks + `]`
		}
		return `{"data":{"id":"` + id + `","text":"a bird and a cat"` + marks + `}}`
	}
	for r, want := range map[*reader]string{bird: birdMark, cat: catMark, both: birdMark + "," + catMark, none: ""} {
		r.want("", "e1-1-1", line("1", want))
		r.want("live", "e1-1", "{}")
	}
	s.note(2, "a bird and a cat")
	for r, want := range map[*reader]string{bird: birdMark, cat: catMark, both: birdMark + "," + catMark, none: ""} {
		r.want("", "e1-2", line("2", want))
	}
	s.note(3, "a bird")
	both.want("", "e1-3", `{"data":{"id":"3","text":"a bird","matches":[`+birdMark+`]}}`)
}
