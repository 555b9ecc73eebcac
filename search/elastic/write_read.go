package elastic

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/goccy/go-json"
	"golang.org/x/sync/errgroup"

	"birdwatch/tweet"
)

// readMost is how many documents are read in one request.
const readMost = 500

// read gives those documents of ids that there are, searchable or not.
func (a *Archive) read(ctx context.Context, ids []tweet.ID) (map[tweet.ID]*tweet.Document, error) {
	docs := map[tweet.ID]*tweet.Document{}
	known, err := a.indices(ctx)
	if err != nil {
		return nil, err
	}
	var there []tweet.ID // of periods that have an index
	for _, id := range ids {
		if known.names[a.schema.period(id)] != "" {
			there = append(there, id)
		}
	}
	var mu sync.Mutex // guards docs
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(requests)
	for part := range slices.Chunk(there, readMost) {
		g.Go(func() error {
			answer, err := a.call(ctx, http.MethodPost, "/_mget", a.wanted(part))
			if err != nil {
				return fmt.Errorf("read %d documents: %w", len(part), err)
			}
			mu.Lock()
			defer mu.Unlock()
			return collect(docs, answer)
		})
	}
	if err := g.Wait(); err != nil {
		a.schema.forgetPeriods()
		return nil, err
	}
	return docs, nil
}

// wanted asks for documents.
func (a *Archive) wanted(ids []tweet.ID) []byte {
	body := append(make([]byte, 0, 64*len(ids)), `{"docs":[`...)
	for i, id := range ids {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(append(body, `{"_index":"`...), a.schema.alias(a.schema.period(id))...)
		body = append(appendNumber(append(body, `","_id":"`...), int64(id)), `"}`...)
	}
	return append(body, `]}`...)
}

// readForWriting is read for whoever holds the lock. It does not ask for what cannot be there: most tweets that come are new.
func (a *Archive) readForWriting(ctx context.Context, ids []tweet.ID) (map[tweet.ID]*tweet.Document, error) {
	perhaps := make([]tweet.ID, 0, len(ids))
	for _, id := range ids {
		there, err := a.presentIn(ctx, a.schema.period(id))
		if err != nil {
			return nil, err
		}
		if there.perhaps(id) {
			perhaps = append(perhaps, id)
		}
	}
	return a.read(ctx, perhaps)
}

// present is which ids a period's index may have. Nobody else writes, so that it is asked once.
type present struct {
	highest tweet.ID // up to it, any
	beyond  map[tweet.ID]struct{}
	most    int // in beyond
}

// beyondMost is how many ids a present tells apart, of those that are written one after another; batches of imports overtake each other.
const beyondMost = 1 << 13

func (p *present) perhaps(id tweet.ID) bool {
	if id <= p.highest {
		return true
	}
	_, ok := p.beyond[id]
	return ok
}

func (p *present) add(id tweet.ID) {
	if id <= p.highest {
		return
	}
	if p.beyond[id] = struct{}{}; len(p.beyond) <= p.most {
		return
	}
	ids := slices.Sorted(maps.Keys(p.beyond)) // the lower half is told apart no more
	p.highest = ids[len(ids)/2]
	for _, id := range ids[:len(ids)/2+1] {
		delete(p.beyond, id)
	}
}

func (a *Archive) presentIn(ctx context.Context, p period) (*present, error) {
	if there := a.writer.present[p]; there != nil {
		return there, nil
	}
	if err := a.settle(ctx); err != nil {
		return nil, err
	}
	there := &present{beyond: map[tweet.ID]struct{}{}, most: beyondMost}
	known, err := a.indices(ctx)
	if err != nil || known.names[p] == "" {
		return there, err
	}
	found, err := a.ask(ctx, []period{p}, `{"size":1,"track_total_hits":false,"sort":[{"id":"desc"}],"_source":["id"]}`)
	if err != nil {
		return nil, err
	}
	if len(found.Hits.Hits) > 0 {
		there.highest = found.Hits.Hits[0].Source.ID
	}
	a.writer.present[p] = there
	return there, nil
}

// collect adds the documents of an answer. What could not be read must not look like what is not there.
func collect(docs map[tweet.ID]*tweet.Document, answer []byte) error {
	var found struct {
		Docs []struct {
			Found  bool    `json:"found"`
			Source *source `json:"_source"`
			Error  *cause  `json:"error"`
		} `json:"docs"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return fmt.Errorf("read documents: %w", err)
	}
	for _, one := range found.Docs {
		switch {
		case one.Error != nil && one.Error.Type == "index_not_found_exception":
			return gone("an index of the archive")
		case one.Error != nil:
			return fmt.Errorf("read a document: %w", one.Error.error(http.StatusServiceUnavailable))
		case one.Found && one.Source == nil:
			return fmt.Errorf("a document has no source: the index was not made by birdwatch")
		case one.Found:
			d, err := one.Source.document()
			if err != nil {
				return err
			}
			docs[d.ID] = d
		}
	}
	return nil
}
