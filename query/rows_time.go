package query

import (
	"math"
	"strconv"
	"strings"
	"time"

	"birdwatch/tweet"
)

// timeRows go by created_at, and by the id that orders tweets.
var timeRows = []Operator{
	{Name: "since", Aliases: []string{"since_time"}, Kind: KindTime, Example: "since:2013-05-01",
		Doc: "created at the instant or later", parse: parseSince, print: printSince},
	{Name: "until", Aliases: []string{"until_time"}, Kind: KindTime, Example: "until:2013-05-01_12:30:00_UTC",
		Doc: "created before the instant", parse: parseUntil, print: printUntil},
	{Name: "within_time", Kind: KindTime, Example: "within_time:3h",
		Doc: "created at most so long before now; the same as since: with it", parse: parseWithin},
	{Name: "id", Kind: KindID, Example: "id:1334987486343299072",
		Doc: "the tweet itself", parse: parseOneID, print: printOneID},
	{Name: "since_id", Kind: KindID, Example: "since_id:1334987486343299072",
		Doc: "has a greater id", parse: parseSinceID, print: printSinceID},
	{Name: "max_id", Kind: KindID, Example: "max_id:1334987486343299072",
		Doc: "has this id or a smaller one", parse: parseMaxID, print: printMaxID},
}

const timeForms = "write 2013-05-01, 2013-05-01_12:30:00_UTC, 2013-05-01T12:30:00Z, or 7d, 3h, 5m, 30s before now"

func parseSince(p *parser, o *Operator, v value) Expr { return Since(p.instant(o, v)) }
func parseUntil(p *parser, o *Operator, v value) Expr { return Until(p.instant(o, v)) }

func parseWithin(p *parser, o *Operator, v value) Expr {
	at, ok := p.ago(v)
	if !ok {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no length of time", "write 7d, 3h, 5m or 30s")
	}
	return Since(at)
}

// layouts are how an instant can be written, beside seconds and relative to now.
var layouts = []string{time.DateOnly, "2006-01-02_15:04:05_UTC", time.RFC3339}

func (p *parser) instant(o *Operator, v value) time.Time {
	if n, ok := parseCount(v.text); ok {
		// A short number is a year or a day written in haste, not a second of the early seventies.
		if n > latest/1000 || n != 0 && n < 100_000_000 {
			p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no instant in seconds since 1970", timeForms)
		}
		return time.Unix(n, 0)
	}
	if at, ok := p.ago(v); ok {
		return at
	}
	for _, layout := range layouts {
		// The length settles most, as a failing time.Parse is slow.
		if layout != time.RFC3339 && len(layout) != len(v.text) {
			continue
		}
		if at, err := time.Parse(layout, strings.ToUpper(v.text)); err == nil {
			return at
		}
	}
	p.fail(v.pos, v.end, quote(excerpt(v.text))+" is no instant", timeForms)
	return time.Time{}
}

// ago reads 7d, 3h, 5m or 30s; false when the value is nothing of the kind.
func (p *parser) ago(v value) (time.Time, bool) {
	if len(v.text) < 2 {
		return time.Time{}, false
	}
	var unit int64
	switch v.text[len(v.text)-1] {
	case 'd', 'D':
		unit = 24 * 60 * 60
	case 'h', 'H':
		unit = 60 * 60
	case 'm', 'M':
		unit = 60
	case 's', 'S':
		unit = 1
	}
	n, ok := parseCount(v.text[:len(v.text)-1])
	if !ok || unit == 0 {
		return time.Time{}, false
	}
	if seconds := p.now.Unix() - earliest/1000; n > seconds/unit {
		p.fail(v.pos, v.end, quote(excerpt(v.text))+" is too long ago", "leave it out to search from the beginning")
	}
	p.relative = true
	return time.Unix(p.now.Unix()-n*unit, int64(p.now.Nanosecond())), true
}

func printSince(o *Operator, r between) string {
	if r.figure != CreatedAt || r.hi != math.MaxInt64 {
		return ""
	}
	return o.Name + ":" + instantText(r.lo)
}

func printUntil(o *Operator, r between) string {
	if r.figure != CreatedAt || r.lo != math.MinInt64 {
		return ""
	}
	return o.Name + ":" + instantText(r.hi+1)
}

// instantText is the shortest way to write Unix milliseconds.
func instantText(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	switch {
	case ms%86_400_000 == 0:
		return t.Format(time.DateOnly)
	case ms%1000 == 0:
		return t.Format(time.RFC3339)
	}
	return t.Format(tweet.TimeLayout)
}

func parseOneID(p *parser, _ *Operator, v value) Expr {
	id := int64(parseID(p, v))
	return between{TweetID, id, id}
}

// parseSinceID takes 0 too, as X does: every tweet.
func parseSinceID(p *parser, o *Operator, v value) Expr {
	if v.text == "0" {
		return AfterID(0)
	}
	id := parseID(p, v)
	if id == math.MaxInt64 {
		p.fail(v.pos, v.end, "no tweet has a greater id", "such as "+o.Example)
	}
	return AfterID(id)
}

func parseMaxID(p *parser, _ *Operator, v value) Expr { return UpToID(parseID(p, v)) }

func printOneID(o *Operator, r between) string {
	if r.figure != TweetID || r.lo != r.hi {
		return ""
	}
	return o.Name + ":" + strconv.FormatInt(r.lo, 10)
}

func printSinceID(o *Operator, r between) string {
	if r.figure != TweetID || r.hi != math.MaxInt64 {
		return ""
	}
	return o.Name + ":" + strconv.FormatInt(r.lo-1, 10)
}

func printMaxID(o *Operator, r between) string {
	if r.figure != TweetID || r.lo != math.MinInt64 {
		return ""
	}
	return o.Name + ":" + strconv.FormatInt(r.hi, 10)
}
