package main

import (
	"context"
	"errors"

	"birdwatch/live"
	"birdwatch/search"
	"birdwatch/tweet"
)

// past lets the hub ask the archive: live and search do not know each other.
type past struct {
	archive search.Archive
	pages   search.Searcher // gives what may be seen
}

func (p past) Watermark(ctx context.Context) (tweet.Seq, error) {
	at, err := p.archive.Position(ctx)
	return at.Seq, err
}

func (p past) Matches(ctx context.Context, r live.HistoryRequest) ([]live.Item, bool, error) {
	page, err := p.pages.Search(ctx, search.Request{
		Query: r.Query, Start: r.Start, End: r.End, AfterID: r.AfterID, BeforeID: r.BeforeID,
		UntilSeq: &r.Until, Ascending: !r.Newest, Limit: r.Limit,
	})
	if err != nil {
		return nil, false, err
	}
	items := make([]live.Item, len(page.Hits))
	for i, h := range page.Hits {
		items[i] = live.Item{ID: h.ID, Payload: h.Payload}
	}
	return items, page.More, nil
}

func (p past) Content(ctx context.Context, id tweet.ID) (*tweet.Payload, error) {
	docs, err := p.archive.Get(ctx, id)
	if errors.Is(err, search.ErrNotFound) || err == nil && (len(docs) == 0 || docs[0].Tombstone) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return tweet.Decode(docs[0].Payload)
}
