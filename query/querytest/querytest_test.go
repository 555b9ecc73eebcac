package querytest_test

import (
	"strings"
	"testing"

	"birdwatch/query/querytest"

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
