package elastic

import (
	"context"
	"encoding/json"
	"math"
	"strconv"

	"birdwatch/query"
	"birdwatch/search"
)

// Search gives one page.
func (a *Archive) Search(ctx context.Context, r search.Request) (search.Page, error) {
	page, err := a.search(ctx, &r)
	if err != nil {
		return search.Page{}, fault("search", err)
	}
	return page, nil
}

func (a *Archive) search(ctx context.Context, r *search.Request) (page search.Page, err error) {
	page.Hits = make([]search.Hit, 0, r.Limit)
	p, ps, err := a.begin(ctx, r)
	if err != nil || len(ps) == 0 {
		return page, err
	}
	take := func(h *found) bool { // one more than the page holds says that there are others
		if page.More = len(page.Hits) == r.Limit; !page.More && h != nil {
			page.Hits = append(page.Hits, h.Hit)
		}
		return !page.More
	}
	if r.Sort == query.CreatedAt {
		err = a.page(p, ps, r.Ascending, r.Limit).each(ctx, take)
	} else {
		err = a.ranked(ctx, p, ps, r, take)
	}
	return page, err
}

// Explanation is what a query means to Elasticsearch.
type Explanation struct {
	// Query is what is asked for. It finds every match; where Checked is set it may find others, and each is looked at.
	Query   json.RawMessage `json:"query"`
	Checked bool            `json:"checked"`
	// Sure is, of what is looked at, the part that a count takes as it is.
	Sure json.RawMessage `json:"sure,omitempty"`
}

// Explain gives the Explanation of an expression; it is encoded as JSON.
func (a *Archive) Explain(e query.Expr) any {
	c := compile(e)
	asked := func(c clause) json.RawMessage {
		if where := c.where(interval{1, math.MaxInt64}); where != "" {
			return json.RawMessage(where)
		}
		return json.RawMessage(`{"match_none":{}}`)
	}
	x := Explanation{Query: asked(c.most()), Checked: !c.exact()}
	if sure := c.sure(); x.Checked && sure.kind != clauseNone {
		x.Sure = asked(sure)
	}
	return x
}

// begin makes the plan of a request, and gives the periods that there are to ask, ascending.
func (a *Archive) begin(ctx context.Context, r *search.Request) (*plan, []period, error) {
	if err := a.settle(ctx); err != nil {
		return nil, nil, err
	}
	ps, err := a.periods(ctx)
	if err != nil || len(ps) == 0 {
		return nil, nil, err
	}
	p, err := a.plan(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	return p, within(ps, p.ids), nil
}

// ranked goes through matches in the order of a figure.
func (a *Archive) ranked(ctx context.Context, p *plan, ps []period, r *search.Request, f func(*found) bool) error {
	where := p.clause.most().where(p.ids)
	if where == "" {
		return nil
	}
	field, after, want := figureNames[r.Sort], r.After, min(r.Limit+1, mostFetch)
	if p.matcher != nil {
		want = min(max(want, leastCheck), mostFetch)
	}
	for {
		body := `{"size":` + number(want) + `,"track_total_hits":false,"sort":[{"` + field + `":"desc"},{"id":"desc"}],"_source":` + hitFields
		if after != nil {
			body += `,"search_after":[` + strconv.FormatInt(after.Value, 10) + `,` + after.ID.String() + `]`
		}
		got, err := a.ask(ctx, ps, body+`,"query":`+where+`}`)
		if err != nil {
			return err
		}
		hits, err := got.found(p.matcher)
		if err != nil {
			return err
		}
		for i := range hits {
			h := &hits[i]
			h.Value = got.Hits.Hits[i].Sort[0]
			after = &search.Place{Value: h.Value, ID: h.ID}
			if h.Payload != nil && !f(h) {
				return nil
			}
		}
		if len(hits) < want {
			return nil
		}
		want = min(2*want, mostFetch)
	}
}
