package live_test

import (
	"slices"
	"testing"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/tweet"
)

// TestScripts: all scripts, each query standing in the index among all those that were asked before it, some of them sealed.
func TestScripts(t *testing.T) {
	querytest.Run(t, func(t *testing.T, tweets []*tweet.Payload) func(string) ([]tweet.ID, error) {
		x := live.NewIndex()
		targets := make([]query.Target, len(tweets))
		for i, p := range tweets {
			targets[i].Set(p)
		}
		asked := 0
		return func(text string) ([]tweet.ID, error) {
			q, err := query.Parse(text, querytest.Now)
			if err != nil {
				return nil, err
			}
			x.Take(q.Expr)
			if asked++; asked%7 == 0 {
				x.Seal()
			}
			var ids []tweet.ID
			for i := range targets {
				if slices.Contains(x.Keys(&targets[i]), q.Expr.String()) {
					ids = append(ids, tweets[i].Data.ID)
				}
			}
			slices.Sort(ids)
			slices.Reverse(ids)
			return ids, nil
		}
	})
}
