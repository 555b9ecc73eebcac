package embedded

import (
	"context"
	"database/sql"
	"math"
	"sort"
	"strings"
	"time"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// from is what a query reads: the matches of the index with their rows, or all rows.
func (p *planned) from() (text string, args []any) {
	if p.fts == "" {
		return "FROM docs d WHERE d.flags & 2 = 0", nil // no tombstones
	}
	return "FROM terms CROSS JOIN docs d ON d.id = terms.rowid WHERE terms MATCH ?", []any{p.fts}
}

// key is the column that a query walks in order of.
func (p *planned) key() string {
	if p.fts == "" {
		return "d.id"
	}
	return "terms.rowid"
}

// where is from with all conditions.
func (p *planned) where() (string, []any) {
	text, args := p.from()
	text += " AND " + p.key() + " BETWEEN ? AND ?"
	args = append(args, p.lo, p.hi)
	if p.rest != "" {
		text += " AND (" + p.rest + ")"
		args = append(args, p.restArgs...)
	}
	return text, args
}

func (p *planned) idsSQL() string {
	text, _ := p.where()
	return "SELECT " + p.key() + " " + text + " LIMIT ?"
}

func (p *planned) idsArgs(limit int) []any {
	_, args := p.where()
	return append(args, limit)
}

// of makes the plan of a request: the query with the request's bounds.
func planOf(r *search.Request) *planned {
	es := []query.Expr{r.Query}
	if !r.Start.IsZero() {
		es = append(es, query.Since(r.Start))
	}
	if !r.End.IsZero() {
		es = append(es, query.Until(r.End))
	}
	p := plan(query.And(es...))
	if r.AfterID > 0 {
		p.lo = max(p.lo, int64(min(r.AfterID, math.MaxInt64-1))+1)
	}
	if r.BeforeID > 0 {
		p.hi = min(p.hi, int64(r.BeforeID)-1)
	}
	var conditions []string
	if p.rest != "" {
		conditions = append(conditions, "("+p.rest+")")
	}
	if r.AfterSeq != nil {
		conditions = append(conditions, "d.first_seq > ?")
		p.restArgs = append(p.restArgs[:len(p.restArgs):len(p.restArgs)], int64(*r.AfterSeq))
	}
	if r.UntilSeq != nil {
		conditions = append(conditions, "d.first_seq <= ?")
		p.restArgs = append(p.restArgs[:len(p.restArgs):len(p.restArgs)], int64(*r.UntilSeq))
	}
	p.rest = strings.Join(conditions, " AND ")
	return p
}

// Search gives one page.
func (a *Archive) Search(ctx context.Context, r search.Request) (search.Page, error) {
	p := planOf(&r)
	tx, err := a.read.BeginTx(ctx, nil) // one state of the archive for ids and bodies
	if err != nil {
		return search.Page{}, fault("search", err)
	}
	defer tx.Rollback()
	var page search.Page
	for len(page.Hits) <= r.Limit {
		hits, done, err := p.some(ctx, tx, r.Ascending, r.Limit+1-len(page.Hits))
		if err != nil {
			return search.Page{}, fault("search", err)
		}
		page.Hits = append(page.Hits, hits...)
		if done {
			break
		}
	}
	if len(page.Hits) > r.Limit {
		page.Hits, page.More = page.Hits[:r.Limit], true
	}
	return page, nil
}

// some gives up to n hits and moves the plan's bounds behind what it looked at; done says that there are no more.
func (p *planned) some(ctx context.Context, tx *sql.Tx, ascending bool, n int) (hits []search.Hit, done bool, err error) {
	if p.matcher != nil {
		n = max(n, 50) // candidates, of which some fall away
	}
	order := " DESC"
	if ascending {
		order = ""
	}
	text, args := p.where()
	rows, err := tx.QueryContext(ctx, "SELECT "+p.key()+" "+text+" ORDER BY "+p.key()+order+" LIMIT ?", append(args, n)...)
	if err != nil {
		return nil, false, err
	}
	ids, err := scanIDs(rows)
	if err != nil {
		return nil, false, err
	}
	if len(ids) > 0 {
		if last := int64(ids[len(ids)-1]); ascending {
			p.lo = last + 1
		} else {
			p.hi = last - 1
		}
	}
	hits, err = p.hits(ctx, tx, ids)
	return hits, len(ids) < n, err
}

// hits reads the documents of ids and leaves out what the Matcher refuses.
func (p *planned) hits(ctx context.Context, tx *sql.Tx, ids []tweet.ID) ([]search.Hit, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	body, err := tx.PrepareContext(ctx, "SELECT d.first_seq, b.frame FROM docs d JOIN bodies b ON b.id = d.id WHERE d.id = ?")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	hits := make([]search.Hit, 0, len(ids))
	for _, id := range ids {
		h := search.Hit{ID: id}
		var frame sql.RawBytes
		rows, err := body.QueryContext(ctx, int64(id))
		if err != nil {
			return nil, err
		}
		if !rows.Next() {
			rows.Close()
			if err := rows.Err(); err != nil {
				return nil, err
			}
			continue
		}
		err = rows.Scan(&h.FirstSeq, &frame)
		var c *tweet.Content
		if err == nil {
			c, err = tweet.Unpack(frame)
		}
		rows.Close()
		if err != nil {
			return nil, err
		}
		h.Payload = c.Payload
		ok, err := p.decides(h.Payload)
		if err != nil {
			return nil, err
		}
		if ok {
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// decides asks the Matcher, where it has to be asked.
func (p *planned) decides(payload []byte) (bool, error) {
	if p.matcher == nil {
		return true, nil
	}
	decoded, err := tweet.Decode(payload)
	if err != nil {
		return false, err
	}
	t := targets.Get().(*query.Target)
	defer targets.Put(t)
	t.Set(decoded)
	return p.matcher.Match(t), nil
}

func scanIDs(rows *sql.Rows) ([]tweet.ID, error) {
	defer rows.Close()
	var ids []tweet.ID
	for rows.Next() {
		var id tweet.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Count gives the exact number of matches in each bucket.
func (a *Archive) Count(ctx context.Context, r search.Request, buckets []time.Time) ([]int64, error) {
	counts := make([]int64, max(0, len(buckets)-1))
	if len(counts) == 0 {
		return counts, nil
	}
	edges := make([]int64, len(buckets))
	for i, t := range buckets {
		edges[i] = t.UnixMilli()
	}
	r.Query = query.And(r.Query, query.Since(buckets[0]), query.Until(buckets[len(buckets)-1]))
	p := planOf(&r)
	text, args := p.where()
	columns := "d.created_at, NULL "
	if p.matcher != nil {
		columns = "d.created_at, (SELECT frame FROM bodies b WHERE b.id = d.id) "
	}
	rows, err := a.read.QueryContext(ctx, "SELECT "+columns+text, args...)
	if err != nil {
		return nil, fault("count", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at int64
		var frame sql.RawBytes
		if err := rows.Scan(&at, &frame); err != nil {
			return nil, fault("count", err)
		}
		if p.matcher != nil {
			c, err := tweet.Unpack(frame)
			if err != nil {
				return nil, fault("count", err)
			}
			if ok, err := p.decides(c.Payload); err != nil {
				return nil, fault("count", err)
			} else if !ok {
				continue
			}
		}
		if i := sort.Search(len(edges), func(i int) bool { return edges[i] > at }) - 1; i >= 0 && i < len(counts) {
			counts[i]++
		}
	}
	return counts, fault("count", rows.Err())
}
