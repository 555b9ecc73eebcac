package search

import (
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
