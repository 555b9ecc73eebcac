package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"birdwatch/search"
	"birdwatch/tweet"
)

// placeDoc is the document of the state index that says how far the archive is.
type placeDoc struct {
	Kind    string    `json:"kind"`
	Epoch   string    `json:"epoch"`
	Seq     tweet.Seq `json:"seq"`
	Highest tweet.Seq `json:"highest"` // that a position ever had, of any epoch
	Indices int       `json:"indices"` // how many periods had one then
}

func (p *placeDoc) position() tweet.Position { return tweet.Position{Epoch: p.Epoch, Seq: p.Seq} }

// place reads how far the archive is. Indices that were made before it are known from then on.
func (a *Archive) place(ctx context.Context) (placeDoc, version, error) {
	var p placeDoc
	if err := a.ready(ctx); err != nil {
		return p, version{}, err
	}
	at, err := a.readState(ctx, "position", &p)
	if errors.Is(err, errNoState) && a.o.ReadOnly {
		return p, version{absent: true}, nil // nobody wrote yet
	}
	if err != nil {
		return p, at, fmt.Errorf("position: %w", err)
	}
	a.strays.forget()
	a.schema.mu.Lock()
	defer a.schema.mu.Unlock()
	if p.Indices != len(a.schema.periods.list) {
		if err := a.askPeriods(ctx); err != nil {
			return p, at, err
		}
	}
	return p, at, nil
}

// Position is the place in the journal up to which entries are applied and searchable, or in the dead letters.
func (a *Archive) Position(ctx context.Context) (tweet.Position, error) {
	p, _, err := a.place(ctx)
	return p.position(), fault("position", err)
}

// load reads what a writer goes on from, where it does not know it. The writer's lock is held.
func (a *Archive) load(ctx context.Context) error {
	w := &a.writer
	if w.forget.Swap(false) {
		w.loaded = false
	}
	if w.loaded {
		return nil
	}
	fresh := known{hidings: search.Hidings{}, filling: map[period]string{}, present: map[period]*present{}}
	var err error
	if fresh.place, fresh.placeAt, err = a.place(ctx); err != nil {
		return err
	}
	if err := a.refreshIndex(ctx, a.schema.state()); err != nil {
		return err
	}
	err = a.eachState(ctx, []string{kindGeo, kindNotice, kindFilling}, func(kind string, doc json.RawMessage) error {
		if kind != kindFilling {
			e, err := entryOf(kind, doc)
			if err == nil {
				fresh.takeNotice(&e.Record)
			}
			return err
		}
		var f fillingDoc
		if err := json.Unmarshal(doc, &f); err != nil {
			return err
		}
		p, ok := parsePeriod(f.Period)
		if !ok {
			return fmt.Errorf("the state index names a period %q", f.Period)
		}
		fresh.filling[p] = f.Index
		return nil
	})
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	// Whoever wrote before may have died before all of it was searchable, and it is not written again.
	ps, err := a.periods(ctx)
	if err != nil {
		return err
	}
	all := map[period]bool{}
	for _, p := range ps {
		all[p] = true
	}
	a.unseen.add(all, true)
	fresh.loaded = true
	w.known = fresh
	return nil
}

// move moves the position, never back in the same journal. Everything up to it is searchable.
func (a *Archive) move(ctx context.Context, to tweet.Position) error {
	w := &a.writer
	at := w.place.position()
	if to.IsZero() || at == to || at.Epoch == to.Epoch && at.Seq > to.Seq {
		return nil
	}
	if err := a.hold(ctx); err != nil {
		return err
	}
	a.schema.mu.Lock()
	indices := len(a.schema.periods.list)
	a.schema.mu.Unlock()
	next := placeDoc{"position", to.Epoch, to.Seq, max(w.place.Highest, to.Seq), indices}
	v, err := a.writeState(ctx, "position", next, w.placeAt)
	if err != nil {
		w.forget.Store(true) // it may have moved all the same
	}
	if isConflict(err) {
		return errors.Join(fmt.Errorf("%w: another process moved the position", search.ErrUnavailable), a.takeLease(ctx))
	}
	if err != nil {
		return fmt.Errorf("move position: %w", err)
	}
	w.place, w.placeAt = next, v
	return nil
}

