// Package query is the one query language, for the past and the present.
//
// Parse makes an Expr of a text; Build folds an Expr into whatever an engine needs; Matcher decides one
// tweet against one query and is the yardstick of all engines. What parses, runs in every engine.
package query

// Expr is a parsed query: a tree of And, Or, Not and leaves. Its String parses to the same Expr.
// An Expr does not change and is safe for concurrent use.
type Expr interface {
	String() string
	expr()
}

// Builder makes a T of an Expr, one method a kind of node. A new kind is a new method here, so
// that an engine which forgot it does not compile.
//
// Terms are whole terms of tweet.Terms: a word, or a field's term with its private-use prefix.
type Builder[T any] interface {
	All() T          // every tweet
	And(xs []T) T    // two or more, flat
	Or(xs []T) T     // two or more, flat
	Not(x T) T       //
	Term(t string) T // the term occurs (as a word, a further form of one, or a field's term)
	Prefix(t string) T
	// Phrase: two or more words side by side in this order, at each place one of the
	// word's forms. The last may be a prefix.
	Phrase(words []string, prefix bool) T
	// Near: all the words, each as often as it is given, in any order, within a stretch that
	// has at most n other words.
	Near(words []string, n int) T
	// Range: lo ≤ figure ≤ hi.
	Range(f Figure, lo, hi int64) T
	// Circle: the tweet's point, else the middle of its place, lies within a distance of a point.
	Circle(c Circle) T
}

// Figure is a number of a tweet that ranges are over.
type Figure uint8

// The figures. Their order is stored by no one.
const (
	CreatedAt Figure = iota // Unix milliseconds
	TweetID
	Followers
	Following
	Tweets
	Listed
	Likes
	Reposts
	Replies
	Quotes
	// Sample is SampleOf the id, 0 to 99.
	Sample
	// Longitude and Latitude are the tweet's point, else the middle of its place's box, in millionths of a degree; NoPlace where there is none.
	Longitude
	Latitude
	// Relevancy is RelevancyOf the other figures. No operator asks for it; results are ordered by it.
	Relevancy
	NumFigures
)
