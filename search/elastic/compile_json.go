package elastic

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"birdwatch/query"
)

// where is the query for what matches c and has an id in ids; "" where nothing can. c is exact. All conditions are filters: nothing is scored.
func (c clause) where(ids interval) string {
	root := builder{}.And([]clause{c, ranged(query.TweetID, ids.within(math.MaxInt64))})
	if root.kind == clauseNone {
		return ""
	}
	if root.kind != clauseAll && !root.live() {
		root = builder{}.And([]clause{leaf(allTweets), root})
	}
	if root.kind != clauseAnd {
		root = clause{kind: clauseAnd, xs: []clause{root}}
	}
	return string(root.append(nil))
}

// mostNested is how many bools within each other Elasticsearch 7.17 takes; later versions take more.
const mostNested = 20

// fits reports whether every server takes c. All that the language lets through does; not all that counting makes of it.
func (c *clause) fits() bool { return c.nested()+1 <= mostNested }

// nested is how many bools stand within each other in what append writes of c.
func (c *clause) nested() int {
	if c.not {
		return 1
	}
	most, nots := 0, 0
	for i := range c.xs {
		if c.xs[i].not {
			nots++
		} else {
			most = max(most, c.xs[i].nested())
		}
	}
	switch {
	case c.kind == clauseAnd:
		return most + 1
	case c.kind == clauseOr && nots == len(c.xs):
		return 2
	case c.kind == clauseOr:
		return max(most, min(nots, 2)) + 1
	}
	return 0
}

// within is i as a range over positive numbers: bounds that all of them keep are none.
func (i interval) within(most int64) interval {
	if i.lo <= 1 {
		i.lo = math.MinInt64
	}
	if i.hi >= most {
		i.hi = math.MaxInt64
	}
	return i
}

func (c *clause) append(dst []byte) []byte {
	switch c.kind {
	case clauseAll:
		return append(dst, allTweets...)
	case clauseNone:
		return append(dst, `{"match_none":{}}`...)
	case clauseAnd:
		return appendBool(dst, c.xs, "filter", "must_not")
	case clauseOr:
		return appendOr(dst, c.xs)
	case clauseInexact:
		panic("elastic: neither most nor sure was asked for")
	}
	if c.not {
		return appendBool(dst, []clause{*c}, "", "must_not")
	}
	return c.appendLeaf(dst)
}

func (c *clause) appendLeaf(dst []byte) []byte {
	if c.kind == clauseRange {
		return append(dst, rangeJSON(figureNames[c.figure], c.in.fit(figureTypes[figureNames[c.figure]]))...)
	}
	return append(dst, c.json...)
}

// appendOr: leaves that must not match are one bool together, since one of them must not when not all do.
func appendOr(dst []byte, xs []clause) []byte {
	var nots, rest []clause
	for _, x := range xs {
		if x.not {
			nots = append(nots, x)
		} else {
			rest = append(rest, x)
		}
	}
	if len(nots) < 2 {
		nots, rest = nil, xs
	}
	if len(nots) == 0 {
		return appendBool(dst, rest, "should", "")
	}
	for i := range nots {
		nots[i].not = false
	}
	if len(rest) == 0 {
		return appendNots(dst, nots)
	}
	dst = append(dst, `{"bool":{"minimum_should_match":1,"should":[`...)
	for i := range rest {
		dst = append(rest[i].append(dst), ',')
	}
	return append(appendNots(dst, nots), `]}}`...)
}

func appendNots(dst []byte, xs []clause) []byte {
	dst = append(dst, `{"bool":{"must_not":[`...)
	return append(appendBool(dst, xs, "filter", ""), `]}}`...)
}

// appendBool puts the clauses under the name yes, those that must not match under no, where it is given.
func appendBool(dst []byte, xs []clause, yes, no string) []byte {
	dst = append(dst, `{"bool":{`...)
	if yes == "should" {
		dst = append(dst, `"minimum_should_match":1,`...)
	}
	group := func(name string, not bool) {
		some := false
		for i := range xs {
			x := &xs[i]
			if no != "" && x.not != not {
				continue
			}
			if some {
				dst = append(dst, ',')
			} else {
				dst = append(append(append(dst, '"'), name...), `":[`...)
			}
			some = true
			if not {
				dst = x.appendLeaf(dst)
			} else {
				dst = x.append(dst)
			}
		}
		if some {
			dst = append(dst, `],`...)
		}
	}
	if yes != "" {
		group(yes, false)
	}
	if no != "" {
		group(no, true)
	}
	dst = bytes.TrimSuffix(dst, []byte{','})
	return append(dst, `}}`...)
}

// fit is the interval within what a field's type can hold: Elasticsearch refuses bounds beyond it.
func (i interval) fit(typ string) interval {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	switch typ {
	case "byte":
		least, most = math.MinInt8, math.MaxInt8
	case "integer":
		least, most = math.MinInt32, math.MaxInt32
	}
	if i.lo > most || i.hi < least {
		return interval{most, least} // holds none
	}
	if i.lo <= least {
		i.lo = math.MinInt64
	}
	if i.hi >= most {
		i.hi = math.MaxInt64
	}
	return i
}

func rangeJSON(field string, in interval) string {
	if in.empty() {
		return `{"match_none":{}}`
	}
	s := `{"range":{"` + field + `":{`
	if in.lo != math.MinInt64 {
		s += `"gte":` + strconv.FormatInt(in.lo, 10)
		if in.hi != math.MaxInt64 {
			s += ","
		}
	}
	if in.hi != math.MaxInt64 {
		s += `"lte":` + strconv.FormatInt(in.hi, 10)
	}
	return s + `}}}`
}

func number(n int) string { return strconv.Itoa(n) }

// quoted is s as JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always can be
	}
	return string(b)
}
