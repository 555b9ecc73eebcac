package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// connectionName is what a client may call a stream. Whoever knows the name may change its queries: it should be hard to guess.
var connectionName = regexp.MustCompile(`^[A-Za-z0-9_.~-]{8,64}$`)

const (
	connectionKey = "stream/connection/"
	// connectionMost bounds what is kept of one connection, in bytes; connectionsMost and connectionsBytes what is kept of all: whoever may
	// read can have something kept.
	connectionMost   = 1 << 20
	connectionsMost  = 10_000
	connectionsBytes = 64 << 20
	// connectionAge is for how long one is kept that is not open.
	connectionAge = 7 * 24 * time.Hour
	// connectionSweep is how often it is looked what is not needed any more.
	connectionSweep = time.Hour
)

// connections are the streams that have a name. Of those whose queries were replaced it is kept what was in force when, so that they resume by it,
// also after a restart.
type connections struct {
	state State
	hub   *live.Hub
	now   func() time.Time

	mu    sync.Mutex // guards what follows; held while a change is kept
	open  map[string]map[*live.Subscription]func()
	sizes map[string]int // bytes of what is kept, by name; nil until it is read
	swept time.Time
}

// connection is what is kept.
type connection struct {
	Epoch string          `json:"epoch"`
	Seen  tweet.Seq       `json:"seen"`         // the journal's end when it was last known to be of use
	At    int64           `json:"at,omitempty"` // and the time, Unix seconds
	Sets  []connectionSet `json:"sets"`         // ascending, the present one last
	// Forgot is up to where sets were forgotten, since the journal does not reach there.
	Forgot tweet.Seq `json:"forgot,omitempty"`
}

type connectionSet struct {
	Until   tweet.Seq         `json:"until,omitempty"`
	Queries []connectionQuery `json:"queries"`
}

type connectionQuery struct {
	Query string `json:"query"` // resolved
	ID    string `json:"id,omitempty"`
	Tag   string `json:"tag,omitempty"`
}

func keptQueries(qs []live.Query) []connectionQuery {
	out := make([]connectionQuery, len(qs))
	for i, q := range qs {
		out[i] = connectionQuery{q.Expr.String(), q.ID, q.Tag}
	}
	return out
}

func (s *connectionSet) queries() ([]live.Query, error) {
	qs := make([]live.Query, len(s.Queries))
	for i, k := range s.Queries {
		q, err := query.Parse(k.Query, time.Time{})
		if err != nil {
			return nil, err
		}
		qs[i] = live.Query{Expr: q.Expr, Until: q.Until, ID: k.ID, Tag: k.Tag}
	}
	return qs, nil
}

// byName subscribes under a name. A stream that resumes has the queries that were kept, each for its part of the journal; a new one begins
// with those of its request, and what was kept is forgotten, unless others of the name are open, who may resume by it: then it joins them.
func (o *opening) byName(name string) func(context.Context, live.Request, *streaming) (*live.Subscription, error) {
	return func(ctx context.Context, r live.Request, st *streaming) (*live.Subscription, error) {
		c := o.s.named
		c.mu.Lock()
		defer c.mu.Unlock()
		kept, err := c.load(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("connection: %w", err)
		}
		forget := kept != nil && r.Resume == nil && len(c.open[name]) == 0
		if kept != nil && !forget {
			if err := c.restore(kept, &r); err != nil {
				return nil, fmt.Errorf("connection: %w", err)
			}
		}
		sub, err := c.hub.Subscribe(ctx, r)
		if err != nil {
			return nil, err
		}
		if forget { // not before there is a stream
			if err := c.forget(ctx, name); err != nil {
				sub.Close()
				return nil, fmt.Errorf("connection: %w", err)
			}
		}
		if c.open[name] == nil {
			c.open[name] = map[*live.Subscription]func(){}
		}
		c.open[name][sub] = st.end
		st.close = append(st.close, func() { c.left(name, sub) })
		return sub, nil
	}
}

func (c *connections) left(name string, sub *live.Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.open[name], sub); len(c.open[name]) == 0 {
		delete(c.open, name)
	}
}

