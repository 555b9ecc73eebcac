package query_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"birdwatch/query"
	"birdwatch/query/querytest"
)

// normalForms are queries and what String prints of them.
var normalForms = []struct{ in, want string }{
	{"", ""},
	{"  ", ""},
	{"Golang", "golang"},
	{"a  b\tc", "a b c"},
	{"a AND b", "a b"},
	{"a b OR c", "a b OR c"},
	{"a (b OR c)", "a (b OR c)"},
	{"(a b) OR (c)", "a b OR c"},
	{"((a) (b (c)))", "a b c"},
	{"a OR (b | c)", "a OR b OR c"},
	{"NOT a", "-a"},
	{"-(-a)", "a"},
	{"-(a b)", "-(a b)"},
	{"-(a OR b) c", "-(a OR b) c"},
	{`"OR"`, "or"},
	{"Coca-Cola", `"coca cola"`},
	{`"New   York"`, `"new york"`},
	{`"single"`, "single"},
	{`"A b"~7`, `"a b"~7`},
	{"GO*", "go*"},
	{"coca-Co*", "coca-Co*"},
	{"12:30", `"12 30"`},
	{"#GoLang", "#golang"},
	{"$tsla", "$tsla"},
	{"@Ada", "@ada"},
	{"FROM:@Ada", "from:ada"},
	{`from:"ada"`, "from:ada"},
	{"user_bio:Engines", "bio:engines"},
	{`bio:"Data  Scientist"`, `bio:"data scientist"`},
	{"quoted_tweet_id:5", "quotes_of_tweet_id:5"},
	{"url:Example.com/News", `url:"Example.com/News"`},
	{"https://en.wikipedia.org/wiki/Go_(game)", `url:"https://en.wikipedia.org/wiki/Go_(game)"`},
	{"(https://example.com OR a)", `url:"https://example.com" OR a`},
	{"(a OR https://example.com)", `a OR url:"https://example.com"`},
	{"lang:IW", "lang:he"},
	{"lang:zh-CN", "lang:zh-cn"},
	{"source:Twitter_for_iPhone", `source:"twitter for iphone"`},
	{`source:"tweet_bot"`, `source:"tweet_bot"`},
	{"filter:replies", "is:reply"},
	{"filter:links", "has:links"},
	{"exclude:nativeretweets", "-is:retweet"},
	{"-exclude:replies", "is:reply"},
	{"has:symbols", "has:cashtags"},
	{"include:nativeretweets a", "a"},
	{"-include:nativeretweets", "-include:nativeretweets"},
	{"include:nativeretweets OR a", ""},
	{"min_faves:5", "likes:5"},
	{"likes:5..10", "likes:5..10"},
	{"since:2013-05-01", "since:2013-05-01"},
	{"since:2013-05-01_12:30:00_UTC", "since:2013-05-01T12:30:00Z"},
	{"until:2013-05-01T14:30:00.25+02:00", "until:2013-05-01T12:30:00.250Z"},
	{"since_time:1367411400", "since:2013-05-01T12:30:00Z"},
	{"within_time:7d", "since:2013-05-01T12:00:00Z"},
	{"until:30s", "until:2013-05-08T11:59:30Z"},
	{strings.Repeat("a", 99) + ".b c", strings.Repeat("a", 99) + ".b c"}, // cut after the point
	{strings.Repeat("A", 120), strings.Repeat("a", 100)},
	{"id:7 since_id:8 max_id:9", "id:7 since_id:8 max_id:9"},
}

func TestParse(t *testing.T) {
	for _, c := range normalForms {
		q, err := query.Parse(c.in, querytest.Now)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := q.Expr.String(); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
		roundTrip(t, q)
	}
}

// roundTrip holds that what String prints parses to the same Expr, with no clock.
func roundTrip(t *testing.T, q *query.Query) {
	t.Helper()
	text := q.Expr.String()
	again, err := query.Parse(text, time.Time{})
	if err != nil {
		t.Fatalf("%q printed %q: %v", q.Text, text, err)
	}
	if !reflect.DeepEqual(q.Expr, again.Expr) {
		t.Fatalf("%q printed %q, which is another query: %q\n%#v\n%#v", q.Text, text, again.Expr, q.Expr, again.Expr)
	}
	if again.Relative {
		t.Fatalf("%q printed %q, which is relative still", q.Text, text)
	}
	if !again.Until.Equal(q.Until) {
		t.Fatalf("%q ends at %v, %q at %v", q.Text, q.Until, text, again.Until)
	}
}

