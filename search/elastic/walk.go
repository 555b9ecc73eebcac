package elastic

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-json"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// found is a tweet that a search found.
type found struct {
	search.Hit
	created int64 // created_at, where the Matcher looked at it
}

// answer is what a search gives.
type answer struct {
	TimedOut bool   `json:"timed_out"`
	Shards   shards `json:"_shards"`
	Hits     struct {
		Total struct {
			Value    int64  `json:"value"`
			Relation string `json:"relation"`
		} `json:"total"`
		Hits []struct {
			Source source  `json:"_source"`
			Sort   []int64 `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations json.RawMessage `json:"aggregations"`
}

// manyNames is how many indices a request names; more are asked under the name of all. The line of a request is bounded.
const manyNames = 64

// ask sends a search to the indices of periods. A part of an answer is none.
func (a *Archive) ask(ctx context.Context, ps []period, body string) (*answer, error) {
	names := a.schema.all()
	if len(ps) <= manyNames {
		each := make([]string, len(ps))
		for i, p := range ps {
			each[i] = a.schema.alias(p)
		}
		names = strings.Join(each, ",")
	}
	b, err := a.call(ctx, http.MethodPost, "/"+names+"/_search?allow_partial_search_results=false", []byte(body))
	if isMissing(err) {
		a.schema.forgetPeriods() // purged meanwhile: what was asked for is elsewhere, or nowhere
		return nil, fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	if err != nil {
		return nil, tooMuch(err)
	}
	var found answer
	if err := json.Unmarshal(b, &found); err != nil {
		return nil, fmt.Errorf("answer of Elasticsearch: %w", err)
	}
	return &found, found.Shards.complete(found.TimedOut)
}

// tooMuch says of a query that the server's settings forbid that it is too large for them.
func tooMuch(err error) error {
	e := asServerError(err)
	if e != nil && (e.has("too_many_clauses") || e.has("too_many_nested_clauses") || e.has("too_many_buckets_exception")) {
		return fmt.Errorf("%w: %w", search.ErrTooComplex, err)
	}
	return err
}

// within gives those of the periods that hold ids of the interval.
func within(ps []period, ids interval) []period {
	var some []period
	for _, p := range ps {
		first, last := p.bounds()
		if int64(last) >= ids.lo && int64(first) <= ids.hi {
			some = append(some, p)
		}
	}
	return some
}

// The least number of tweets that are fetched to be checked, and the most that are fetched at once.
const (
	leastCheck = 50
	mostFetch  = 1000
)

// walk goes through matches in the order of their ids. It asks the newest index first, or the oldest, and more at a time the longer nothing
// fills the page.
type walk struct {
	a         *Archive
	clause    clause // exact
	ids       interval
	matcher   *query.Matcher // nil, or what decides
	ascending bool
	left      []period // not asked yet
	asked     []period // those that the next request is for
	want      int      // how many are fetched next
	peek      int      // how many are to be counted, to know of others than are fetched; 0 for none
	others    bool     // there are others than the last request fetched
	stretch   stretch
}

// walk begins a walk through periods, which ascend.
func (a *Archive) walk(p *plan, c clause, ps []period, ascending bool, want int) *walk {
	w := &walk{a: a, clause: c, ids: p.ids, ascending: ascending, left: slices.Clone(ps), want: min(want, mostFetch)}
	if !ascending {
		slices.Reverse(w.left)
	}
	if !p.clause.exact() {
		w.matcher = p.matcher
		w.want = min(max(want, leastCheck), mostFetch)
	}
	return w
}

// page begins the walk for a page of so many tweets. Where the server decides, no more are fetched, and nil after the last says that there
// is another.
func (a *Archive) page(p *plan, ps []period, ascending bool, limit int) *walk {
	want, peek := limit+1, 0
	if p.clause.exact() && limit <= mostFetch {
		want, peek = limit, limit+1
	}
	w := a.walk(p, p.clause.most(), ps, ascending, want)
	w.peek = peek
	return w
}

// each gives the matches until f says no.
func (w *walk) each(ctx context.Context, f func(*found) bool) error {
	for group := 1; len(w.left) > 0; group *= 2 {
		n := min(group, len(w.left))
		w.asked, w.left, w.stretch = w.left[:n], w.left[n:], stretch{}
		for more := true; more; {
			var hits []found
			var err error
			if hits, more, err = w.next(ctx); err != nil {
				return err
			}
			for i := range hits {
				if h := &hits[i]; h.Payload != nil && !f(h) {
					return nil
				}
			}
			if w.others && !f(nil) {
				return nil
			}
			if w.matcher != nil {
				w.want = min(2*w.want, mostFetch)
			}
		}
	}
	return nil
}

// next fetches the next matches of the indices in question; more says that there may be others in them. Those that the Matcher does not take
// come without a payload.
func (w *walk) next(ctx context.Context) (hits []found, more bool, err error) {
	ids, order, count := w.ids, "desc", "false"
	if w.peek > 0 {
		count = number(w.peek)
	}
	w.others = false
	if w.ascending {
		order = "asc"
		ids, more = w.stretch.of(ids, w.asked, w.want)
	}
	if where := w.clause.where(ids); where != "" {
		got, err := w.a.ask(ctx, w.asked, `{"size":`+number(w.want)+`,"track_total_hits":`+count+`,"sort":[{"id":"`+order+`"}],"_source":`+hitFields+`,"query":`+where+`}`)
		if err != nil {
			return nil, false, err
		}
		if hits, err = got.found(w.matcher); err != nil {
			return nil, false, err
		}
		w.others = got.Hits.Total.Value > int64(len(hits))
	}
	switch full := len(hits) == w.want; {
	case full && w.ascending:
		w.ids.lo, more = int64(hits[len(hits)-1].ID)+1, hits[len(hits)-1].ID < math.MaxInt64
	case full:
		w.ids.hi, more = int64(hits[len(hits)-1].ID)-1, true
	case more:
		w.ids.lo = ids.hi + 1
		w.stretch.widen()
	}
	return hits, more, nil
}

// stretch keeps requests in ascending order small. An index lies in the other order: the server looks at every match to find the least ids, so
// it is asked for those of a part of the ids, and of a larger part where there were few.
type stretch struct{ size int64 }

// worthStretch is from how many tweets on a request is worth one or two others.
const worthStretch = 100

// of gives the part of ids to ask the periods for; more says that it is not all.
func (s *stretch) of(ids interval, ps []period, want int) (part interval, more bool) {
	first, _ := ps[0].bounds()
	_, last := ps[len(ps)-1].bounds()
	ids.lo = max(ids.lo, int64(first))
	end := min(ids.hi, int64(last))
	if want < worthStretch || end <= ids.lo {
		return ids, false
	}
	if s.size == 0 {
		s.size = (end-ids.lo)/256 + 1
	}
	if s.size > end-ids.lo {
		return ids, false
	}
	return interval{ids.lo, ids.lo + s.size - 1}, true
}

func (s *stretch) widen() { s.size = min(s.size, math.MaxInt64>>4) << 4 }

// hitFields are what a hit is made of.
const hitFields = `["id","first_seq","frame"]`

// found unpacks the hits and lets the Matcher, if there is one, look at them: those that it does not take have no payload.
func (g *answer) found(m *query.Matcher) ([]found, error) {
	hits := make([]found, len(g.Hits.Hits))
	var t *query.Target
	if m != nil {
		t = targets.Get().(*query.Target)
		defer targets.Put(t)
	}
	for i := range hits {
		src, h := &g.Hits.Hits[i].Source, &hits[i]
		if src.ID <= 0 {
			return nil, fmt.Errorf("a hit of Elasticsearch has no id")
		}
		c, err := tweet.Unpack(src.Frame)
		if err != nil {
			return nil, fmt.Errorf("tweet %d: %w", src.ID, err)
		}
		h.Hit = search.Hit{ID: src.ID, FirstSeq: src.FirstSeq, Payload: c.Payload}
		if m == nil {
			continue
		}
		p, err := tweet.Decode(c.Payload)
		if err != nil {
			return nil, fmt.Errorf("tweet %d: %w", src.ID, err)
		}
		if t.Set(p); !m.Match(t) {
			h.Payload = nil
		}
		h.created = t.Figures[query.CreatedAt]
	}
	return hits, nil
}
