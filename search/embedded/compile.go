package embedded

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"birdwatch/query"
	"birdwatch/tweet"
)

// part is a conjunction that SQLite answers in one walk in order of id. A query is a disjunction of parts: each walk stops
// early, and what they find is merged.
type part struct {
	with    []string // expressions of FTS5 that all have to match
	without []string // and those of which none may
	ranges  [query.NumFigures]interval
	check   bool // the part finds too much: the Matcher decides
}

// interval is lo ≤ x ≤ hi.
type interval struct{ lo, hi int64 }

var whole = interval{math.MinInt64, math.MaxInt64}

// maxParts bounds the walks of one query. What would need more is found too broadly and checked.
const maxParts = 24

func everything() part {
	p := part{}
	for i := range p.ranges {
		p.ranges[i] = whole
	}
	return p
}

// partsOf gives the parts whose union has every match of e; where no part has to be checked, exactly the matches.
func partsOf(e query.Expr) []part { return query.Build(e, builder{}) }

// builder makes parts. A Not needs no case of its own in SQL: negations are driven into the parts.
type builder struct{}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func found(fts ...string) part {
	p := everything()
	p.with = fts
	return p
}

func (builder) All() []part { return []part{everything()} }

func (builder) Term(t string) []part { return []part{found(quoted(t))} }

func (builder) Prefix(t string) []part { return []part{found(quoted(t) + " *")} }

func (builder) Range(f query.Figure, lo, hi int64) []part {
	p := everything()
	p.ranges[f] = interval{lo, hi}
	return p.possible()
}

// Circle is found by its bounds, and checked.
func (builder) Circle(c query.Circle) []part {
	parts := slices.Clone(partsOf(c.Bounds()))
	for i := range parts {
		parts[i].check = true
	}
	return parts
}

// Phrase: where a word may be a further form of what is written, FTS5's positions do not tell, since those forms lie
// elsewhere in the row. Then the stretches between such words are found, and the rest is checked.
func (builder) Phrase(words []string, prefix bool) []part {
	var fts []string
	stretch := func(words []string, prefix bool) {
		if len(words) > 0 {
			x := quoted(strings.Join(words, " "))
			if prefix {
				x += " *"
			}
			fts = append(fts, x)
		}
	}
	from, check := 0, false
	for i, w := range words {
		if tweet.CanBeAlt(w) {
			stretch(words[from:i], false)
			stretch(words[i:i+1], prefix && i == len(words)-1)
			from, check = i+1, true
		}
	}
	stretch(words[from:], prefix)
	p := found(fts...)
	p.check = check
	return []part{p}
}

// Near: FTS5 counts all words between the first and the last of a clump, and lets one word stand for two.
func (builder) Near(words []string, apart int) []part {
	var fts, placed []string
	check := false
	for i, w := range words {
		switch {
		case slices.Contains(words[:i], w):
			check = true
		case tweet.CanBeAlt(w):
			fts, check = append(fts, quoted(w)), true
		default:
			placed = append(placed, quoted(w))
		}
	}
	if len(placed) > 0 {
		fts = append(fts, fmt.Sprintf("NEAR(%s, %d)", strings.Join(placed, " "), apart+len(words)-2))
	}
	p := found(fts...)
	p.check = check
	return []part{p}
}

// And multiplies out. What would be too many parts is left out of the search and checked.
func (builder) And(xs [][]part) []part {
	slices.SortStableFunc(xs, func(a, b []part) int { return len(a) - len(b) })
	product := []part{everything()}
	for _, x := range xs {
		if len(product)*len(x) > maxParts {
			for i := range product {
				product[i].check = true
			}
			continue
		}
		var next []part
		for _, p := range product {
			for _, q := range x {
				next = append(next, p.and(q).possible()...)
			}
		}
		product = next
	}
	return product
}

func (p part) and(q part) part {
	p.with = slices.Concat(p.with, q.with)
	p.without = slices.Concat(p.without, q.without)
	p.check = p.check || q.check
	for f := range p.ranges {
		p.ranges[f].lo, p.ranges[f].hi = max(p.ranges[f].lo, q.ranges[f].lo), min(p.ranges[f].hi, q.ranges[f].hi)
	}
	return p
}

// possible is p, or nothing where a range is empty.
func (p part) possible() []part {
	for _, r := range p.ranges {
		if r.lo > r.hi {
			return nil
		}
	}
	return []part{p}
}

// Or puts parts that differ in their terms only into one expression.
func (builder) Or(xs [][]part) []part {
	var groups [][]part
	for _, q := range slices.Concat(xs...) {
		i := slices.IndexFunc(groups, func(g []part) bool { return g[0].ranges == q.ranges && g[0].check == q.check })
		if i < 0 {
			groups = append(groups, []part{q})
			continue
		}
		groups[i] = append(groups[i], q)
	}
	if len(groups) > maxParts {
		broad := union(slices.Concat(groups...))
		broad.check = true
		return []part{broad}
	}
	sum := make([]part, len(groups))
	for i, g := range groups {
		sum[i] = union(g)
	}
	return sum
}

// union finds what any of the parts finds, and more where their ranges differ.
func union(ps []part) part {
	if len(ps) == 1 {
		return ps[0]
	}
	sum := ps[0]
	sum.with, sum.without = nil, nil
	xs := make([]string, len(ps))
	for i, p := range ps {
		xs[i] = p.fts()
		for f := range p.ranges {
			sum.ranges[f].lo, sum.ranges[f].hi = min(sum.ranges[f].lo, p.ranges[f].lo), max(sum.ranges[f].hi, p.ranges[f].hi)
		}
	}
	if !slices.Contains(xs, "") {
		sum.with = []string{enclosed(xs, " OR ")}
	}
	return sum
}

// Not: none of the parts, each of which is missed by its terms or by one of its ranges.
func (b builder) Not(x []part) []part {
	missed := make([][]part, len(x))
	for i, p := range x {
		missed[i] = p.not()
	}
	return b.And(missed)
}

func (p part) not() []part {
	if p.check {
		all := everything()
		all.check = true
		return []part{all}
	}
	var parts []part
	if fts := p.fts(); fts != "" {
		q := everything()
		if len(p.with) == 0 {
			q.with = []string{enclosed(p.without, " OR ")}
		} else {
			q.without = []string{fts}
		}
		parts = append(parts, q)
	}
	for f, r := range p.ranges {
		if r.lo != math.MinInt64 {
			q := everything()
			q.ranges[f].hi = r.lo - 1
			parts = append(parts, q)
		}
		if r.hi != math.MaxInt64 {
			q := everything()
			q.ranges[f].lo = r.hi + 1
			parts = append(parts, q)
		}
	}
	return parts
}

// fts is the one expression of the part's terms; "" finds all.
func (p part) fts() string {
	with := enclosed(p.with, " AND ")
	if len(p.without) == 0 {
		return with
	}
	if with == "" {
		with = quoted(query.AllTerm)
	}
	return "(" + with + ") NOT (" + enclosed(p.without, " OR ") + ")"
}

func enclosed(xs []string, by string) string {
	if len(xs) == 1 {
		return xs[0]
	}
	var b strings.Builder
	for i, x := range xs {
		if i > 0 {
			b.WriteString(by)
		}
		b.WriteString("(" + x + ")")
	}
	return b.String()
}
