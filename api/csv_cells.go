package api

import (
	"cmp"
	"strconv"
	"strings"

	"birdwatch/tweet"
)

// cellOf is how a column is filled; "" stands for what is not known.
type cellOf = func(p *tweet.Payload, v *tweet.View) string

// wholeText is the text at its full length: that of a long tweet, and of what is repeated, behind RT @name.
func wholeText(p *tweet.Payload, v *tweet.View) string {
	text := v.Subject.Text
	if v.Subject.NoteTweet != nil {
		text = v.Subject.NoteTweet.Text
	}
	if v.Subject != &p.Data && v.RepeatedAuthor != nil {
		text = "RT @" + v.RepeatedAuthor.Username + ": " + text
	}
	return text
}

func idCell(id tweet.ID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

func ofAuthor(cell func(*tweet.User) string) cellOf {
	return func(_ *tweet.Payload, v *tweet.View) string {
		if v.Author == nil {
			return ""
		}
		return cell(v.Author)
	}
}

func ofAuthorFigures(figure func(*tweet.UserMetrics) int64) cellOf {
	return ofAuthor(func(u *tweet.User) string {
		if u.PublicMetrics == nil {
			return ""
		}
		return strconv.FormatInt(figure(u.PublicMetrics), 10)
	})
}

// ofFigures gives a figure as searches see it: of a retweet, that of what is repeated.
func ofFigures(figure func(*tweet.TweetMetrics) int64) cellOf {
	return func(p *tweet.Payload, v *tweet.View) string {
		m := cmp.Or(v.Subject.PublicMetrics, p.Data.PublicMetrics)
		if m == nil {
			return ""
		}
		return strconv.FormatInt(figure(m), 10)
	}
}

func ofReference(kind string) cellOf {
	return func(p *tweet.Payload, _ *tweet.View) string { return idCell(p.Data.Ref(kind)) }
}

// ofEntities joins a list by blanks, which none of its members has.
func ofEntities(list func(*tweet.Entities) []string) cellOf {
	return func(_ *tweet.Payload, v *tweet.View) string {
		if v.Entities == nil {
			return ""
		}
		return strings.Join(list(v.Entities), " ")
	}
}

func each[T any](of []T, text func(T) string) (texts []string) {
	for _, o := range of {
		if t := text(o); t != "" {
			texts = append(texts, strings.ReplaceAll(t, " ", "%20"))
		}
	}
	return texts
}

// address is a link as far as it is known unshortened. Links to the tweet's own media are no links.
func address(u tweet.URL) string {
	if u.MediaKey != "" {
		return ""
	}
	return cmp.Or(u.UnwoundURL, u.ExpandedURL, u.URL)
}

// mediaCell has the addresses of pictures, and those of the pictures that stand for videos.
func mediaCell(p *tweet.Payload, v *tweet.View) string {
	if v.Subject.Attachments == nil || p.Includes == nil {
		return ""
	}
	var urls []string
	for _, key := range v.Subject.Attachments.MediaKeys {
		for _, m := range p.Includes.Media {
			if m.MediaKey == key {
				urls = append(urls, cmp.Or(m.URL, m.PreviewImageURL))
			}
		}
	}
	return strings.Join(each(urls, func(u string) string { return u }), " ")
}

func ofPlace(cell func(*tweet.Place) string) cellOf {
	return func(p *tweet.Payload, _ *tweet.View) string {
		if p.Data.Geo == nil || p.Includes == nil {
			return ""
		}
		for i := range p.Includes.Places {
			if p.Includes.Places[i].ID == p.Data.Geo.PlaceID {
				return cell(&p.Includes.Places[i])
			}
		}
		return ""
	}
}

// ofPoint is the longitude (0) or the latitude (1).
func ofPoint(i int) cellOf {
	return func(p *tweet.Payload, _ *tweet.View) string {
		if p.Data.Geo == nil || p.Data.Geo.Coordinates == nil {
			return ""
		}
		return strconv.FormatFloat(p.Data.Geo.Coordinates.Coordinates[i], 'f', -1, 64)
	}
}
