package live

import (
	"slices"
	"unicode/utf8"

	"birdwatch/query"
)

// Index finds which of many standing queries a tweet matches. Each query is posted under its rarest required term, or
// under every alternative of its cheapest OR; a tweet's terms give candidates, and query.Matcher decides. Equal queries are
// one. Not for concurrent use; matching allocates nothing once it is warm.
type Index struct {
	dict     map[string]int32 // terms of queries only
	prefixes map[string]int32
	lengths  []int // in bytes, of prefixes, ascending
	terms    []entry
	free     []int32
	groups   map[string]*group
	always   []*group // queries with no required term
	epoch    uint32
	hits     []int32
	found    []*group
	common   sketch
}

// entry is a term of the dictionary.
type entry struct {
	text   string
	prefix bool
	uses   int // posts and seconds that name it
	seen   uint32
	posts  []post
}

// post is a candidate: second, unless -1, is another term that it needs.
type post struct {
	second int32
	g      *group
}

// group is one query with all who ask it.
type group struct {
	key     string
	matcher *query.Matcher
	holders int
	pivots  []int32
	seconds []int32
	tried   uint32
	subs    []*member // of the hub
}

// NewIndex makes an empty one.
func NewIndex() *Index {
	return &Index{dict: map[string]int32{}, prefixes: map[string]int32{}, groups: map[string]*group{}}
}

// Add registers a query and gives its group; every Add wants a Remove.
func (x *Index) Add(e query.Expr) *group {
	key := e.String()
	g := x.groups[key]
	if g == nil {
		g = &group{key: key, matcher: query.NewMatcher(e)}
		x.groups[key] = g
		x.post(g, query.Build(e, coverer{x}))
	}
	g.holders++
	return g
}

// Remove takes one holder of a group away; the last one frees what it took.
func (x *Index) Remove(g *group) {
	if g.holders--; g.holders > 0 {
		return
	}
	delete(x.groups, g.key)
	if len(g.pivots) == 0 {
		x.always = slices.DeleteFunc(x.always, func(o *group) bool { return o == g })
	}
	for i, p := range g.pivots {
		x.terms[p].posts = slices.DeleteFunc(x.terms[p].posts, func(o post) bool { return o.g == g })
		x.release(p)
		if g.seconds[i] >= 0 {
			x.release(g.seconds[i])
		}
	}
}

func (x *Index) post(g *group, c cover) {
	if len(c.any) == 0 {
		x.always = append(x.always, g)
		return
	}
	for _, k := range c.any {
		p := x.hold(k)
		second := int32(-1)
		if other := c.other(k); other.text != "" {
			second = x.hold(other)
		}
		x.terms[p].posts = append(x.terms[p].posts, post{second, g})
		g.pivots, g.seconds = append(g.pivots, p), append(g.seconds, second)
	}
}

func (x *Index) lookup(k key) (int32, bool) {
	if k.prefix {
		id, ok := x.prefixes[k.text]
		return id, ok
	}
	id, ok := x.dict[k.text]
	return id, ok
}

func (x *Index) hold(k key) int32 {
	id, ok := x.lookup(k)
	if !ok {
		if n := len(x.free); n > 0 {
			id, x.free = x.free[n-1], x.free[:n-1]
			x.terms[id] = entry{text: k.text, prefix: k.prefix}
		} else {
			id = int32(len(x.terms))
			x.terms = append(x.terms, entry{text: k.text, prefix: k.prefix})
		}
		if k.prefix {
			x.prefixes[k.text] = id
			x.setLengths()
		} else {
			x.dict[k.text] = id
		}
	}
	x.terms[id].uses++
	return id
}

func (x *Index) release(id int32) {
	t := &x.terms[id]
	if t.uses--; t.uses > 0 {
		return
	}
	if t.prefix {
		delete(x.prefixes, t.text)
		x.setLengths()
	} else {
		delete(x.dict, t.text)
	}
	*t = entry{}
	x.free = append(x.free, id)
}

func (x *Index) setLengths() {
	x.lengths = x.lengths[:0]
	for p := range x.prefixes {
		if !slices.Contains(x.lengths, len(p)) {
			x.lengths = append(x.lengths, len(p))
		}
	}
	slices.Sort(x.lengths)
}

// Match gives the groups that the tweet matches; the slice is used again by the next Match.
func (x *Index) Match(t *query.Target) []*group {
	if x.epoch++; x.epoch == 0 { // marks of the last round would look new
		x.forgetMarks()
	}
	x.hits, x.found = x.hits[:0], x.found[:0]
	if x.epoch%sampled == 0 {
		x.common.learn(&t.Terms)
	}
	for i := range t.Terms.Words() {
		x.mark(t.Terms.Word(i))
	}
	for i := range t.Terms.Alts() {
		_, form := t.Terms.Alt(i)
		x.mark(form)
	}
	for i := range t.Terms.Fields() {
		x.mark(t.Terms.Field(i))
	}
	for _, hit := range x.hits {
		for _, p := range x.terms[hit].posts {
			if p.second < 0 || x.terms[p.second].seen == x.epoch {
				x.try(p.g, t)
			}
		}
	}
	for _, g := range x.always {
		x.try(g, t)
	}
	return x.found
}

func (x *Index) try(g *group, t *query.Target) {
	if g.tried == x.epoch {
		return
	}
	g.tried = x.epoch
	if g.matcher.Match(t) {
		x.found = append(x.found, g)
	}
}

func (x *Index) mark(term []byte) {
	if id, ok := x.dict[string(term)]; ok {
		x.hit(id)
	}
	for _, n := range x.lengths {
		if n > len(term) {
			break
		}
		if n < len(term) && !utf8.RuneStart(term[n]) {
			continue
		}
		if id, ok := x.prefixes[string(term[:n])]; ok {
			x.hit(id)
		}
	}
}

func (x *Index) hit(id int32) {
	t := &x.terms[id]
	if t.seen == x.epoch {
		return
	}
	t.seen = x.epoch
	if len(t.posts) > 0 {
		x.hits = append(x.hits, id)
	}
}

func (x *Index) forgetMarks() {
	x.epoch = 1
	for i := range x.terms {
		x.terms[i].seen = 0
	}
	for _, g := range x.groups {
		g.tried = 0
	}
}
