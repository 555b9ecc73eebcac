package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"birdwatch/live"
	"birdwatch/query"
)

// State keeps small values that all of the server shares. cmd fills it.
type State interface {
	// State gives a value; nil when there is none.
	State(ctx context.Context, key string) ([]byte, error)
	// SetState keeps a value, and forgets it where it is nil; it is on disk when this returns.
	SetState(ctx context.Context, key string, value []byte) error
	// States gives the keys that begin so.
	States(ctx context.Context, prefix string) ([]string, error)
}

// rulesKey is where the rules are kept.
const rulesKey = "stream/rules"

// rule is a rule of the filtered stream.
type rule struct {
	ID    string `json:"id"`
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
	// Resolved is the query with its relative times as they were when it was added.
	Resolved string `json:"resolved"`

	query live.Query
}

// rules are the rules, and the streams that they are for.
type rules struct {
	state State
	hub   *live.Hub
	most  int

	mu      sync.Mutex // guards what follows; held while rules are kept, so that changes come one after another
	loaded  bool
	all     []*rule // by id
	lastID  int64
	streams map[*live.Subscription]func() // and what ends each
}

// locked calls f with the rules at hand, and nobody else at them.
func (r *rules) locked(ctx context.Context, f func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.loaded {
		if err := r.load(ctx); err != nil {
			return fmt.Errorf("read rules: %w", err)
		}
		r.loaded = true
	}
	return f()
}

// load: r.mu is held.
func (r *rules) load(ctx context.Context) error {
	b, err := r.state.State(ctx, rulesKey)
	if err != nil || b == nil {
		return err
	}
	var all []*rule
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for _, u := range all {
		if err := u.parse(u.Resolved, time.Time{}); err != nil {
			return fmt.Errorf("rule %s: %w", u.ID, err)
		}
		n, err := strconv.ParseInt(u.ID, 10, 64)
		if err != nil {
			return fmt.Errorf("rule %s: %w", u.ID, err)
		}
		r.lastID = max(r.lastID, n)
	}
	r.all = all
	return nil
}

// parse makes the rule's query of a text.
func (u *rule) parse(text string, now time.Time) error {
	q, err := query.Parse(text, now)
	if err != nil {
		return err
	}
	u.Resolved = q.Expr.String()
	u.query = live.Query{Expr: q.Expr, Until: q.Until, ID: u.ID, Tag: u.Tag}
	return nil
}

// keep makes other rules those in force: on disk first, then in the open streams. r.mu is held.
func (r *rules) keep(ctx context.Context, all []*rule) error {
	b, err := encodeJSON(all)
	if err != nil {
		return err
	}
	if err := r.state.SetState(ctx, rulesKey, b); err != nil {
		return fmt.Errorf("keep rules: %w", err)
	}
	r.all = all
	_, lagged := r.hub.SetQueries(r.queries(), slices.Collect(maps.Keys(r.streams))...)
	for _, sub := range lagged {
		r.streams[sub]() // it has to come again
	}
	return nil
}

// queries: r.mu is held.
func (r *rules) queries() []live.Query {
	qs := make([]live.Query, len(r.all))
	for i, u := range r.all {
		qs[i] = u.query
	}
	return qs
}

// nextID gives an id that no rule had, and that grows. r.mu is held.
func (r *rules) nextID(now time.Time) string {
	r.lastID = max(r.lastID+1, now.UnixMilli()<<20)
	return strconv.FormatInt(r.lastID, 10)
}

// find looks a rule up by its value. r.mu is held.
func (r *rules) find(value string) *rule {
	i := slices.IndexFunc(r.all, func(u *rule) bool { return u.Value == value })
	if i < 0 {
		return nil
	}
	return r.all[i]
}

// newRule is a rule that a client asks for; an error says what is wrong with it.
func newRule(value, tag string, now time.Time) (*rule, error) {
	u := &rule{Value: strings.TrimSpace(value), Tag: tag}
	if u.Value == "" {
		return nil, &query.SyntaxError{Message: "a rule must not be empty"}
	}
	return u, u.parse(u.Value, now)
}
