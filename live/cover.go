package live

import (
	"cmp"
	"slices"

	"birdwatch/query"
)

// key is a term of the dictionary before it has a number.
type key struct {
	text   string
	prefix bool
}

// cover is what a query needs: one of any at least, and all of required, rarest first. Without any, a tweet may match
// without having a term of the query.
type cover struct {
	any      []key
	required []key
	cost     float64
	exact    bool // a tweet that has one of any, and all of required, matches
}

// other is the rarest required term but k.
func (c *cover) other(k key) key {
	for _, r := range c.required {
		if r != k {
			return r
		}
	}
	return key{}
}

// rest are the required terms but those by which a query of one alternative is posted.
func (c *cover) rest() []key {
	if len(c.any) == 1 && len(c.required) > 2 {
		return c.required[2:]
	}
	return nil
}

// single reports whether the cover is of one term, and that is the whole query.
func (c *cover) single() bool { return c.exact && len(c.any) == 1 && len(c.required) == 1 }

// coverer finds covers. Costs are the terms' frequencies in the stream; of terms that are as rare, longer ones count as rarer.
type coverer struct{ x *index }

func (b coverer) of(k key) cover {
	cost := float64(b.x.common.count(k.text)) + 1/float64(1+len(k.text))
	if k.prefix {
		cost = 4*cost + 1 // the words that begin so are counted, not the beginning
	}
	return cover{any: []key{k}, required: []key{k}, cost: cost, exact: true}
}

func (b coverer) All() cover                             { return cover{} }
func (b coverer) Not(cover) cover                        { return cover{} }
func (b coverer) Range(query.Figure, int64, int64) cover { return cover{} }
func (b coverer) Term(t string) cover                    { return b.of(key{t, false}) }
func (b coverer) Prefix(t string) cover                  { return b.of(key{t, true}) }

func (b coverer) Phrase(words []string, prefix bool) cover {
	cs := make([]cover, len(words))
	for i, w := range words {
		cs[i] = b.of(key{w, prefix && i == len(words)-1})
	}
	c := b.And(cs)
	c.exact = false
	return c
}

func (b coverer) Near(words []string, _ int) cover { return b.Phrase(words, false) }

func (coverer) And(cs []cover) cover {
	all := cover{exact: true}
	var required []cover
	for _, c := range cs {
		if len(c.any) > 0 && (len(all.any) == 0 || c.cost < all.cost) {
			all.any, all.cost = c.any, c.cost
		}
		if len(c.required) > 0 {
			required = append(required, c)
		}
		all.exact = all.exact && c.single()
	}
	slices.SortStableFunc(required, func(a, b cover) int { return cmp.Compare(a.cost, b.cost) })
	for _, c := range required {
		for _, k := range c.required {
			if !slices.Contains(all.required, k) {
				all.required = append(all.required, k)
			}
		}
	}
	return all
}

func (coverer) Or(cs []cover) cover {
	all := cover{exact: true}
	for _, c := range cs {
		if len(c.any) == 0 {
			return cover{}
		}
		for _, k := range c.any {
			if !slices.Contains(all.any, k) {
				all.any = append(all.any, k)
			}
		}
		all.cost += c.cost
		all.exact = all.exact && c.single()
	}
	return all
}
