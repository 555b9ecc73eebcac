package ingest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sync/errgroup"

	"birdwatch/tweet"
)

// Summary counts what an import did. Read = New + Same + Updated + Deleted, notices and bad records apart.
type Summary struct {
	Read    int64 `json:"read"`    // sightings
	New     int64 `json:"new"`     // tweets that the archive did not have
	Same    int64 `json:"same"`    // sightings that say nothing new
	Updated int64 `json:"updated"` // tweets that differ now
	Deleted int64 `json:"deleted"` // sightings of deleted tweets
	Refused int64 `json:"refused"` // sightings that went to the dead letters
	Notices int64 `json:"notices"` // deletes and other notices
	Honored int64 `json:"honored"` // of them, those of tweets that the archive had
	Passed  int64 `json:"passed"`  // control messages, passed over
	Bad     int64 `json:"bad"`     // records that could not be read
}

// Add adds b to s.
func (s *Summary) Add(b Summary) {
	s.Read, s.New, s.Same, s.Updated, s.Deleted = s.Read+b.Read, s.New+b.New, s.Same+b.Same, s.Updated+b.Updated, s.Deleted+b.Deleted
	s.Refused, s.Notices, s.Honored, s.Passed, s.Bad = s.Refused+b.Refused, s.Notices+b.Notices, s.Honored+b.Honored, s.Passed+b.Passed, s.Bad+b.Bad
}

// Effect says what the archive did with a sighting of an import.
type Effect uint8

// The effects.
const (
	Same Effect = iota
	Inserted
	Updated
	Deleted
	Refused
)

// Claim is what the journal answered to a batch of an import, record by record.
type Claim struct {
	// Write are the records for the archive, by their index in the batch; nil where there is nothing to write.
	Write []*tweet.Record
	// Gone marks sightings of deleted tweets; Honored marks notices with something to act on.
	Gone, Honored []bool
	// Confirm says that the archive has them. Copies of tweets that were deleted meanwhile are cut by an entry of the journal then.
	Confirm func(context.Context) error
}

// Importer puts records straight into the archive: no subscription is sent them.
type Importer struct {
	Claim func(ctx context.Context, recs []tweet.Record) (Claim, error)
	// Write is called by two goroutines at once.
	Write func(ctx context.Context, recs []tweet.Record) ([]Effect, error)
	// Gone says of each id whether it is deleted by now.
	Gone func(ctx context.Context, ids []tweet.ID) ([]bool, error)
	// Bury makes tombstones of tweets that were deleted while they were being written.
	Bury func(ctx context.Context, ids []tweet.ID) error
}

// importMost is how many records go through an import at once.
const importMost = 2000

// Run imports all records and gives the counts of what was done, with an error too. After an error everything can be
// imported again. Reading, claiming and writing run at the same time, each a batch ahead of the next; two batches are written at once, so that
// one makes ready what it writes while the other has the archive. They are confirmed and counted in their order.
func (im *Importer) Run(ctx context.Context, recs iter.Seq[tweet.Record], progress func(Summary)) (Summary, error) {
	var total Summary
	read, claims, writes := make(chan []tweet.Record, 1), make(chan claimed, 1), make(chan *writing)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(read)
		for batch := range batches(recs) {
			select {
			case read <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		defer close(claims)
		for batch := range read {
			c, err := im.claim(ctx, batch)
			if err != nil {
				return err
			}
			select {
			case claims <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		defer close(writes)
		for c := range claims {
			w := &writing{claimed: c, done: make(chan struct{})}
			g.Go(func() error {
				defer close(w.done)
				w.err = im.write(ctx, w)
				return w.err
			})
			select {
			case writes <- w: // when those before the last are done: two are written at once, then
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	g.Go(func() error {
		for w := range writes {
			<-w.done
			if w.err != nil {
				return w.err
			}
			if err := im.confirm(ctx, w); err != nil {
				return err
			}
			total.Add(w.sum)
			if progress != nil {
				progress(total)
			}
		}
		return nil
	})
	err := g.Wait()
	return total, err
}

// batches parts records, each batch by id: random order costs the archive three times as much.
func batches(recs iter.Seq[tweet.Record]) iter.Seq[[]tweet.Record] {
	return func(yield func([]tweet.Record) bool) {
		var batch []tweet.Record
		bytes := 0
		flush := func() bool {
			slices.SortStableFunc(batch, func(a, b tweet.Record) int { return cmp.Compare(a.ID, b.ID) })
			ok := yield(batch)
			batch, bytes = nil, 0
			return ok
		}
		for r := range recs {
			batch = append(batch, r)
			if bytes += len(r.Payload) + len(r.Raw); len(batch) >= importMost || bytes > 2*batchBytes {
				if !flush() {
					return
				}
			}
		}
		if len(batch) > 0 {
			flush()
		}
	}
}

type claimed struct {
	recs  []tweet.Record
	claim Claim
}

func (im *Importer) claim(ctx context.Context, recs []tweet.Record) (claimed, error) {
	c, err := im.Claim(ctx, recs)
	if err != nil {
		return claimed{}, fmt.Errorf("claim %d records: %w", len(recs), err)
	}
	return claimed{recs, c}, nil
}

// writing is a batch that is being written. The rest is there when done is closed.
type writing struct {
	claimed
	done    chan struct{}
	sum     Summary
	written []tweet.Record
	err     error
}

func (im *Importer) write(ctx context.Context, b *writing) error {
	s := &b.sum
	for i, w := range b.claim.Write {
		switch {
		case b.recs[i].Kind != tweet.KindTweet:
			s.Notices++
			if b.claim.Honored[i] {
				s.Honored++
			}
			continue
		case b.claim.Gone[i]:
			s.Deleted++
		case w == nil:
			s.Same++
		default:
			b.written = append(b.written, *w)
		}
		s.Read++
	}
	if len(b.written) == 0 {
		return nil
	}
	effects, err := im.Write(ctx, b.written)
	if err != nil {
		return fmt.Errorf("write %d records: %w", len(b.written), err)
	}
	for _, e := range effects {
		switch e {
		case Same:
			s.Same++
		case Inserted:
			s.New++
		case Updated:
			s.Updated++
		case Deleted:
			s.Deleted++
		case Refused:
			s.Refused++
		}
	}
	return nil
}

// confirm tells the journal that a batch is written.
func (im *Importer) confirm(ctx context.Context, b *writing) error {
	if len(b.written) > 0 {
		if err := im.lookAgain(ctx, b.written); err != nil {
			return err
		}
	}
	return b.claim.Confirm(ctx)
}

// lookAgain buries what was deleted between claim and write.
func (im *Importer) lookAgain(ctx context.Context, recs []tweet.Record) error {
	ids := make([]tweet.ID, len(recs))
	for i := range recs {
		ids[i] = recs[i].ID
	}
	gone, err := im.Gone(ctx, ids)
	if err != nil {
		return fmt.Errorf("look again: %w", err)
	}
	var bury []tweet.ID
	for i, g := range gone {
		if g {
			bury = append(bury, ids[i])
		}
	}
	if len(bury) == 0 {
		return nil
	}
	return im.Bury(ctx, bury)
}
