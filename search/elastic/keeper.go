package elastic

import (
	"context"
	"fmt"

	"birdwatch/search"
	"birdwatch/tweet"
)

var (
	_ search.Archive = (*Archive)(nil)
	_ search.Keeper  = (*Archive)(nil)
)

// Put merges whole documents, tombstones too. Of two first_seq the lesser is kept. While the server is away it waits, until ctx ends.
func (a *Archive) Put(ctx context.Context, docs []*tweet.Document) error {
	ops := make([]op, len(docs))
	for i, d := range docs {
		ops[i] = op{doc: d, whole: true}
	}
	encode(ops)
	return a.persist(ctx, fmt.Sprintf("put %d documents", len(docs)), func(ctx context.Context) error {
		return a.merge(ctx, ops, nil)
	})
}
