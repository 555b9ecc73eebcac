package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// view is one state of the archive to read in.
type view struct {
	*Archive
	tx     *sql.Tx
	strays bool // see readState
}

// look runs f over one state of the archive.
func (a *Archive) look(ctx context.Context, what string, f func(*view) error) error {
	tx, err := a.read.BeginTx(ctx, nil)
	if err != nil {
		return fault(what, err)
	}
	v := &view{Archive: a, tx: tx}
	// The first statement fixes the state: what it says of strays is true for all that follow.
	if _, v.strays, err = readState(tx.StmtContext(ctx, a.state).QueryRowContext(ctx)); err == nil {
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
		p := planOf(&r, v.strays)
		ids := make([]int64, 0, r.Limit)
		err := p.merged(ctx, v, r.Limit+1, false, func(m match) bool {
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

// bodiesSQL reads documents in the order of a JSON list of ids.
const bodiesSQL = "SELECT d.id, d.first_seq, b.frame FROM json_each(?) j CROSS JOIN docs d ON d.id = j.value CROSS JOIN bodies b ON b.id = d.id"

// contents gives the tweets of ids in their order.
func (v *view) contents(ctx context.Context, ids []int64, each func(search.Hit) error) error {
	if len(ids) == 0 {
		return nil
	}
	list := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, id, 10)
	}
	rows, err := v.tx.StmtContext(ctx, v.bodies).QueryContext(ctx, string(append(list, ']')))
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var h search.Hit
		var frame sql.RawBytes
		if err := rows.Scan(&h.ID, &h.FirstSeq, &frame); err != nil {
			return err
		}
		c, err := tweet.Unpack(frame)
		if err != nil {
			return fmt.Errorf("tweet %d: %w", h.ID, err)
		}
		h.Payload = c.Payload
		if err := each(h); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != len(ids) {
		return fmt.Errorf("the index has %d tweets that the archive lacks", len(ids)-n)
	}
	return nil
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
