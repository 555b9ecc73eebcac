package search

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Everywhere is the place of what is hidden whoever asks from where: with protected and suspended users, and withheld in all countries.
const Everywhere = "*"

// Hiding is what the notices about one user, or about one tweet, come to: in which places their tweets are not shown. Of each kind the newest
// notice holds, of equal times the one that hides. The zero value hides nothing.
type Hiding struct{ stances [numReasons]stance }

// stance is what the newest notice of a kind says.
type stance struct {
	known  bool
	at     int64
	places []string // sorted
}

// The kinds of notices, each of which is taken back by its own only.
const (
	reasonWithheld = iota
	reasonProtected
	reasonSuspended
	reasonDropped
	numReasons
)

// Take adds a notice, in whatever order they come: the detail of a KindWithheld or KindUser record. It reports whether that may change where
// tweets are hidden. Notices of other events change nothing.
func (h *Hiding) Take(at int64, detail []byte) bool {
	var n tweet.Notice
	if json.Unmarshal(detail, &n) != nil {
		return false
	}
	hidden := []string{Everywhere}
	switch n.Event {
	case "status_withheld", "user_withheld":
		return h.take(reasonWithheld, at, placesOf(n.Countries))
	case "user_protect":
		return h.take(reasonProtected, at, hidden)
	case "user_unprotect":
		return h.take(reasonProtected, at, nil)
	case "user_suspend":
		return h.take(reasonSuspended, at, hidden)
	case "user_unsuspend":
		return h.take(reasonSuspended, at, nil)
	case "tweet_drop":
		return h.take(reasonDropped, at, hidden)
	case "tweet_undrop":
		return h.take(reasonDropped, at, nil)
	}
	return false
}

func (h *Hiding) take(reason int, at int64, places []string) bool {
	s := &h.stances[reason]
	was := *s
	switch {
	case !s.known || at > s.at:
		*s = stance{true, at, places}
	case at == s.at:
		s.places = union(s.places, places)
	}
	// A newer notice that says the same overrules what payloads say that were captured between.
	return was.known != s.known || was.at != s.at || !slices.Equal(was.places, s.places)
}

// with is h and what the payload itself says, which was captured at some time.
func (h Hiding) with(w *tweet.Withheld, at int64) Hiding {
	if w != nil {
		h.take(reasonWithheld, at, placesOf(w.CountryCodes))
	}
	return h
}

func (h *Hiding) places() (all []string) {
	for i := range h.stances {
		all = union(all, h.stances[i].places)
	}
	return all
}

// Silent reports whether no notice says anything of where tweets are shown.
func (h Hiding) Silent() bool {
	for i := range h.stances {
		if h.stances[i].known {
			return false
		}
	}
	return true
}

// placesOf are countries' codes in small letters, sorted; those that stand for all countries are Everywhere.
func placesOf(codes []string) []string {
	var places []string
	for _, c := range codes {
		switch c = strings.ToLower(c); c {
		case "":
		case "xx", "xy":
			places = append(places, Everywhere)
		default:
			places = append(places, c)
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

func union(a, b []string) []string {
	if len(a) == 0 {
		return b
	}
	u := slices.Concat(a, b)
	slices.Sort(u)
	return slices.Compact(u)
}

// Subject is whom a notice may be about: a user, or a tweet.
type Subject struct {
	ID   tweet.ID // 0: none
	User bool
	says *tweet.Withheld // of the payload
}

// Key is the subject without what a payload says of it.
func (s Subject) Key() Subject { return Subject{ID: s.ID, User: s.User} }

// SubjectOf is whom a notice is about; of one that hides nothing it has no ID.
func SubjectOf(r *tweet.Record) Subject {
	switch r.Kind {
	case tweet.KindWithheld:
		return Subject{ID: r.ID}
	case tweet.KindUser:
		return Subject{ID: r.UserID, User: true}
	}
	return Subject{}
}

// Subjects are those who can hide a tweet: itself and its author, and of a retweet the tweet that it repeats and its author.
type Subjects [4]Subject

// SubjectsOf gives those of a payload, which is kept.
func SubjectsOf(p *tweet.Payload) (s Subjects) {
	v := p.View()
	s[0] = Subject{ID: p.Data.ID, says: p.Data.Withheld}
	s[1] = Subject{ID: p.Data.AuthorID, User: true}
	if v.Author != nil {
		s[1].says = v.Author.Withheld
	}
	if v.Repeated == 0 {
		return s
	}
	s[2] = Subject{ID: v.Repeated}
	if v.Subject != &p.Data {
		s[2].says, s[3] = v.Subject.Withheld, Subject{ID: v.Subject.AuthorID, User: true}
	}
	if u := v.RepeatedAuthor; u != nil {
		s[3] = Subject{ID: u.ID, User: true, says: u.Withheld}
	}
	return s
}

// Places gives where a tweet of these subjects is hidden, sorted; nil for nowhere. bodyAt is when its payload was captured; of gives what notices
// come to, and may be nil where there are none.
func (s *Subjects) Places(bodyAt int64, of func(Subject) (Hiding, error)) (places []string, err error) {
	for i := range s {
		x := s[i]
		if of == nil && x.says == nil {
			continue
		}
		var h Hiding
		if of != nil && x.ID != 0 {
			if h, err = of(x); err != nil {
				return nil, err
			}
		}
		h = h.with(x.says, bodyAt)
		places = union(places, h.places())
	}
	return places, nil
}

// Hidings are what notices come to, by whom they are about (Subject.Key).
type Hidings map[Subject]Hiding

// Take adds a KindWithheld or KindUser record, in whatever order they come; others change nothing.
func (h Hidings) Take(r *tweet.Record) {
	who := SubjectOf(r)
	if who.ID == 0 {
		return
	}
	x := h[who]
	x.Take(r.CapturedAt, r.Payload)
	h[who] = x
}

// Of is for Subjects.Places.
func (h Hidings) Of(s Subject) (Hiding, error) { return h[s.Key()], nil }

// HiddenTerm begins the terms, in an index, of tweets that are hidden: alone for Everywhere, with a country's code for there.
const HiddenTerm = query.AllTerm + "hidden"

// HiddenTermOf is the term of tweets that are hidden in a place.
func HiddenTermOf(place string) string {
	if place == Everywhere {
		return HiddenTerm
	}
	return HiddenTerm + place
}

// HiddenFrom are the places whose hidden tweets an archive does not show that is asked from some countries (ISO 3166 codes).
func HiddenFrom(countries []string) []string {
	return union([]string{Everywhere}, placesOf(countries))
}

// CarriersOf finds the tweets of a user, and those that may hold copies of them.
func CarriersOf(user tweet.ID) query.Expr {
	q, err := query.Parse(fmt.Sprintf("from:%[1]d OR quotes_of:%[1]d OR retweets_of:%[1]d OR to:%[1]d", user), time.Time{})
	if err != nil {
		panic(err) // of constants and a number
	}
	return q.Expr
}

// HiddenWith finds the tweets that a notice about a subject may hide: a user's and their retweets, or the retweets of a tweet.
func (s Subject) HiddenWith() query.Expr {
	text := fmt.Sprintf("retweets_of_tweet_id:%d", s.ID)
	if s.User {
		text = fmt.Sprintf("from:%[1]d OR retweets_of:%[1]d", s.ID)
	}
	q, err := query.Parse(text, time.Time{})
	if err != nil {
		panic(err) // of constants and a number
	}
	return q.Expr
}
