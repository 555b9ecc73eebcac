package live

import (
	"context"
	"fmt"
	"slices"

	"birdwatch/query"
	"birdwatch/tweet"
)

// historyPage is how many matches are asked of the archive at once.
const historyPage = 100

// sendHistory gives the matches with first_seq ≤ W, oldest id first.
func (s *Subscription) sendHistory(ctx context.Context, tell func(Event) error) error {
	sets, _ := s.windows()
	of := setAt(sets, s.place.Seq)
	exprs := make([]query.Expr, len(of.groups))
	for i, g := range of.groups {
		exprs[i] = s.hub.index.expr(g)
	}
	if len(exprs) == 0 {
		return nil
	}
	r := HistoryRequest{Query: query.Or(exprs...), Until: s.place.Seq, AfterID: s.place.Tweet, Limit: historyPage}
	if s.r.Resume == nil && s.r.Backfill > 0 {
		items, err := s.newest(ctx, r, s.r.Backfill)
		if err != nil {
			return err
		}
		return s.sendItems(of, items, tell)
	}
	for {
		items, more, err := s.hub.history.Matches(ctx, r)
		if err != nil {
			return fmt.Errorf("history after %d: %w", r.AfterID, err)
		}
		if err := s.sendItems(of, items, tell); err != nil || !more || len(items) == 0 {
			return err
		}
		r.AfterID = items[len(items)-1].ID
	}
}

// newest are the n newest matches, oldest first.
func (s *Subscription) newest(ctx context.Context, r HistoryRequest, n int) ([]Item, error) {
	r.Newest, r.AfterID = true, 0
	var all []Item
	for len(all) < n {
		r.Limit = min(historyPage, n-len(all))
		items, more, err := s.hub.history.Matches(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("newest %d of history: %w", n, err)
		}
		all = append(all, items...)
		if !more || len(items) == 0 {
			break
		}
		r.BeforeID = items[len(items)-1].ID
	}
	slices.Reverse(all)
	return all, nil
}

func (s *Subscription) sendItems(of *set, items []Item, tell func(Event) error) error {
	var target query.Target
	var matchers []*query.Matcher
	if len(of.queries) > 1 {
		for _, g := range of.groups {
			matchers = append(matchers, query.NewMatcher(s.hub.index.expr(g)))
		}
	}
	for i := range items {
		matched := []int{0}
		if len(matchers) > 0 {
			p, err := tweet.Decode(items[i].Payload)
			if err != nil {
				return fmt.Errorf("history: %w", err)
			}
			target.Set(p)
			matched = nil
			for q, m := range matchers {
				if m.Match(&target) {
					matched = append(matched, q)
				}
			}
			if len(matched) == 0 {
				continue // it changed since the archive found it
			}
		}
		// The place before the first tweet of history cannot be told from W, behind history: none ends there.
		if s.place.Tweet != 0 && s.isEnded() {
			return tell(Event{Kind: Bye, Place: s.place})
		}
		at := s.place
		at.Tweet = items[i].ID
		if err := tell(Event{Kind: Tweet, Place: at, ID: items[i].ID, Item: &items[i], Matched: matched, Queries: of.queries, More: i < len(items)-1}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Subscription) isEnded() bool {
	select {
	case <-s.hub.ended:
		return true
	default:
		return false
	}
}
