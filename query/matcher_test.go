package query_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"

	"pgregory.net/rapid"
)

// naive decides queries by brute force, from the text itself, as a reader of the language's description would: every
// position of a text is the list of what may be said to stand there.
type naive struct {
	text    [][]string
	fields  []string
	figures [query.NumFigures]int64
}

var address = regexp.MustCompile(`(?i)https?://[!-~]+`)

func newNaive(p *Payload) *naive {
	v := p.View()
	n := &naive{}
	for _, w := range tweet.Words(html.UnescapeString(address.ReplaceAllString(v.Text, "\n"))) {
		forms := []string{w.Text}
		if bare := strings.Map(withoutTone, w.Text); bare != w.Text {
			forms = append(forms, bare)
		}
		n.text = append(n.text, forms)
	}
	var t query.Target
	t.Set(p)
	for i := range t.Terms.Fields() {
		n.fields = append(n.fields, string(t.Terms.Field(i)))
	}
	n.figures = t.Figures
	return n
}

func withoutTone(r rune) rune {
	if r >= 0x1F3FB && r <= 0x1F3FF {
		return -1
	}
	return r
}

// decision is the naive meaning of an Expr.
type decision func(*naive) bool

type naiveBuilder struct{}

func (naiveBuilder) All() decision { return func(*naive) bool { return true } }

func (naiveBuilder) And(xs []decision) decision {
	return func(n *naive) bool {
		return !slices.ContainsFunc(xs, func(x decision) bool { return !x(n) })
	}
}

func (naiveBuilder) Or(xs []decision) decision {
	return func(n *naive) bool { return slices.ContainsFunc(xs, func(x decision) bool { return x(n) }) }
}

func (naiveBuilder) Not(x decision) decision { return func(n *naive) bool { return !x(n) } }

func (b naiveBuilder) Term(t string) decision { return b.Phrase([]string{t}, false) }

func (b naiveBuilder) Prefix(t string) decision { return b.Phrase([]string{t}, true) }

func (naiveBuilder) Phrase(words []string, prefix bool) decision {
	return func(n *naive) bool {
		places := n.text
		for _, f := range n.fields {
			places = append(places[:len(places):len(places)], []string{f})
		}
		return n.standsIn(places, words, prefix)
	}
}

func (n *naive) standsIn(places [][]string, words []string, prefix bool) bool {
	for from := range places {
		if len(places)-from < len(words) {
			return false
		}
		all := true
		for i, w := range words {
			all = all && slices.ContainsFunc(places[from+i], func(have string) bool {
				return have == w || prefix && i == len(words)-1 && strings.HasPrefix(have, w)
			})
		}
		if all {
			return true
		}
	}
	return false
}

func (naiveBuilder) Near(words []string, apart int) decision {
	return func(n *naive) bool { return n.near(words, nil, apart) }
}

// near tries every way to give each word a place of its own.
func (n *naive) near(words []string, places []int, apart int) bool {
	if len(words) == 0 {
		return slices.Max(places)-slices.Min(places)+1-len(places) <= apart
	}
	for i, forms := range n.text {
		if slices.Contains(forms, words[0]) && !slices.Contains(places, i) && n.near(words[1:], append(places[:len(places):len(places)], i), apart) {
			return true
		}
	}
	return false
}

func (naiveBuilder) Range(f query.Figure, lo, hi int64) decision {
	return func(n *naive) bool { return n.figures[f] >= lo && n.figures[f] <= hi }
}

func (naiveBuilder) Circle(c query.Circle) decision {
	return func(n *naive) bool {
		return c.Holds(n.figures[query.Longitude], n.figures[query.Latitude])
	}
}

// TestMatcherIsTheNaiveReading compares on random queries and random tweets.
func TestMatcherIsTheNaiveReading(t *testing.T) {
	matched, compared := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		tweets := querytest.Tweets().Draw(t, "tweets")
		e := querytest.Exprs(querytest.VocabularyOf(tweets)).Draw(t, "query")
		m, want := compare(t, e, tweets)
		matched, compared = matched+want, compared+m
	})
	if matched < compared/20 || matched > compared*19/20 {
		t.Errorf("%d of %d pairs match: the queries are not worth much", matched, compared)
	}
}

// TestMatcherIsTheNaiveReadingOfRealTweets compares on real tweets.
func TestMatcherIsTheNaiveReadingOfRealTweets(t *testing.T) {
	tweets := realTweets(t)
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, len(tweets)-20).Draw(t, "from")
		some := tweets[from : from+20]
		compare(t, querytest.Exprs(querytest.VocabularyOf(some)).Draw(t, "query"), some)
	})
}

func compare(t *rapid.T, e query.Expr, tweets []*Payload) (compared, matched int) {
	m, plain := query.NewMatcher(e), query.Build(e, naiveBuilder{})
	var target query.Target
	for _, p := range tweets {
		target.Set(p)
		got, want := m.Match(&target), plain(newNaive(p))
		if got != want {
			t.Fatalf("%s on %q: Matcher says %v", e, p.Data.Text, got)
		}
		if compared++; want {
			matched++
		}
	}
	return compared, matched
}

