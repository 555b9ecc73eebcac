package querytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"birdwatch/tweet"
)

func (b *builder) entities() *tweet.Entities {
	d := &b.p.Data
	if d.Entities == nil {
		d.Entities = new(tweet.Entities)
	}
	return d.Entities
}

// span is where s stands in the text, in code points; 0, 0 when it does not.
func (b *builder) span(s string) (start, end int) {
	i := strings.Index(b.p.Data.Text, s)
	if i < 0 {
		return 0, 0
	}
	start = utf8.RuneCountInString(b.p.Data.Text[:i])
	return start, start + utf8.RuneCountInString(s)
}

func (b *builder) mark(name, value string) error {
	e := b.entities()
	switch name {
	case "url":
		parts := append(strings.Fields(value), "", "")
		u := tweet.URL{URL: parts[0], ExpandedURL: parts[1], UnwoundURL: parts[2]}
		u.Start, u.End = b.span(u.URL)
		e.URLs = append(e.URLs, u)
	case "title", "description":
		if len(e.URLs) == 0 {
			return fmt.Errorf("%s before a url", name)
		}
		if u := &e.URLs[len(e.URLs)-1]; name == "title" {
			u.Title = value
		} else {
			u.Description = value
		}
	case "hashtag":
		start, end := b.span("#" + value)
		e.Hashtags = append(e.Hashtags, tweet.Tag{Start: start, End: end, Tag: value})
	case "cashtag":
		start, end := b.span("$" + value)
		e.Cashtags = append(e.Cashtags, tweet.Tag{Start: start, End: end, Tag: value})
	case "mention":
		start, end := b.span(value)
		u := b.named(value)
		e.Mentions = append(e.Mentions, tweet.Mention{Start: start, End: end, Username: u.Username, ID: u.ID})
	case "annotation":
		e.Annotations = append(e.Annotations, tweet.Annotation{NormalizedText: value})
	}
	return nil
}

func (b *builder) count(name, value string) error {
	d := &b.p.Data
	if !slices.Contains([]string{"likes", "reposts", "replies", "quotes"}, name) {
		return fmt.Errorf("a tweet has no %q", name)
	}
	if d.PublicMetrics == nil {
		d.PublicMetrics = new(tweet.TweetMetrics)
	}
	m := d.PublicMetrics
	n, err := strconv.ParseInt(value, 10, 64)
	*map[string]*int64{"likes": &m.LikeCount, "reposts": &m.RetweetCount, "replies": &m.ReplyCount, "quotes": &m.QuoteCount}[name] = n
	return err
}
