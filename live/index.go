package live

import (
	"slices"
	"sync"
	"sync/atomic"

	"birdwatch/query"
)

// index finds which of many standing queries a tweet matches. Each query is posted under its rarest required term, or
// under every alternative of its cheapest OR; a tweet's terms give candidates, and query.Matcher decides. Equal queries are
// one group.
//
// One goroutine matches, any may add and remove meanwhile: they leave orders, which the next match carries out first. Without
// orders a match takes no lock, and once it is warm it allocates nothing.
type index struct {
	mu     sync.Mutex // guards what follows
	groups map[string]*group
	orders []order

	due      atomic.Bool // there are orders
	nAlways  atomic.Int64
	dict     map[string]int32 // what follows is of the goroutine that matches; terms of queries only
	prefixes map[string]int32
	lengths  []int // in bytes, of prefixes, ascending
	terms    []term
	seen     []uint64 // by term: the round in which a tweet last had it
	free     []int32  // terms that are not in use
	posted   []*group // all, for tune
	turn     int
	always   []*group // those with no required term
	round    uint64
	hits     []int32
	found    []*group
	common   sketch
}

// post is a candidate: second, unless -1, is another term that it needs.
type post struct {
	second int32
	g      *group
}

// pivot is where a group is posted.
type pivot struct{ term, second int32 }

// order is what a match has to carry out: a group comes or goes.
type order struct {
	g    *group
	gone bool
}

// group is one query with all who ask it.
type group struct {
	key     string
	expr    query.Expr
	matcher *query.Matcher
	holders int       // guarded by index.mu
	subs    []*member // guarded by Hub.mu

	// Of the goroutine that matches.
	place  int // in index.posted
	pivots []pivot
	needs  []int32 // required terms beyond a pivot and its second
	exact  bool    // having them all decides
	tried  uint64
}

func newIndex() *index {
	return &index{groups: map[string]*group{}, dict: map[string]int32{}, prefixes: map[string]int32{}}
}

// add registers a query and gives its group; every add wants a remove. Matches that begin later find it.
func (x *index) add(e query.Expr) *group {
	key, matcher := e.String(), query.NewMatcher(e)
	x.mu.Lock()
	defer x.mu.Unlock()
	g := x.groups[key]
	if g == nil {
		g = &group{key: key, expr: e, matcher: matcher}
		x.groups[key] = g
		x.order(order{g: g})
	}
	g.holders++
	return g
}

// remove takes one holder of a group away; with the last one the group goes.
func (x *index) remove(g *group) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g.holders--; g.holders > 0 {
		return
	}
	delete(x.groups, g.key)
	x.order(order{g: g, gone: true})
}

// order: x.mu is held.
func (x *index) order(o order) {
	x.orders = append(x.orders, o)
	x.due.Store(true)
}

func (x *index) size() (groups, always int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.groups), int(x.nAlways.Load())
}

// settle carries the orders out.
func (x *index) settle() {
	if !x.due.Load() {
		return
	}
	x.mu.Lock()
	orders := x.orders
	x.orders = nil
	x.due.Store(false)
	x.mu.Unlock()
	for _, o := range orders {
		if o.gone {
			x.unpost(o.g)
			last := len(x.posted) - 1
			x.posted[o.g.place] = x.posted[last]
			x.posted[o.g.place].place = o.g.place
			x.posted[last], x.posted = nil, x.posted[:last]
			continue
		}
		o.g.place = len(x.posted)
		x.posted = append(x.posted, o.g)
		x.post(o.g, query.Build(o.g.expr, coverer{x}))
	}
	x.nAlways.Store(int64(len(x.always)))
}

// tune posts up to n groups anew where other terms have become the rarest ones, in turn.
func (x *index) tune(n int) {
	x.settle()
	for range min(n, len(x.posted)) {
		x.turn = (x.turn + 1) % len(x.posted)
		g := x.posted[x.turn]
		if c := query.Build(g.expr, coverer{x}); len(c.any) > 0 && !x.stands(g, c) {
			x.unpost(g)
			x.post(g, c)
		}
	}
}

// stands reports whether the group is posted as the cover says.
func (x *index) stands(g *group, c cover) bool {
	is := func(id int32, k key) bool {
		if id < 0 {
			return k == key{}
		}
		return x.terms[id].text == k.text && x.terms[id].prefix == k.prefix
	}
	return slices.EqualFunc(g.pivots, c.any, func(p pivot, k key) bool { return is(p.term, k) && is(p.second, c.other(k)) })
}

func (x *index) post(g *group, c cover) {
	g.exact = c.exact
	if len(c.any) == 0 {
		x.always = append(x.always, g)
		return
	}
	for _, k := range c.any {
		p := pivot{x.hold(k), -1}
		if other := c.other(k); other.text != "" {
			p.second = x.hold(other)
		}
		x.terms[p.term].posts = append(x.terms[p.term].posts, post{p.second, g})
		g.pivots = append(g.pivots, p)
	}
	for _, k := range c.rest() {
		g.needs = append(g.needs, x.hold(k))
	}
}

func (x *index) unpost(g *group) {
	isIt := func(o *group) bool { return o == g }
	if len(g.pivots) == 0 {
		x.always = slices.DeleteFunc(x.always, isIt)
	}
	for _, p := range g.pivots {
		t := &x.terms[p.term]
		t.posts = slices.DeleteFunc(t.posts, func(o post) bool { return o.g == g })
		x.release(p.term)
		if p.second >= 0 {
			x.release(p.second)
		}
	}
	for _, id := range g.needs {
		x.release(id)
	}
	g.pivots, g.needs = g.pivots[:0], g.needs[:0]
}

// match gives the groups that the tweet matches; the slice is used again by the next match.
func (x *index) match(t *query.Target) []*group {
	x.settle()
	x.round++
	x.hits, x.found = x.hits[:0], x.found[:0]
	if x.round%sampled == 0 {
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
			if p.second < 0 || x.seen[p.second] == x.round {
				x.try(p.g, t)
			}
		}
	}
	for _, g := range x.always {
		x.try(g, t)
	}
	return x.found
}

func (x *index) try(g *group, t *query.Target) {
	if g.tried == x.round {
		return
	}
	g.tried = x.round
	for _, id := range g.needs {
		if x.seen[id] != x.round {
			return
		}
	}
	if g.exact || g.matcher.Match(t) {
		x.found = append(x.found, g)
	}
}
