package embedded

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"birdwatch/query"
	"birdwatch/tweet"
)

var timeZero = time.Unix(0, 0)

// node is what SQLite makes of a part of a query.
type node struct {
	// fts is an expression of FTS5 that finds every match, and more where exact is false; "" finds all.
	fts   string
	exact bool // fts alone decides
	not   bool // an exact node found by everything that fts does not find
	// sql decides alone, over a row d of docs; rest decides over the rows that fts finds. Unused where exact.
	sql      string
	args     []any
	rest     string
	restArgs []any
	check    bool // only query.Matcher decides
	// lo and hi bound the ids of matches.
	lo, hi int64
}

// planned is a whole query.
type planned struct {
	node
	matcher *query.Matcher // nil unless it has to decide
}

func plan(e query.Expr) *planned {
	p := &planned{node: query.Build(e, builder{})}
	if p.not {
		p.fts, p.not = negated(p.fts), false
	}
	if p.check {
		p.matcher = query.NewMatcher(e)
		p.rest, p.restArgs = "", nil
	}
	return p
}

type builder struct{}

func all() node { return node{exact: true, lo: 0, hi: math.MaxInt64} }

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func negated(fts string) string { return quoted(query.AllTerm) + " NOT (" + fts + ")" }

// positive is the node's fts with a negation written out.
func (n node) positive() string {
	if n.not {
		return negated(n.fts)
	}
	return n.fts
}

// condition is the node over a row of docs, whether exact or not.
func (n node) condition() (string, []any) {
	switch {
	case !n.exact:
		return n.sql, n.args
	case n.fts == "":
		return "true", nil
	}
	in := "d.id IN (SELECT rowid FROM terms WHERE terms MATCH ?)"
	if n.not {
		in = "d.id NOT IN (SELECT rowid FROM terms WHERE terms MATCH ?)"
	}
	return in, []any{n.fts}
}

func (builder) All() node { return all() }

func (builder) Term(t string) node { n := all(); n.fts = quoted(t); return n }

func (builder) Prefix(t string) node { n := all(); n.fts = quoted(t) + " *"; return n }

func (b builder) Phrase(words []string, prefix bool) node {
	n := all()
	n.fts = quoted(strings.Join(words, " "))
	if prefix {
		n.fts += " *"
	}
	if strings.ContainsFunc(strings.Join(words, ""), formed) {
		return b.loose(words, prefix)
	}
	return n
}

// formed reports whether r may be of a word with further forms (an emoji): those lie elsewhere in the row, so that
// FTS5's positions do not tell.
func formed(r rune) bool {
	return r >= 0x2000 && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r) && !unicode.In(r, unicode.Co) || r >= 0x1F000 && r <= 0x1FFFF
}

// loose finds tweets with all the words, of which the Matcher takes those that match.
func (b builder) loose(words []string, prefix bool) node {
	xs := make([]string, len(words))
	for i, w := range words {
		xs[i] = quoted(w)
		if prefix && i == len(words)-1 {
			xs[i] += " *"
		}
	}
	n := all()
	n.fts, n.exact, n.check = strings.Join(xs, " AND "), false, true
	return n.decidedBy("true", nil)
}

// Near: FTS5 counts the words between the first and the last of a clump, ours those that are none of the given ones.
func (b builder) Near(words []string, apart int) node {
	seen := map[string]bool{}
	for _, w := range words {
		if seen[w] || strings.ContainsFunc(w, formed) {
			return b.loose(words, false)
		}
		seen[w] = true
	}
	xs := make([]string, len(words))
	for i, w := range words {
		xs[i] = quoted(w)
	}
	n := all()
	n.fts = fmt.Sprintf("NEAR(%s, %d)", strings.Join(xs, " "), apart+len(words)-2)
	return n
}

func (builder) Range(f query.Figure, lo, hi int64) node {
	n := all().decidedBy("d."+figureColumns[f]+" BETWEEN ? AND ?", []any{lo, hi})
	switch f {
	case query.TweetID:
		n.lo, n.hi = max(0, lo), hi
	case query.CreatedAt:
		n.lo, n.hi = idsAround(lo, hi)
	}
	return n
}

// idsAround bounds the ids of tweets that were created from lo to hi, Unix milliseconds, with slack: ids are off by some minutes.
func idsAround(lo, hi int64) (int64, int64) {
	from, to := int64(0), int64(math.MaxInt64)
	if lo > math.MinInt64/2 {
		from = int64(tweet.IDAt(time.UnixMilli(lo).Add(-tweet.IDSlack)))
	}
	if hi < math.MaxInt64/2 {
		// Ids before the first snowflake hold no time.
		to = max(int64(tweet.IDAt(time.UnixMilli(hi+1).Add(tweet.IDSlack))), int64(tweet.FirstSnowflake))
	}
	return from, to
}

func (builder) Not(x node) node {
	n := all()
	switch {
	case x.exact && x.fts == "":
		n = n.decidedBy("false", nil)
	case x.exact:
		n.fts, n.not = x.fts, !x.not
	default:
		n.check = x.check
		n = n.decidedBy("NOT ("+x.sql+")", x.args)
	}
	return n
}

func (builder) And(xs []node) node {
	n := all()
	var with, without, rest, conditions []string
	for _, x := range xs {
		n.lo, n.hi = max(n.lo, x.lo), min(n.hi, x.hi)
		n.check = n.check || x.check
		switch {
		case x.fts == "":
		case x.not:
			without = append(without, "("+x.fts+")")
		default:
			with = append(with, "("+x.fts+")")
		}
		if !x.exact {
			n.exact = false
			rest = append(rest, "("+x.rest+")")
			n.restArgs = append(n.restArgs, x.restArgs...)
		}
		c, args := x.condition()
		conditions = append(conditions, "("+c+")")
		n.args = append(n.args, args...)
	}
	n.fts = strings.Join(with, " AND ")
	if len(without) > 0 {
		base := quoted(query.AllTerm)
		if n.fts != "" {
			base = "(" + n.fts + ")"
		}
		n.fts = base + " NOT (" + strings.Join(without, " OR ") + ")"
	}
	n.rest, n.sql = strings.Join(rest, " AND "), strings.Join(conditions, " AND ")
	return n
}

func (builder) Or(xs []node) node {
	n := all()
	n.lo, n.hi = math.MaxInt64, 0
	var finds, conditions []string
	every := false
	for _, x := range xs {
		n.lo, n.hi = min(n.lo, x.lo), max(n.hi, x.hi)
		n.exact, n.check = n.exact && x.exact, n.check || x.check
		if x.fts == "" {
			every = true
		} else {
			finds = append(finds, "("+x.positive()+")")
		}
		c, args := x.condition()
		conditions = append(conditions, "("+c+")")
		n.args = append(n.args, args...)
	}
	if !every {
		n.fts = strings.Join(finds, " OR ")
	}
	n.sql = strings.Join(conditions, " OR ")
	n.rest, n.restArgs = n.sql, n.args
	return n
}

// decidedBy makes the node one that SQL decides.
func (n node) decidedBy(sql string, args []any) node {
	n.exact, n.sql, n.args, n.rest, n.restArgs = false, sql, args, sql, args
	return n
}