func TestRelativeAndUntil(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2013, 5, d, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		in       string
		relative bool
		until    time.Time
	}{
		{"a", false, time.Time{}},
		{"a since:2013-05-01", false, time.Time{}},
		{"a since:7d", true, time.Time{}},
		{"a OR within_time:7d", true, time.Time{}},
		{"until:1h", true, querytest.Now.Add(-time.Hour)},
		{"until:2013-05-02", false, day(2)},
		{"a until:2013-05-02", false, day(2)},
		{"a (b until:2013-05-02)", false, day(2)},
		{"until:2013-05-03 until:2013-05-02", false, day(2)},
		{"-since:2013-05-02", false, day(2)},
		{"-until:2013-05-02", false, time.Time{}},
		{"a OR until:2013-05-02", false, time.Time{}},
		{"-(a until:2013-05-02)", false, time.Time{}},
		{"max_id:5 likes:1..2", false, time.Time{}},
	} {
		q, err := query.Parse(c.in, querytest.Now)
		if err != nil {
			t.Fatal(err)
		}
		if q.Relative != c.relative || !q.Until.Equal(c.until) {
			t.Errorf("%s: relative %v, until %v; want %v, %v", c.in, q.Relative, q.Until, c.relative, c.until)
		}
	}
}

func TestErrorsHavePlaceAndHint(t *testing.T) {
	for _, c := range []struct {
		in       string
		pos, end int
		text     string
	}{
		{"foo:bar", 0, 3, `no operator is named "foo" (at position 1): to search for the text itself, write "foo:bar"`},
		{"a form:ada", 2, 6, `no operator is named "form" (at position 3): did you mean from:? Or, to search for the text itself, write "form:ada"`},
		{"日本 is:retwet", 10, 16, `is: has no value "retwet" (at position 11): did you mean is:retweet?`},
		{"(a b", 0, 1, `this parenthesis is never closed (at position 1): put a ) where the group ends`},
		{strings.Repeat("x", 50) + ":y", 0, 50, `no operator is named "` + strings.Repeat("x", 40) + `…" (at position 1): to search for the text itself, write "` + strings.Repeat("x", 40) + `…"`},
	} {
		_, err := query.Parse(c.in, querytest.Now)
		var e *query.SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if e.Pos != c.pos || e.End != c.end || e.Error() != c.text || e.Text != c.in {
			t.Errorf("%s\n got %d to %d %s\nwant %d to %d %s", c.in, e.Pos, e.End, e, c.pos, c.end, c.text)
		}
	}
}

func TestConstructors(t *testing.T) {
	at := time.Date(2013, 5, 1, 12, 30, 0, 1, time.UTC)
	a := parsed(t, "a")
	for _, c := range []struct {
		e    query.Expr
		want string
	}{
		{query.And(), ""},
		{query.And(a), "a"},
		{query.And(a, query.All(), query.And(a, a)), "a a a"},
		{query.Or(), "-include:nativeretweets"},
		{query.Or(a, query.Or(a, a)), "a OR a OR a"},
		{query.Or(a, query.All()), ""},
		{query.Not(query.Not(a)), "a"},
		{query.And(a, query.Since(at), query.Until(at)), "a since:2013-05-01T12:30:00.001Z until:2013-05-01T12:30:00.001Z"},
		{query.Since(time.Time{}.AddDate(-5, 0, 0)), "since:0001-01-01"},
		{query.Until(time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)), "until:9999-12-31T23:59:59.999Z"},
		{query.AfterID(0), "since_id:0"},
		{query.AfterID(math.MaxInt64), "-include:nativeretweets"},
		{query.AfterID(math.MaxInt64 - 1), "id:9223372036854775807"},
		{query.UpToID(1), "max_id:1"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
		roundTrip(t, &query.Query{Expr: c.e, Until: parsedUntil(t, c.e)})
	}
}

func parsed(t testing.TB, text string) query.Expr {
	t.Helper()
	q, err := query.Parse(text, querytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return q.Expr
}

func parsedUntil(t *testing.T, e query.Expr) time.Time {
	t.Helper()
	q, err := query.Parse(e.String(), querytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return q.Until
}

func FuzzParse(f *testing.F) {
	for _, s := range querytest.Scripts(f) {
		for _, c := range s.Cases {
			f.Add(c.Query)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text, querytest.Now)
		if err == nil {
			if utf8.RuneCountInString(text) > query.MaxLength {
				t.Fatalf("%d characters were taken", utf8.RuneCountInString(text))
			}
			roundTrip(t, q)
			query.NewMatcher(q.Expr).Match(new(query.Target))
			return
		}
		var e *query.SyntaxError
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v is no SyntaxError", text, err)
		}
		if e.Pos < 0 || e.Pos > e.End || e.End > len(text) || e.Message == "" || strings.ContainsAny(e.Error(), "\n\r") {
			t.Fatalf("%q: error from %d to %d: %q", text, e.Pos, e.End, e.Error())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{
		"golang",
		"from:nasa has:media -is:retweet",
		`(cat OR dog OR "guinea pig") lang:en -is:retweet has:images min_likes:10`,
		`"climate change" (#cop26 OR @unfccc) since:7d lang:en`,
		"日本語 -is:retweet",
	} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := query.Parse(text, querytest.Now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
