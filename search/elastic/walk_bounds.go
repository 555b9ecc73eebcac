package elastic

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/query"
	"birdwatch/search"
)

// plan is a request as the server is asked it.
type plan struct {
	clause  clause   // the query with all bounds of the request
	ids     interval // the ids of all matches, those of strays too only where narrowed did not say so
	matcher *query.Matcher
}

// planOf makes the plan of a request. shown is of what may be seen, or nil.
func planOf(r *search.Request, shown *clause) *plan {
	e := r.Expr()
	p := &plan{clause: compile(e)}
	if !p.clause.exact() {
		p.matcher = query.NewMatcher(e)
	}
	b, seqs := builder{}, whole
	if shown != nil && !r.Hidden {
		p.clause = b.And([]clause{p.clause, *shown})
	}
	if r.AfterSeq != nil {
		seqs.lo = int64(*r.AfterSeq) + 1
	}
	if r.UntilSeq != nil {
		seqs.hi = int64(*r.UntilSeq)
	}
	switch {
	case seqs.empty() || r.AfterSeq != nil && *r.AfterSeq == math.MaxInt64:
		p.clause = none
	case seqs != whole:
		p.clause = b.And([]clause{p.clause, {kind: clauseLeaf, json: rangeJSON("first_seq", seqs), dead: true}})
	}
	p.ids = p.clause.required(query.TweetID).and(interval{1, math.MaxInt64})
	return p
}

// narrowed bounds the ids by the time that matches have, so that most indices need not be asked. strays says that there are tweets of which
// the id tells nothing of their time; then they are looked for everywhere.
func (p *plan) narrowed(strays bool) {
	at := p.clause.required(query.CreatedAt)
	if at == whole {
		return
	}
	least, most := search.IDsAround(at.lo, at.hi)
	around := interval{least, most}
	if strays {
		p.clause = builder{}.And([]clause{p.clause, builder{}.Or([]clause{ranged(query.TweetID, around), builder{}.Term(search.StrayTerm)})})
		return
	}
	p.ids = p.ids.and(around)
}

// plan makes the plan of a request as things stand.
func (a *Archive) plan(ctx context.Context, r *search.Request) (*plan, error) {
	p := planOf(r, &a.shown)
	if p.clause.required(query.CreatedAt) == whole {
		return p, nil
	}
	some, err := a.strays.some(ctx, a)
	if err != nil {
		return nil, err
	}
	p.narrowed(some)
	return p, nil
}

// strays is what is known of tweets whose id and created_at disagree. There hardly ever are any.
type strays struct {
	mu    sync.Mutex // guards what follows
	found bool       // once there are some, it is taken that there will be
	none  time.Time  // when there were none
}

// some reports whether there are strays. Those that another process wrote may go unnoticed for as long as an index of its may.
func (s *strays) some(ctx context.Context, a *Archive) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := a.now()
	if age := now.Sub(s.none); s.found || age >= 0 && age < periodsFor {
		return s.found, nil
	}
	body, err := a.call(ctx, http.MethodPost, "/"+a.schema.all()+"/_search?allow_partial_search_results=false&filter_path=hits.total.value",
		[]byte(`{"size":0,"track_total_hits":1,"query":{"term":{"terms":`+quoted(search.StrayTerm)+`}}}`))
	if err != nil && !isMissing(err) {
		return false, err
	}
	s.found, s.none = err == nil && gjson.GetBytes(body, "hits.total.value").Int() > 0, now
	return s.found, nil
}

// forget makes the next who needs to know ask anew.
func (s *strays) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.none = time.Time{}
}
