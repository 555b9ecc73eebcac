// Package querytest holds every engine to the language's meaning, by scripts.
//
// A script has users, tweets, and queries with the tweets that they find:
//
//	# From the line's first character: a comment.
//	user @ada 7                          the handle and the numeric id
//		bio: likes engines               indented by a tab: what else is known of the user
//	tweet 1 @ada en Go is fast           number, author, language (- for none), text
//	tweet 2 @bob de "zwei\nZeilen"       a text in quotes is read as Go reads it
//		reply: 1 @ada                    indented: what else is known of the tweet
//	payload {"data":{"id":"{3}","text":"x"}}
//
//	go => 1                              the query, then the tweets, newest id first
//	-lines => 2 1
//	horse => none
//	foo:bar => error at 1: no operator   the position (from 1), and a part of what Error says
//	query "a\nb" => 2                    a query in Go's quotes
//
// Tweets have short numbers here and snowflake ids in truth: the id is made of the tweet's time and its number, so
// that ids and times agree as real ones do. {1} in a query, an attribute or a payload is the id of tweet 1. Without
// an attribute `at` a tweet is as many seconds younger than Start as its number says. Now is the time at
// which the queries are asked.
//
// Attributes of users: name, bio, location, verified, followers, following, tweets, listed.
//
// Attributes of tweets (several of one name may stand):
//
//	at: 2013-05-01T12:30:00.500Z         created_at
//	reply: 1 @ada                        replied tweet and user; either may be absent
//	quote: 1                             the quoted tweet comes with this one; `quote: 1 alone` leaves it out
//	retweet: 1                           likewise; without a text of its own the text is made as X makes it
//	url: https://t.co/a https://example.com/x [unwound]
//	title: of the last url               description: likewise
//	hashtag: Go   cashtag: TSLA   mention: @ada   annotation: Go
//	media: photo [https://t.co/b]        photo, video or animated_gif
//	poll   geo: -0.13 51.5   place: 00f0 GB London, England   box: -0.51 51.28 0.33 51.69 (of the place before it)
//	context: 46.123 Go                   domain.entity and the entity's name
//	source: Twitter Web App   sensitive   withheld: DE   edited   conversation: 1   note: a text above 280 characters
//	likes: 1   reposts: 2   replies: 3   quotes: 4
package querytest

import (
	"embed"
	"path"
	"slices"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Start is the time of tweet 0.
var Start = time.Date(2013, 5, 1, 12, 0, 0, 0, time.UTC)

// Now is when the queries of all scripts are asked.
var Now = time.Date(2013, 5, 8, 12, 0, 0, 0, time.UTC)

// Script is one file.
type Script struct {
	Name   string
	Tweets []*tweet.Payload // in the order of the file
	Cases  []Case
}

// Case is one query and what it finds.
type Case struct {
	Line  int
	Query string
	Want  []tweet.ID // newest first
	// Where the query is none: its 1-based position and a part of its text.
	ErrorAt int
	Error   string
	numbers map[tweet.ID]string
}

//go:embed testdata/*.txt
var files embed.FS

// Scripts are all scripts, by name.
func Scripts(t testing.TB) []Script {
	t.Helper()
	entries, err := files.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var scripts []Script
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("testdata", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(e.Name(), string(text))
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, *s)
	}
	return scripts
}

// Engine takes tweets in and gives what asks it a query, which is to be parsed with Now. The answer is newest first
// by id; the error is Parse's.
type Engine func(t *testing.T, tweets []*tweet.Payload) func(query string) ([]tweet.ID, error)

// Run runs every script against an engine, each with tweets of its own.
func Run(t *testing.T, engine Engine) {
	for _, s := range Scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			ask := engine(t, s.Tweets)
			for _, c := range s.Cases {
				got, err := ask(c.Query)
				c.check(t, s.Name, got, err)
			}
		})
	}
}

func (c *Case) check(t *testing.T, file string, got []tweet.ID, err error) {
	t.Helper()
	if c.ErrorAt > 0 {
		c.checkError(t, file, err)
		return
	}
	if err != nil {
		t.Errorf("%s:%d: %s: %v", file, c.Line, c.Query, err)
		return
	}
	if !slices.Equal(got, c.Want) {
		t.Errorf("%s:%d: %s\n got %v\nwant %v", file, c.Line, c.Query, c.short(got), c.short(c.Want))
	}
}

func (c *Case) short(ids []tweet.ID) []string {
	ns := make([]string, len(ids))
	for i, id := range ids {
		if ns[i] = c.numbers[id]; ns[i] == "" {
			ns[i] = id.String()
		}
	}
	return ns
}

// Matcher is the Engine of query.Matcher, the yardstick.
func Matcher(_ *testing.T, tweets []*tweet.Payload) func(string) ([]tweet.ID, error) {
	targets := make([]query.Target, len(tweets))
	for i, p := range tweets {
		targets[i].Set(p)
	}
	return func(text string) ([]tweet.ID, error) {
		q, err := query.Parse(text, Now)
		if err != nil {
			return nil, err
		}
		var ids []tweet.ID
		m := query.NewMatcher(q.Expr)
		for i, p := range tweets {
			if m.Match(&targets[i]) {
				ids = append(ids, p.Data.ID)
			}
		}
		slices.Sort(ids)
		slices.Reverse(ids)
		return ids, nil
	}
}
