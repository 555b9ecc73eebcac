package journal

import (
	"context"
	"fmt"
	"iter"

	"birdwatch/tweet"
)

// Known is what Rebuild needs of a document.
type Known struct {
	ID        tweet.ID
	FirstSeq  tweet.Seq
	At        int64 // newest capture time
	Tombstone bool
	Copies    []tweet.Copy
}

// Rebuild fills the id table of a new journal from an archive. The next sighting of each of these tweets counts as one
// that differs, since what the last one said is not known here; the archive merges it without harm.
func (j *Journal) Rebuild(ctx context.Context, docs iter.Seq2[Known, error]) error {
	var batch []Known
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := j.do(ctx, len(batch), func(w *writer) error {
			for _, d := range batch {
				k := known{firstSeq: max(d.FirstSeq, 1), state: stateKnown, at: d.At}
				if d.Tombstone {
					k.state = stateDeleted
				}
				if err := w.remember(d.ID, k); err != nil {
					return err
				}
				for _, c := range d.Copies {
					if err := w.refer(c, d.ID); err != nil {
						return err
					}
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	for d, err := range docs {
		if err != nil {
			return fmt.Errorf("rebuild id table: %w", err)
		}
		if batch = append(batch, d); len(batch) == trimMost {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
