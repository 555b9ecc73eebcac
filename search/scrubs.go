package search

import "birdwatch/tweet"

// Scrubs are what notices of withdrawn places come to: those of users up to an id, and those of single tweets. The zero value has none.
type Scrubs struct {
	upTo   map[tweet.ID]tweet.ID // by user
	tweets map[tweet.ID]bool
}

// Take adds a KindGeo record, in whatever order they come; others change nothing.
func (s *Scrubs) Take(r *tweet.Record) {
	switch {
	case r.Kind != tweet.KindGeo:
	case r.UserID == 0:
		if s.tweets == nil {
			s.tweets = map[tweet.ID]bool{}
		}
		s.tweets[r.ID] = true
	default:
		if s.upTo == nil {
			s.upTo = map[tweet.ID]tweet.ID{}
		}
		s.upTo[r.UserID] = max(s.upTo[r.UserID], r.ID)
	}
}

// None reports whether no place was withdrawn.
func (s *Scrubs) None() bool { return len(s.upTo)+len(s.tweets) == 0 }

// UpTo is the id up to which a user's places are withdrawn; 0 for none.
func (s *Scrubs) UpTo(user tweet.ID) tweet.ID { return s.upTo[user] }

// Withdrawn reports whether a tweet's place is, as tweet.Document.WithoutPlaces asks.
func (s *Scrubs) Withdrawn(t *tweet.Tweet) (bool, error) {
	return t.ID <= s.upTo[t.AuthorID] || s.tweets[t.ID], nil
}
