package search

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"birdwatch/tweet"
)

// handful is how many payloads are handed to a processor at once.
const handful = 64

// TallyAll counts the values of all payloads that each gives, on all processors. each is called once; it is to end with the error that its
// callback gives.
func TallyAll(ctx context.Context, facets []Facet, each func(ctx context.Context, count func(payload []byte) error) error) (*Tally, error) {
	tallies := make([]*Tally, runtime.GOMAXPROCS(0))
	payloads := make(chan [][]byte, len(tallies))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(payloads)
		return inHandfuls(ctx, payloads, each)
	})
	for i := range tallies {
		tallies[i] = NewTally(facets...)
		g.Go(func() error {
			for some := range payloads {
				for _, b := range some {
					p, err := tweet.Decode(b)
					if err != nil {
						return err
					}
					tallies[i].Add(p)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, t := range tallies[1:] {
		tallies[0].Merge(t)
	}
	return tallies[0], nil
}

func inHandfuls(ctx context.Context, to chan<- [][]byte, each func(context.Context, func([]byte) error) error) error {
	var some [][]byte
	send := func() error {
		select {
		case to <- some:
			some = make([][]byte, 0, handful)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := each(ctx, func(payload []byte) error {
		if some = append(some, payload); len(some) == handful {
			return send()
		}
		return nil
	})
	if err != nil || len(some) == 0 {
		return err
	}
	return send()
}

// Count counts n tweets more that write a value of a facet so; i is the facet's place among those of NewTally. It is for engines
// that count written forms themselves: what Values gives, each once a tweet.
func (t *Tally) Count(i int, value string, n int64) { t.counts[i][value] += n }
