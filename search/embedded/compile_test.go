package embedded_test

import (
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/search/embedded"
)

func parse(t testing.TB, text string) query.Expr {
	t.Helper()
	q, err := query.Parse(text, time.Date(2013, 5, 8, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return q.Expr
}

// TestParts: what FTS5 can decide is one walk without a check, whatever its shape.
func TestParts(t *testing.T) {
	for _, tt := range []struct {
		text  string
		parts int
		check bool
	}{
		{"", 1, false},
		{"a b OR -(c d) -e", 1, false},
		{`"a b c" "a b"~3 ab* -is:retweet`, 1, false},
		{"-include:nativeretweets", 0, false},
		{"a since:2013-05-01 until:2013-05-02 min_likes:3", 1, false},
		{"(a since:2013-05-01) OR (b since:2013-05-01)", 1, false},
		{"a min_likes:3 OR b", 2, false},
		{"a -(b min_likes:3)", 2, false},
		{"-(a likes:3..5)", 3, false},
		{"likes:3..5 likes:7..9", 0, false},
		{"likes:3..5 -likes:4..9", 1, false},
		{`"a 👍"`, 1, true},
		{`bio:"a 👍"`, 1, false},
		{`"a a b"~3`, 1, true},
		{`x "a a"~3 OR y`, 2, true},
		{`-"a a"~3`, 1, true},
		// 64 ways to be true: too many walks.
		{"(a OR likes:1) (b OR reposts:1) (c OR replies:1) (d OR quotes:1) (e OR followers_count:1) (f OR listed_count:1)", 16, true},
	} {
		if parts, check := embedded.Parts(parse(t, tt.text)); parts != tt.parts || check != tt.check {
			t.Errorf("%s: %d parts, check %v; want %d, %v", tt.text, parts, check, tt.parts, tt.check)
		}
	}
}
