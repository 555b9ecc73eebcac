package tweet

import (
	"cmp"
	"strings"
)

// View is a payload as searches see it. A retweet is searched by the tweet that it
// repeats (words, tags, links, media, sensitivity, figures); author, time and source
// are the retweeter's.
type View struct {
	Payload *Payload
	// Subject is the tweet whose content counts: the repeated one where it is there, else the tweet itself.
	Subject *Tweet
	Author  *User // nil when the payload has none
	// Repeated is the id of the retweeted tweet, 0 when this is no retweet.
	Repeated ID
	// RepeatedAuthor is its author; nil when unknown.
	RepeatedAuthor *User
	// Text is the source text of the words, HTML entities not resolved; Entities are its marked parts, whose
	// positions are code points of the text before Shift code points ("RT @name: ") were taken from its front.
	Text     string
	Entities *Entities
	Shift    int
}

// View shows p as searches see it. p must not change while the View is used.
func (p *Payload) View() View {
	v := View{Payload: p, Subject: &p.Data, Author: p.User(p.Data.AuthorID), Repeated: p.Data.Ref("retweeted")}
	if v.Repeated != 0 {
		if t := p.Included(v.Repeated); t != nil {
			v.Subject = t
			v.RepeatedAuthor = p.User(t.AuthorID)
		}
	}
	v.Text, v.Entities = v.Subject.Text, v.Subject.Entities
	if n := v.Subject.NoteTweet; n != nil {
		v.Text = n.Text
		if n.Entities != nil {
			v.Entities = n.Entities
		}
	}
	if v.Repeated != 0 && v.Subject == &p.Data {
		if name, rest, ok := cutRetweet(v.Text); ok {
			v.Text, v.Shift = rest, len("RT @: ")+len(name)
			v.RepeatedAuthor = p.userNamed(name)
		}
	}
	return v
}

// cutRetweet takes "RT @name: " from the front of a retweet's own text.
func cutRetweet(s string) (name, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, "RT @")
	if !ok {
		return "", "", false
	}
	name, rest, ok = strings.Cut(s, ": ")
	if !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return "", "", false
	}
	return name, rest, true
}

func (p *Payload) userNamed(name string) *User {
	if p.Includes == nil {
		return nil
	}
	for i := range p.Includes.Users {
		if strings.EqualFold(p.Includes.Users[i].Username, name) {
			return &p.Includes.Users[i]
		}
	}
	return nil
}

// Marked gives the marked parts of Text: those of Entities, or where there are none those that the text itself shows. Nothing is allocated
// where Entities has them.
func (v *View) Marked() Entities {
	if e := v.Entities; e != nil && len(e.URLs)+len(e.Hashtags)+len(e.Cashtags)+len(e.Mentions)+len(e.Annotations) > 0 {
		return *e
	}
	return Entities{URLs: URLs(v.Text), Hashtags: Hashtags(v.Text), Cashtags: Cashtags(v.Text), Mentions: Mentions(v.Text)}
}

// RepeatedName is the handle of the author whom a retweet repeats, if need be from "RT @name: "; "" when it is unknown, or this is no
// retweet.
func (v *View) RepeatedName() string {
	switch {
	case v.Repeated == 0:
		return ""
	case v.RepeatedAuthor != nil:
		return v.RepeatedAuthor.Username
	}
	name, _, _ := cutRetweet(v.Payload.Data.Text)
	return name
}

// Lang is the BCP 47 tag of the content, und where it is unknown; old tags are given as what they are now.
func (v *View) Lang() string { return CurrentLang(cmp.Or(v.Subject.Lang, v.Payload.Data.Lang, "und")) }

// CurrentLang is what a tag in small letters is written as now.
func CurrentLang(tag string) string {
	switch tag {
	case "iw":
		return "he"
	case "in":
		return "id"
	}
	return tag
}
