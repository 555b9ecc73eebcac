package search

import (
	"cmp"
	"slices"

	"birdwatch/tweet"
)

// FacetBound is over how many of the newest matches facets are exact.
const FacetBound = 10_000

// Facet is a kind of value that matches are counted by.
type Facet uint8

// The facets.
const (
	Hashtags Facet = iota
	Mentions
	Authors
	Links
	Domains
	Words
	Languages
	Sources
	NumFacets
)

// FacetValue is a value with the number of matches that have it.
type FacetValue struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// FacetResult is what Facets gives.
type FacetResult struct {
	// Values are, of each facet asked for and in that order, the most frequent first, of equal ones by value.
	Values [][]FacetValue
	// Tweets is how many of the newest matches were looked at, at most FacetBound. More says that there are others.
	Tweets int
	More   bool
	// Oldest is the id of the oldest one looked at; 0 for none.
	Oldest tweet.ID
}

// Tally counts the values of tweets. What it gives does not depend on the order in which they come, nor on how they are
// shared out to tallies that are merged. Not for concurrent use.
type Tally struct {
	facets []Facet
	counts []map[string]int64 // of each facet, by value as it was written
	values valuer
}

// NewTally makes a tally of facets.
func NewTally(facets ...Facet) *Tally {
	t := &Tally{facets: facets, counts: make([]map[string]int64, len(facets))}
	for i := range t.counts {
		t.counts[i] = map[string]int64{}
	}
	return t
}

// Add counts the values of one tweet. p is not kept.
func (t *Tally) Add(p *tweet.Payload) {
	t.values.set(p)
	for i, f := range t.facets {
		for _, v := range t.values.of(f) {
			t.counts[i][v]++
		}
	}
}

// Merge adds what o counted, which is of the same facets.
func (t *Tally) Merge(o *Tally) {
	for i := range t.counts {
		for v, n := range o.counts[i] {
			t.counts[i][v] += n
		}
	}
}

// Top gives, of each facet, the limit most frequent values, of equal ones by value. Of the spellings of one value the most frequent
// is shown, of equal ones the least.
func (t *Tally) Top(limit int) [][]FacetValue {
	top := make([][]FacetValue, len(t.facets))
	for i, f := range t.facets {
		top[i] = topOf(f, t.counts[i], limit)
	}
	return top
}

func topOf(f Facet, counts map[string]int64, limit int) []FacetValue {
	values := make([]FacetValue, 0, len(counts))
	if !f.folds() {
		for v, n := range counts {
			values = append(values, FacetValue{v, n})
		}
		return most(values, limit)
	}
	type spelled struct {
		total int64
		shown FacetValue
	}
	byFold := make(map[string]*spelled, len(counts))
	for v, n := range counts {
		folded := tweet.FoldTerm(v)
		s := byFold[folded]
		if s == nil {
			s = &spelled{}
			byFold[folded] = s
		}
		s.total += n
		if n > s.shown.Count || n == s.shown.Count && v < s.shown.Value {
			s.shown = FacetValue{v, n}
		}
	}
	for _, s := range byFold {
		values = append(values, FacetValue{s.shown.Value, s.total})
	}
	return most(values, limit)
}

func most(values []FacetValue, limit int) []FacetValue {
	slices.SortFunc(values, func(a, b FacetValue) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value)) })
	return values[:min(limit, len(values))]
}

// folds reports whether values of the facet are told apart as the language does it, without regard to case and accents.
func (f Facet) folds() bool {
	return f == Hashtags || f == Mentions || f == Authors || f == Sources
}
