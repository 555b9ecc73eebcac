package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// plan is a request as walks over the archive.
type plan struct {
	parts     []part
	strays    []part // those of parts that are for strays, whose id tells nothing of their time
	ascending bool
	afterSeq  *tweet.Seq
	untilSeq  *tweet.Seq
	matcher   *query.Matcher // nil unless a part has to be checked
}

// planOf makes the plan of a request. strays says that the archive has tweets whose id and created_at disagree.
func planOf(r *search.Request, strays bool) *plan {
	e := r.Expr()
	p := &plan{ascending: r.Ascending, afterSeq: r.AfterSeq, untilSeq: r.UntilSeq}
	for _, x := range partsOf(e) {
		if strays {
			p.strays = append(p.strays, x.astray()...)
		}
		p.parts = append(p.parts, x.narrowed(strays)...)
		if x.check && p.matcher == nil {
			p.matcher = query.NewMatcher(e)
		}
	}
	p.parts = append(p.parts, p.strays...)
	return p
}

// leaveOut keeps out of all parts what an expression finds.
func (p *plan) leaveOut(fts string) {
	for _, parts := range [...][]part{p.parts, p.strays} {
		for i := range parts {
			parts[i].without = append(slices.Clone(parts[i].without), fts)
		}
	}
}

// narrowed bounds the part's ids by its time. Then it has no strays.
func (p part) narrowed(strays bool) []part {
	if p.ranges[query.CreatedAt] == whole {
		return []part{p}
	}
	if strays {
		p.without = append(slices.Clone(p.without), quoted(search.StrayTerm))
	}
	at, ids := p.ranges[query.CreatedAt], &p.ranges[query.TweetID]
	least, most := search.IDsAround(at.lo, at.hi)
	ids.lo, ids.hi = max(ids.lo, least), min(ids.hi, most)
	return p.possible()
}

// astray is what of the part narrowed leaves out.
func (p part) astray() []part {
	if p.ranges[query.CreatedAt] == whole {
		return nil
	}
	p.with = append(slices.Clone(p.with), quoted(search.StrayTerm))
	return []part{p}
}

// figureColumns name the columns of the figures in docs.
var figureColumns = [query.NumFigures]string{
	query.CreatedAt: "created_at", query.TweetID: "id", query.Followers: "followers", query.Following: "following", query.Tweets: "tweets",
	query.Listed: "listed", query.Likes: "likes", query.Reposts: "reposts", query.Replies: "replies", query.Quotes: "quotes",
	query.Longitude: "longitude", query.Latitude: "latitude", query.Relevancy: "relevancy",
}

// sampleOf is query.SampleOf of a column of ids.
func sampleOf(id string) string {
	y := "(((" + id + " & 2097151) * 7368787 + (" + id + " >> 21 & 2097151) * 1915587277 + (" + id + " >> 42) * 1267000013) % 2147483647)"
	return y + " * " + y + " % 1999999973 % 100"
}

// from is the FROM and WHERE of a part: the index alone where that is enough. key is the column of ids.
func (p *plan) from(x *part, needRow bool) (text, key string, args []any) {
	var conditions []string
	condition := func(c string, as ...any) { conditions, args = append(conditions, c), append(args, as...) }
	fts := x.fts()
	if fts != "" {
		condition("terms MATCH ?", fts)
	}
	key = "terms.rowid"
	if fts == "" {
		key = "d.id"
		condition("d.flags & " + strconv.Itoa(search.FlagTombstone) + " = 0")
	}
	for f, r := range x.ranges {
		switch {
		case r == whole:
		case query.Figure(f) == query.TweetID:
			condition(key+" BETWEEN ? AND ?", r.lo, r.hi)
		case query.Figure(f) == query.Sample:
			condition(sampleOf(key)+" BETWEEN ? AND ?", r.lo, r.hi)
		case isPlace(query.Figure(f)):
			needRow = true
			condition("ifnull(d."+figureColumns[f]+", "+strconv.Itoa(query.NoPlace)+") BETWEEN ? AND ?", r.lo, r.hi)
		default:
			needRow = true
			condition("d."+figureColumns[f]+" BETWEEN ? AND ?", r.lo, r.hi)
		}
	}
	if p.afterSeq != nil {
		needRow = true
		condition("d.first_seq > ?", int64(*p.afterSeq))
	}
	if p.untilSeq != nil {
		needRow = true
		condition("d.first_seq <= ?", int64(*p.untilSeq))
	}
	switch {
	case fts == "":
		text = "FROM docs d"
	case needRow:
		text = "FROM terms CROSS JOIN docs d ON d.id = terms.rowid"
	default:
		text = "FROM terms"
	}
	return text + " WHERE " + strings.Join(conditions, " AND "), key, args
}

