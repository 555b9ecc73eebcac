package embedded

import (
	"context"
	"database/sql"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// view is one state of the archive to read in.
type view struct {
	*Archive
	tx    *sql.Tx
	now   state
	asked map[string]*sql.Stmt // nil for what was asked once
}

// row asks for one row. What is asked again is prepared; it is closed with the transaction.
func (v *view) row(ctx context.Context, text string, args ...any) (*sql.Row, error) {
	s, again := v.asked[text]
	if !again {
		if v.asked == nil {
			v.asked = map[string]*sql.Stmt{}
		}
		v.asked[text] = nil
		return v.tx.QueryRowContext(ctx, text, args...), nil
	}
	if s == nil {
		var err error
		if s, err = v.tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		v.asked[text] = s
	}
	return s.QueryRowContext(ctx, args...), nil
}

// look runs f over one state of the archive.
func (a *Archive) look(ctx context.Context, what string, f func(*view) error) error {
	tx, err := a.read.BeginTx(ctx, nil)
	if err != nil {
		return fault(what, err)
	}
	v := &view{Archive: a, tx: tx}
	// The first statement fixes the state: what it says of strays is true for all that follow.
	if v.now, err = readState(ctx, tx.StmtContext(ctx, a.state)); err == nil {
		err = f(v)
	}
	// Nothing was written, so how it ends does not matter.
	_ = tx.Rollback()
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil {
		err = ctxErr // the driver may report the interrupted statement instead
	}
	return fault(what, err)
}

// Search gives one page.
func (a *Archive) Search(ctx context.Context, r search.Request) (page search.Page, err error) {
	err = a.look(ctx, "search", func(v *view) error {
		p, err := v.planOf(&r)
		if err != nil {
			return err
		}
		if r.Sort != query.CreatedAt {
			return v.sorted(ctx, &r, p, &page)
		}
		ids := make([]int64, 0, r.Limit)
		err = p.merged(ctx, v, r.Limit+1, false, func(m match) bool {
			if page.More = len(ids) == r.Limit; !page.More {
				ids = append(ids, m.id)
			}
			return !page.More
		})
		if err != nil {
			return err
		}
		page.Hits = make([]search.Hit, 0, len(ids))
		return v.contents(ctx, ids, func(h search.Hit) error {
			page.Hits = append(page.Hits, h)
			return nil
		})
	})
	if err != nil {
		return search.Page{}, err
	}
	return page, nil
}

// checked leaves of found what the Matcher takes.
func (v *view) checked(ctx context.Context, m *query.Matcher, found []match) ([]match, error) {
	ids := make([]int64, len(found))
	for i, f := range found {
		ids[i] = f.id
	}
	t := targets.Get().(*query.Target)
	defer targets.Put(t)
	var taken []match
	i := 0
	err := v.contents(ctx, ids, func(h search.Hit) error {
		p, err := tweet.Decode(h.Payload)
		if err != nil {
			return err
		}
		if t.Set(p); m.Match(t) {
			taken = append(taken, found[i])
		}
		i++
		return nil
	})
	return taken, err
}
