package querytest_test

import (
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"

	"pgregory.net/rapid"
)

func TestScriptsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"tweet 1 @ada", "x:1: a tweet line is"},
		{"tweet 1 @ada en a\ntweet 1 @ada en b", "x:2: a second tweet 1"},
		{"tweet x @ada en a", `x:1: id "x"`},
		{"tweet 1 @ada en \"a", "x:1: text"},
		{"tweet 1 @ada en a\n\tcolour: red", `x:2: a tweet has no "colour"`},
		{"user @ada 7\n\theight: 5", `x:2: a user has no "height"`},
		{"tweet 1 @ada en a\na => 2", "x:2: no tweet 2"},
		{"tweet 1 @ada en a\ntweet 2 @ada en a\na => 1 2", "x:3: the tweets are not newest first"},
		{"apple", "x:1: neither tweet nor query"},
		{"apple => error at x: y", "x:1: an error is"},
		{`payload {"data":{"text":"a"}}`, "x:1: a payload begins with"},
	} {
		if _, err := querytest.Parse("x", c.in); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestIDsFollowTime(t *testing.T) {
	s, err := querytest.Parse("x", "tweet 1 @ada en a\n\tat: 2014-01-01T00:00:00Z\ntweet 2 @ada en\n\tretweet: 1\nid:{2} => 2\na => 1 2")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := s.Tweets[0].Data.ID.Time(); !ok || at.Year() != 2014 {
		t.Errorf("the id of tweet 1 is of %v", at)
	}
	if s.Cases[0].Query != "id:"+s.Tweets[1].Data.ID.String() {
		t.Errorf("the query is %s", s.Cases[0].Query)
	}
	if got := s.Tweets[1].Data.Text; got != "RT @ada: a" || s.Tweets[1].Data.Ref("retweeted") != s.Tweets[0].Data.ID {
		t.Errorf("the retweet is %q", got)
	}
}

// TestExprsComeOfAnyVocabulary: an empty one too.
func TestExprsComeOfAnyVocabulary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		querytest.Exprs(querytest.Vocabulary{}).Draw(t, "query")
	})
}

// TestQueriesHaveEveryOperator: random queries have all names of all rows, the marks of text, and of most rows some that find a tweet and some
// that leave one out.
func TestQueriesHaveEveryOperator(t *testing.T) {
	var tweets []*tweet.Payload
	for seed := range 40 {
		tweets = append(tweets, querytest.Tweets().Example(seed)...)
	}
	v := querytest.VocabularyOf(tweets)
	seen := map[string]int{}
	queries := querytest.Queries(v)
	for seed := range 20_000 {
		for word := range strings.FieldsFuncSeq(queries.Example(seed), func(r rune) bool { return strings.ContainsRune(" ()|-", r) }) {
			name, _, operator := strings.Cut(word, ":")
			if !operator {
				name = word[:1]
			}
			seen[name]++
		}
	}
	for _, o := range query.Operators() {
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			if seen[name] == 0 {
				t.Errorf("no query has %s", name)
			}
		}
	}
	discerning := map[string]bool{}
	ask := querytest.Matcher(t, tweets)
	for _, value := range v.Values {
		name, _, operator := strings.Cut(value, ":")
		if !operator {
			name = value[:1]
		}
		ids, err := ask(value)
		if err != nil {
			t.Fatal(err)
		}
		discerning[name] = discerning[name] || len(ids) > 0 && len(ids) < len(tweets)
	}
	for _, o := range query.Operators() {
		if !discerning[o.Name] && len(o.Values) == 0 && o.Name != "within_time" {
			t.Errorf("no value of %s finds some tweets and leaves some out", o.Name)
		}
	}
}