// TestRandomQueriesRoundTrip holds String to its promise on the whole grammar.
func TestRandomQueriesRoundTrip(t *testing.T) {
	vocabulary := querytest.VocabularyOf(realTweets(t))
	rapid.Check(t, func(rt *rapid.T) {
		text := querytest.Queries(vocabulary).Draw(rt, "query")
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		roundTrip(t, q)
	})
}

func TestTargetIsUsedAgain(t *testing.T) {
	tweets := realTweets(t)[:300]
	var again query.Target
	for _, p := range tweets {
		var fresh query.Target
		again.Set(p)
		fresh.Set(p)
		if again.Figures != fresh.Figures || again.Terms.Words() != fresh.Terms.Words() || again.Terms.Fields() != fresh.Terms.Fields() || again.Terms.Alts() != fresh.Terms.Alts() {
			t.Fatalf("tweet %d differs in a used target", p.Data.ID)
		}
		for i := range fresh.Terms.Fields() {
			if string(again.Terms.Field(i)) != string(fresh.Terms.Field(i)) {
				t.Fatalf("tweet %d: field %q in a used target is %q", p.Data.ID, fresh.Terms.Field(i), again.Terms.Field(i))
			}
		}
	}
}

// TestNothingIsAllocated holds matching, and filling a target from payloads with entities, to their promise. Text that
// is not ASCII goes through Unicode's normalisation, which allocates.
func TestNothingIsAllocated(t *testing.T) {
	var tweets []*Payload
	all := slices.Clone(realTweets(t))
	for _, s := range querytest.Scripts(t) {
		all = append(all, s.Tweets...)
	}
	for _, p := range all {
		b, err := tweet.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		plain := !slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 }) && !strings.Contains(string(b), `\u`)
		if v := p.View(); plain && v.Entities != nil && len(v.Entities.URLs)+len(v.Entities.Hashtags)+len(v.Entities.Mentions) > 0 {
			tweets = append(tweets, p)
		}
	}
	if len(tweets) < 30 {
		t.Fatalf("only %d tweets with entities", len(tweets))
	}
	var target query.Target
	set := func() {
		for _, p := range tweets {
			target.Set(p)
		}
	}
	set()
	if n := testing.AllocsPerRun(3, set); n > 0 {
		t.Errorf("setting %d tweets allocates %v times", len(tweets), n)
	}
	m := query.NewMatcher(parsed(t, `(go* OR "a b"~3 OR "c d" OR url:example.com) -is:retweet since:2013-05-01 👍`))
	if n := testing.AllocsPerRun(100, func() { m.Match(&target) }); n > 0 {
		t.Errorf("matching allocates %v times", n)
	}
}

func BenchmarkTargetSet(b *testing.B) {
	tweets := realTweets(b)
	var target query.Target
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		target.Set(tweets[i%len(tweets)])
	}
}

func BenchmarkMatch(b *testing.B) {
	tweets := realTweets(b)[:200]
	targets := make([]query.Target, len(tweets))
	for i, p := range tweets {
		targets[i].Set(p)
	}
	for _, text := range []string{"golang", "from:nasa has:media -is:retweet", `"climate change" OR "global warming"`, `"climate change"~5`, "clim*", "since:2021-06-01"} {
		m := query.NewMatcher(parsed(b, text))
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Match(&targets[i%len(targets)])
			}
		})
	}
}

// TestTargetTakesTimeFromPayload: created_at counts; without it the id's time.
func TestTargetTakesTimeFromPayload(t *testing.T) {
	at := time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC)
	p := &Payload{Data: tweet.Tweet{ID: tweet.IDAt(at), CreatedAt: "2013-05-01T00:00:00.123Z"}}
	var target query.Target
	if target.Set(p); target.Figures[query.CreatedAt] != time.Date(2013, 5, 1, 0, 0, 0, 123e6, time.UTC).UnixMilli() {
		t.Errorf("created at %v", time.UnixMilli(target.Figures[query.CreatedAt]))
	}
	p.Data.CreatedAt = ""
	if target.Set(p); target.Figures[query.CreatedAt] != at.UnixMilli() {
		t.Errorf("created at %v", time.UnixMilli(target.Figures[query.CreatedAt]))
	}
}

// TestTargetForSomeQueries: what is made for a query decides it as all does, whatever the target held before.
func TestTargetForSomeQueries(t *testing.T) {
	tweets := querytest.Tweets().Example(1)
	v := querytest.VocabularyOf(tweets)
	var whole, some query.Target
	rapid.Check(t, func(rt *rapid.T) {
		e := querytest.Exprs(v).Draw(rt, "query")
		p := rapid.SampledFrom(tweets).Draw(rt, "tweet")
		whole.Set(p)
		some.SetFor(p, query.NeedsOf(e))
		if m := query.NewMatcher(e); m.Match(&whole) != m.Match(&some) {
			rt.Fatalf("%s: %v of all", e, m.Match(&whole))
		}
	})
	some.SetFor(tweets[0], 0)
	if some.Terms.Fields() > 0 || some.Terms.Words() == 0 {
		t.Errorf("%d fields and %d words where no query needs a field", some.Terms.Fields(), some.Terms.Words())
	}
}