// eachState gives the documents of some kinds in the state index, by key.
func (a *Archive) eachState(ctx context.Context, kinds []string, f func(kind string, doc json.RawMessage) error) error {
	list, err := json.Marshal(kinds)
	if err != nil {
		return err
	}
	return a.eachOf(ctx, a.schema.state(), `{"terms":{"kind":`+string(list)+`}}`, "", func(key string, doc json.RawMessage) error {
		var of struct{ Kind string }
		if err := json.Unmarshal(doc, &of); err != nil {
			return err
		}
		return f(of.Kind, doc)
	})
}

// errEnough ends eachOf without an error.
var errEnough = errors.New("enough")

// eachOf gives the documents of a query in an index of documents with a key, by key, those after a key.
func (a *Archive) eachOf(ctx context.Context, index, query, after string, f func(key string, doc json.RawMessage) error) error {
	for {
		body := `{"size":500,"sort":[{"key":"asc"}],"query":` + query
		if after != "" {
			body += `,"search_after":[` + string(appendText([]byte(`"`), after)) + `"]`
		}
		answer, err := a.call(ctx, http.MethodPost, "/"+index+"/_search?allow_partial_search_results=false", []byte(body+"}"))
		if err != nil {
			return err
		}
		var found struct {
			Shards shards `json:"_shards"`
			Hits   struct {
				Hits []struct {
					Source json.RawMessage `json:"_source"`
					Sort   []string        `json:"sort"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := json.Unmarshal(answer, &found); err != nil {
			return fmt.Errorf("%s: %w", index, err)
		}
		if err := found.Shards.complete(false); err != nil {
			return err
		}
		for _, h := range found.Hits.Hits {
			after = h.Sort[0]
			if err := f(after, h.Source); errors.Is(err, errEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if len(found.Hits.Hits) == 0 {
			return nil
		}
	}
}

// unseen are the periods that were written since they were last made searchable.
type unseen struct {
	some atomic.Bool

	settling sync.Mutex // held while they are made searchable

	mu      sync.Mutex // guards what follows
	periods map[period]bool
	strays  bool // there are some among them
}

func (u *unseen) add(ps map[period]bool, strays bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(ps) == 0 {
		return
	}
	u.strays = u.strays || strays
	if u.periods == nil {
		u.periods = map[period]bool{}
	}
	for p := range ps {
		u.periods[p] = true
	}
	u.some.Store(true)
}

func (u *unseen) take() (ps map[period]bool, strays bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	ps, strays = u.periods, u.strays
	u.periods, u.strays = nil, false
	return ps, strays
}

// taken notes that nothing is unseen, unless something was written meanwhile.
func (u *unseen) taken() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.some.Store(len(u.periods) > 0)
}

// settle makes searchable what this process wrote. Searches call it first; it costs nothing when there is nothing.
func (a *Archive) settle(ctx context.Context) error {
	u := &a.unseen
	if !u.some.Load() {
		return nil
	}
	u.settling.Lock()
	defer u.settling.Unlock()
	ps, strays := u.take()
	if len(ps) == 0 {
		return nil
	}
	var names []string
	for p := range ps {
		names = append(names, a.schema.alias(p))
	}
	err := a.refreshIndex(ctx, strings.Join(names, ","))
	if isMissing(err) {
		a.schema.forgetPeriods()
		u.taken()
		return gone("an index that was written to")
	}
	if err != nil {
		u.add(ps, strays)
		return err
	}
	if u.taken(); strays {
		a.strays.forget()
	}
	return nil
}

// refreshIndex makes searchable what was written to indices.
func (a *Archive) refreshIndex(ctx context.Context, names string) error {
	answer, err := a.call(ctx, http.MethodPost, "/"+names+"/_refresh", nil)
	if err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	var found struct {
		Shards shards `json:"_shards"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	return found.Shards.complete(false)
}
