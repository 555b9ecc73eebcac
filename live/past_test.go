package live_test

import (
	"context"
	"slices"
	"time"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// past is the world's archive as the hub sees it.
type past struct{ *world }

func (p past) Content(ctx context.Context, id tweet.ID) (*tweet.Payload, error) {
	p.asked("content")
	p.mu.Lock()
	away := p.away
	p.mu.Unlock()
	if away == errSilent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if away != nil {
		return nil, away
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.docs[id]; d != nil {
		return d.payload, nil
	}
	return nil, nil
}

func (p past) Matches(_ context.Context, r live.HistoryRequest) ([]live.Item, bool, error) {
	p.asked("matches")
	p.mu.Lock()
	defer p.mu.Unlock()
	m := query.NewMatcher(r.Query)
	var items []live.Item
	for id, d := range p.docs {
		if d.payload == nil || d.first > r.Until || id <= r.AfterID || r.BeforeID != 0 && id >= r.BeforeID {
			continue
		}
		var t query.Target
		t.Set(d.payload)
		if m.Match(&t) {
			b, err := tweet.Encode(d.payload)
			if err != nil {
				return nil, false, err
			}
			items = append(items, live.Item{ID: id, Payload: b})
		}
	}
	slices.SortFunc(items, func(a, b live.Item) int {
		if r.Newest {
			a, b = b, a
		}
		return int(a.ID - b.ID)
	})
	if len(items) > r.Limit {
		return items[:r.Limit], true, nil
	}
	return items, false, nil
}

func parse(text string) live.Query {
	q, err := query.Parse(text, time.Unix(1_700_000_000, 0))
	if err != nil {
		panic(err)
	}
	return live.Query{Expr: q.Expr, Until: q.Until}
}
