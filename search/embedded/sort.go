package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// ranked is a match with the figure that is sorted by, in match.at.
type ranked = match

// mostRanked is how many candidates that have to be checked are read at once: each time all that match are sorted again.
const mostRanked = 65_536

// sorted gives a page in the order of a figure. SQLite looks at all matches of each part and keeps no more than a page of them.
func (v *view) sorted(ctx context.Context, r *search.Request, p *plan, page *search.Page) error {
	if r.Sort >= query.NumFigures {
		return fmt.Errorf("no figure %d to sort by", r.Sort)
	}
	var all []ranked
	for i := range p.parts {
		top, err := v.topOf(ctx, r, p, &p.parts[i])
		if err != nil {
			return err
		}
		all = append(all, top...)
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) })
	all = slices.Compact(all)
	if page.More = len(all) > r.Limit; page.More {
		all = all[:r.Limit]
	}
	ids := make([]int64, len(all))
	for i, m := range all {
		ids[i] = m.id
	}
	page.Hits = make([]search.Hit, 0, len(all))
	return v.contents(ctx, ids, func(h search.Hit) error {
		h.Value = all[len(page.Hits)].at
		page.Hits = append(page.Hits, h)
		return nil
	})
}

// topOf gives the first matches of a part, one more than the page has.
func (v *view) topOf(ctx context.Context, r *search.Request, p *plan, x *part) ([]ranked, error) {
	want := r.Limit + 1
	if !x.check {
		return v.rank(ctx, r.Sort, p, x, r.After, want)
	}
	var top []ranked
	after := r.After
	for n := max(want, leastRead); ; n = min(n*4, mostRanked) {
		candidates, err := v.rank(ctx, r.Sort, p, x, after, n)
		if err != nil {
			return nil, err
		}
		taken, err := v.checked(ctx, p.matcher, candidates)
		if err != nil {
			return nil, err
		}
		if top = append(top, taken...); len(top) >= want || len(candidates) < n {
			return top[:min(len(top), want)], nil
		}
		last := candidates[len(candidates)-1]
		after = &search.Place{Value: last.at, ID: tweet.ID(last.id)}
	}
}

// rank reads the first n of a part behind a place.
func (v *view) rank(ctx context.Context, by query.Figure, p *plan, x *part, after *search.Place, n int) ([]ranked, error) {
	text, key, args := p.from(x, true)
	value := valueOf(by, key)
	if after != nil {
		text += " AND (" + value + ", " + key + ") < (?, ?)"
		args = append(args, after.Value, int64(after.ID))
	}
	// As one row, for the same reason as in walk.more.
	text = "SELECT group_concat(id), group_concat(value) FROM (SELECT " + key + " AS id, " + value + " AS value " + text + " ORDER BY value DESC, id DESC LIMIT ?)"
	var ids, values sql.NullString
	if err := v.tx.QueryRowContext(ctx, text, append(args, n)...).Scan(&ids, &values); err != nil {
		return nil, err
	}
	return matches(ids.String, values.String, true)
}

// valueOf is a figure in SQL. key is the column of ids.
func valueOf(f query.Figure, key string) string {
	switch {
	case f == query.TweetID:
		return key
	case f == query.Sample:
		return sampleOf(key)
	case isPlace(f):
		return "ifnull(d." + figureColumns[f] + ", " + strconv.Itoa(query.NoPlace) + ")"
	}
	return "d." + figureColumns[f]
}