func isPlace(f query.Figure) bool {
	return f == query.Longitude || f == query.Latitude
}

// match is a tweet that a walk found.
type match struct {
	id int64
	at int64 // created_at, where it was asked for
}

// The least and the most matches that a walk reads at once.
const (
	leastRead = 50
	mostRead  = 16_384
	// mostReadOfPrefix is the same where each question is dear, for all parts together.
	mostReadOfPrefix = 1 << 19
)

// walk goes through the matches of one part in order of id, a stretch at a time.
type walk struct {
	plan   *plan
	part   part
	withAt bool
	n      int // how many to read next
	found  []match
	ended  bool
}

// peek is the next match; ok is false at the end.
func (w *walk) peek(ctx context.Context, v *view) (m match, ok bool, err error) {
	for len(w.found) == 0 && !w.ended {
		if err := w.more(ctx, v); err != nil {
			return match{}, false, err
		}
	}
	if len(w.found) == 0 {
		return match{}, false, nil
	}
	return w.found[0], true, nil
}

// more reads the next stretch. All of it comes as one row, so that the context can end SQLite's work at any time: between
// rows the driver does not listen.
func (w *walk) more(ctx context.Context, v *view) error {
	n := w.n
	if w.part.check {
		n = max(n, leastRead)
	}
	w.n = max(n, min(max(n, leastRead)*2, mostRead))
	text, key, args := w.plan.from(&w.part, w.withAt)
	order, columns, list := " DESC", key+" AS id", "group_concat(id)"
	if w.plan.ascending {
		order = ""
	}
	if w.withAt {
		columns, list = columns+", d.created_at AS at", list+", group_concat(at)"
	} else {
		list += ", ''"
	}
	var ids, ats sql.NullString
	text = "SELECT " + list + " FROM (SELECT " + columns + " " + text + " ORDER BY " + key + order + " LIMIT ?)"
	row, err := v.row(ctx, text, append(args, n)...)
	if err != nil {
		return err
	}
	if err := row.Scan(&ids, &ats); err != nil {
		return err
	}
	if w.found, err = matches(ids.String, ats.String, w.withAt); err != nil {
		return err
	}
	w.ended = len(w.found) < n
	if len(w.found) == 0 {
		return nil
	}
	bounds := &w.part.ranges[query.TweetID]
	if last := w.found[len(w.found)-1].id; w.plan.ascending {
		w.ended = w.ended || last == math.MaxInt64
		bounds.lo = last + 1
	} else {
		bounds.hi = last - 1
	}
	w.ended = w.ended || bounds.lo > bounds.hi
	if w.part.check {
		w.found, err = v.checked(ctx, w.plan.matcher, w.found)
	}
	return err
}

// matches reads lists of numbers with commas between them.
func matches(ids, ats string, withAt bool) ([]match, error) {
	if ids == "" {
		return nil, nil
	}
	found := make([]match, 0, strings.Count(ids, ",")+1)
	for more := true; more; {
		var m match
		var id, at string
		var err error
		id, ids, more = strings.Cut(ids, ",")
		if m.id, err = strconv.ParseInt(id, 10, 64); err != nil {
			return nil, fmt.Errorf("id of a match: %w", err)
		}
		if withAt {
			at, ats, _ = strings.Cut(ats, ",")
			if m.at, err = strconv.ParseInt(at, 10, 64); err != nil {
				return nil, fmt.Errorf("created_at of %d: %w", m.id, err)
			}
		}
		found = append(found, m)
	}
	return found, nil
}

// merged goes through the matches of all parts, each once, in order, until each says no.
func (p *plan) merged(ctx context.Context, v *view, n int, withAt bool, each func(match) bool) error {
	walks := make([]*walk, len(p.parts))
	for i := range p.parts {
		walks[i] = &walk{plan: p, part: p.parts[i], withAt: withAt, n: n}
	}
	for {
		var next match
		some := false
		for _, w := range walks {
			m, ok, err := w.peek(ctx, v)
			if err != nil {
				return err
			}
			if ok && (!some || (m.id < next.id) == p.ascending) {
				next, some = m, true
			}
		}
		if !some || !each(next) {
			return nil
		}
		for _, w := range walks {
			if len(w.found) > 0 && w.found[0].id == next.id {
				w.found = w.found[1:]
			}
		}
	}
}
