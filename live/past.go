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
func (s *Subscription) sendHistory(ctx context.Context, yield func(Event) bool) error {
	r := HistoryRequest{Query: query.Or(s.exprs...), Until: s.place.Seq, AfterID: s.place.Tweet, Limit: historyPage}
	if s.r.Resume == nil && s.r.Backfill > 0 {
		items, err := s.newest(ctx, r, s.r.Backfill)
		if err != nil {
			return err
		}
		_, err = s.sendItems(items, false, yield)
		return err
	}
	for more := true; more; {
		items, m, err := s.hub.history.Matches(ctx, r)
		if err != nil {
			return fmt.Errorf("history after %d: %w", r.AfterID, err)
		}
		if r.AfterID, err = s.sendItems(items, m, yield); err != nil {
			return err
		}
		more = m && len(items) > 0
	}
	return nil
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

func (s *Subscription) sendItems(items []Item, more bool, yield func(Event) bool) (last tweet.ID, err error) {
	w := s.place
	for i := range items {
		select {
		case <-s.ended:
			return last, s.tell(yield, Event{Kind: Bye, Place: s.place})
		default:
		}
		matched := []int{0}
		if len(s.matchers) > 1 {
			p, err := tweet.Decode(items[i].Payload)
			if err != nil {
				return last, fmt.Errorf("history: %w", err)
			}
			if matched = s.match(p); len(matched) == 0 {
				continue // it changed since the archive found it
			}
		}
		last = items[i].ID
		w.Tweet = last
		if !yield(Event{Kind: Tweet, Place: w, ID: last, Item: &items[i], Matched: matched, More: more || i < len(items)-1}) {
			return last, errStop
		}
	}
	return last, nil
}

// match gives the indexes of the queries that a tweet matches.
func (s *Subscription) match(p *tweet.Payload) (matched []int) {
	s.target.Set(p)
	for i, m := range s.matchers {
		if m.Match(&s.target) {
			matched = append(matched, i)
		}
	}
	return matched
}

// catchUp reads the journal from where the subscription stands until it is at the end and has joined the others there.
func (s *Subscription) catchUp(ctx context.Context, yield func(Event) bool) error {
	h := s.hub
	for !h.join(s, s.from) {
		if s.live && h.journal.Last()-s.from > h.o.MaxBehind {
			h.count(func(st *Stats) { st.Lagged++ })
			return ErrLagged
		}
		select {
		case <-s.ended:
			return s.tell(yield, Event{Kind: Bye, Place: s.at(s.from)})
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		end := h.journal.Last()
		es, err := h.journal.Since(ctx, s.from, page)
		if err != nil {
			return fmt.Errorf("journal after %d: %w", s.from, err)
		}
		// Read after the entries: what was cut meanwhile shows.
		if err := s.missed(es, h.journal.First(), yield); err != nil {
			return err
		}
		if len(es) == 0 {
			s.from = max(s.from, end)
			continue
		}
		delivered := 0
		for i := range es {
			n, err := s.sendEntry(ctx, &es[i], i < len(es)-1, yield)
			if err != nil {
				return err
			}
			delivered += n
			s.from = es[i].Seq
		}
		h.count(func(st *Stats) { st.Delivered += int64(delivered) })
	}
	return nil
}

// missed tells a gap when retention cut entries that were not read yet. Holes of purged tweets are none.
func (s *Subscription) missed(es []tweet.Entry, first tweet.Seq, yield func(Event) bool) error {
	if s.from+1 >= first {
		return nil
	}
	until := first - 1
	if len(es) > 0 {
		until = min(until, es[0].Seq-1)
	}
	if until <= s.from {
		return nil
	}
	s.hub.count(func(st *Stats) { st.Gaps++ })
	e := Event{Kind: Gap, Place: s.at(until), Since: s.from, Until: until}
	s.from = until
	if !yield(e) {
		return errStop
	}
	return nil
}

// sendEntry gives one entry if it concerns the subscription.
func (s *Subscription) sendEntry(ctx context.Context, e *tweet.Entry, more bool, yield func(Event) bool) (int, error) {
	out := Event{Place: s.at(e.Seq), ID: e.ID, More: more}
	switch {
	case e.Kind == tweet.KindTweet && !e.Stripped:
		p, err := e.Decoded()
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if out.Matched = s.match(p); len(out.Matched) == 0 {
			return 0, nil
		}
		out.Kind, out.Item = Tweet, &Item{ID: e.ID, Payload: e.Payload}
	case deletion(e):
		ps, certain, err := s.hub.contents(ctx, e)
		if err != nil {
			return 0, fmt.Errorf("content of deleted %d: %w", e.ID, err)
		}
		matched := !certain
		for _, p := range ps {
			matched = matched || len(s.match(p)) > 0
		}
		if !matched {
			return 0, nil
		}
		out.Kind = Delete
	default:
		return 0, nil
	}
	if !yield(out) {
		return 0, errStop
	}
	return 1, nil
}