// restore gives a request the queries that were in force, each up to its place.
func (c *connections) restore(k *connection, r *live.Request) error {
	last := len(k.Sets) - 1
	if epoch, _, _ := c.hub.Reach(); k.Epoch == epoch && r.Resume != nil {
		r.Forgot = k.Forgot
		for _, s := range k.Sets[:last] {
			qs, err := s.queries()
			if err != nil {
				return err
			}
			r.Former = append(r.Former, live.Former{Until: s.Until, Queries: qs})
		}
	}
	var err error
	r.Queries, err = k.Sets[last].queries()
	return err
}

// replaceQueries answers PUT /2/tweets/search/live/:connection: other queries for an open stream, or for one that is about to come again.
func (s *Server) replaceQueries(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	name := c.Param("connection")
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, connectionMost))
	if err != nil {
		return err
	}
	var asked struct {
		Queries []struct {
			Query *string `json:"query"`
			Tag   *string `json:"tag"`
		} `json:"queries"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || len(asked.Queries) == 0 {
		return invalid("", "", `The body must be {"queries":[{"query":"…","tag":"…"}]}; tags are for all or none.`)
	}
	var texts, tags []string
	for _, q := range asked.Queries {
		if q.Query == nil || (q.Tag != nil) != (asked.Queries[0].Tag != nil) {
			return invalid("", "", `Each of "queries" needs a "query", and all of them a "tag", or none.`)
		}
		texts = append(texts, *q.Query)
		if q.Tag != nil {
			tags = append(tags, *q.Tag)
		}
	}
	qs, _, err := s.liveQueries(texts, tags, s.now().Truncate(time.Second))
	if err != nil {
		return err
	}
	after, err := s.named.replace(c.Request().Context(), name, qs)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": map[string]any{"connection": name, "epoch": after.Epoch, "since_seq": after.Seq, "queries": keptQueries(qs)}})
}

// replace puts other queries in force and keeps what was in force before.
func (c *connections) replace(ctx context.Context, name string, qs []live.Query) (after live.Place, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, err := c.load(ctx, name)
	if err != nil {
		return after, fmt.Errorf("connection: %w", err)
	}
	subs := slices.Collect(maps.Keys(c.open[name]))
	if kept == nil {
		if len(subs) == 0 {
			return after, problem(http.StatusNotFound, "No stream of that name is open: open it with connection=%s.", clean(name, 64))
		}
		kept = &connection{Sets: []connectionSet{{Queries: queriesOfAll(subs)}}}
	}
	// It is kept before it is in force, so that nothing is that is not kept. Entries that come meanwhile move the place.
	next := *kept
	if after, err = c.keep(ctx, name, &next, qs, 0); err != nil {
		return after, err
	}
	inForce, lagged := c.hub.SetQueries(qs, subs...)
	for _, sub := range lagged {
		c.open[name][sub]() // it comes again, and has what is kept
	}
	if inForce != after {
		next = *kept
		return c.keep(ctx, name, &next, qs, inForce.Seq)
	}
	return after, nil
}

// queriesOfAll are those of all streams of a name, each once: opened anew while another is, one may have others. None misses a tweet when it
// resumes by them.
func queriesOfAll(subs []*live.Subscription) (all []connectionQuery) {
	for _, sub := range subs {
		for _, q := range keptQueries(sub.Queries()) {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all
}

// keep writes down that queries are in force behind a place; 0 is the journal's end. c.mu is held.
func (c *connections) keep(ctx context.Context, name string, k *connection, qs []live.Query, at tweet.Seq) (after live.Place, err error) {
	epoch, first, last := c.hub.Reach()
	if at == 0 {
		at = last
	}
	if k.Epoch != epoch { // the places of another journal mean nothing here
		k.Sets, k.Forgot = k.Sets[len(k.Sets)-1:], 0
	}
	sets := slices.Clone(k.Sets)
	sets[len(sets)-1].Until = at
	for len(sets) > 1 && sets[0].Until < first {
		k.Forgot, sets = sets[0].Until, sets[1:]
	}
	k.Epoch, k.Seen, k.Sets = epoch, last, append(sets, connectionSet{Queries: keptQueries(qs)})
	if err := c.set(ctx, name, k); err != nil {
		return after, fmt.Errorf("keep connection: %w", err)
	}
	after.Epoch, after.Seq = epoch, at
	return after, nil
}
