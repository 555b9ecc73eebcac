package query

import (
	"math"
	"strconv"
	"strings"
)

// figureRows are ranges over figures. The author's are the retweeter's, the tweet's those of the repeated tweet.
var figureRows = []Operator{
	{Name: "followers_count", Aliases: []string{"min_followers"}, Kind: KindNumber, Example: "followers_count:1000",
		Doc: "the author has at least so many followers", parse: parseFigure(Followers), print: printFigure(Followers)},
	{Name: "following_count", Aliases: []string{"friends_count"}, Kind: KindNumber, Example: "following_count:10..500",
		Doc: "the author follows at least so many", parse: parseFigure(Following), print: printFigure(Following)},
	{Name: "tweets_count", Aliases: []string{"statuses_count"}, Kind: KindNumber, Example: "tweets_count:100",
		Doc: "the author has written at least so many tweets", parse: parseFigure(Tweets), print: printFigure(Tweets)},
	{Name: "listed_count", Aliases: []string{"user_in_lists_count"}, Kind: KindNumber, Example: "listed_count:5",
		Doc: "the author is on at least so many lists", parse: parseFigure(Listed), print: printFigure(Listed)},
	{Name: "likes", Aliases: []string{"min_likes", "min_faves"}, Kind: KindNumber, Example: "min_likes:100",
		Doc: "has at least so many likes", parse: parseFigure(Likes), print: printFigure(Likes)},
	{Name: "reposts", Aliases: []string{"min_reposts", "min_retweets"}, Kind: KindNumber, Example: "reposts:5..50",
		Doc: "has at least so many retweets", parse: parseFigure(Reposts), print: printFigure(Reposts)},
	{Name: "replies", Aliases: []string{"min_replies"}, Kind: KindNumber, Example: "min_replies:3",
		Doc: "has at least so many replies", parse: parseFigure(Replies), print: printFigure(Replies)},
	{Name: "quotes", Aliases: []string{"min_quotes"}, Kind: KindNumber, Example: "quotes:0..0",
		Doc: "has at least so many quotes", parse: parseFigure(Quotes), print: printFigure(Quotes)},
}

func parseFigure(f Figure) func(*parser, *Operator, value) Expr {
	return func(p *parser, o *Operator, v value) Expr {
		from, to, closed := strings.Cut(v.text, "..")
		lo, ok := parseCount(from)
		hi := int64(math.MaxInt64)
		if closed && ok {
			hi, ok = parseCount(to)
		}
		if !ok {
			p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no number and no range", "N for at least N, or A..B, such as "+o.Name+":10..20")
		}
		if lo > hi {
			p.fail(v.pos, v.end, "the range "+excerpt(v.text)+" begins above its end", "write "+o.Name+":"+to+".."+from)
		}
		return between{f, lo, hi}
	}
}

// parseCount reads a whole number without sign.
func parseCount(s string) (int64, bool) {
	if !digitsOnly(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func printFigure(f Figure) func(*Operator, between) string {
	return func(o *Operator, r between) string {
		switch {
		case r.figure != f:
			return ""
		case r.hi == math.MaxInt64:
			return o.Name + ":" + strconv.FormatInt(r.lo, 10)
		}
		return o.Name + ":" + strconv.FormatInt(r.lo, 10) + ".." + strconv.FormatInt(r.hi, 10)
	}
}
