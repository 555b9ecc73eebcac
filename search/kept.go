package search

import (
	"context"
	"iter"

	"birdwatch/tweet"
)

// Kept is content that is held, unpacked, and where.
type Kept struct {
	Where   string // "archive", "dead letters", "journal"
	ID      tweet.ID
	Content tweet.Content
}

// Compacter is what takes deleted tweets for good from an archive's files, and looks whether they are gone.
type Compacter interface {
	// Compact takes for good what was deleted. It takes long.
	Compact(ctx context.Context) error
	// Traces finds what may still be there of deleted tweets beside what KeptIn gives, in words without it; none after Compact.
	Traces(ctx context.Context) ([]string, error)
}

// readMost is how many documents or dead letters are read at once.
const readMost = 500

// Documents gives all documents of an archive by id, tombstones among them.
func Documents(ctx context.Context, k Keeper) iter.Seq2[*tweet.Document, error] {
	return func(yield func(*tweet.Document, error) bool) {
		for after := tweet.ID(0); ; {
			docs, err := k.Documents(ctx, after, readMost)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range docs {
				if after = d.ID; !yield(d, nil) {
					return
				}
			}
			if len(docs) < readMost {
				return
			}
		}
	}
}

// KeptIn gives all content that an archive holds, unpacked: that of its documents, then that of its dead letters.
func KeptIn(ctx context.Context, k Keeper, each func(Kept) error) error {
	for d, err := range Documents(ctx, k) {
		if err != nil {
			return err
		}
		if d.Tombstone {
			continue
		}
		c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
		if err := each(Kept{Where: "archive", ID: d.ID, Content: c}); err != nil {
			return err
		}
	}
	for after := ""; ; {
		letters, err := k.DeadLetters(ctx, after, readMost)
		if err != nil {
			return err
		}
		for _, l := range letters {
			after = l.Key
			if err := each(Kept{Where: "dead letters", ID: l.ID, Content: l.Content}); err != nil {
				return err
			}
		}
		if len(letters) < readMost {
			return nil
		}
	}
}
