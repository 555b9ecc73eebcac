package tweet

import "strings"

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
