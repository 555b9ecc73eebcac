package api

import (
	"errors"
	"fmt"

	"birdwatch/live"
	"birdwatch/query"
)

// afford refuses a query that would take too much of every tweet's time if it stood. It is the i-th of those that the parameter gives.
func (s *Server) afford(parameter string, i int, text string, e query.Expr) error {
	var dear *live.CostError
	if err := s.Hub.Afford(e); !errors.As(err, &dear) {
		return err
	}
	reason := fmt.Sprintf("what it is found by is in %.0f of 1,000 tweets", dear.Candidates)
	hint := "add a rarer word, tag or author that all matches have, or leave alternatives out"
	if dear.Always {
		reason = "there is nothing in it by which its matches can be found among all tweets"
		hint = "add a word, tag, language or author that all matches have, or leave parts out"
	}
	p := invalid(parameter, text, "%s (%.1f steps a tweet, at most %.4g)", reason, dear.Cost, dear.MaxCost)
	p.Detail = fmt.Sprintf("The query is too costly to stand: it would take %.1f steps a tweet, and %.4g are the most, since %s: %s. /2/query/explain says what a query costs.",
		dear.Cost, dear.MaxCost, reason, hint)
	p.Position = &Position{Parameter: parameter, Index: i, End: len(text), Message: reason, Hint: hint}
	return p
}
