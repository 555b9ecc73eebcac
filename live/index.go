package live

import (
	"sync"
	"sync/atomic"

	"birdwatch/query"
)

// index finds which of many standing queries a tweet matches. Each query is posted under its rarest required term, or
// under every alternative of its cheapest OR; a tweet's terms give candidates, which are decided by a second term, by a small program
// over terms and figures, and in the end, where words must stand in their places, by query.Matcher. Equal queries are one group.
//
// One goroutine matches, any may add and remove meanwhile: they leave orders, which the next match carries out first. Without
// orders a match takes no lock, and once it is warm it allocates nothing. Most posts lie sealed in one flat array; newer ones are
// linked to their terms until seal, which may run beside the match, makes a new array of all.
type index struct {
	mu     sync.Mutex // guards what follows
	table  table      // of the groups, by their queries
	free   []uint32   // ids of groups that no post refers to
	ids    uint32     // ids given so far
	orders []order

	due     atomic.Bool // there are orders, or a new seal
	nAlways atomic.Int64
	sealing atomic.Pointer[sealJob] // a job to do, or done and to be taken over
	wake    chan struct{}           // there is a job
	// shown is what common knew some time ago, for other goroutines.
	shown atomic.Pointer[sketch]

	// What follows is of the goroutine that matches.
	terms    terms
	groups   []*group // by id; nil: gone
	gone     []uint64 // a bit by id: the group went, so that a match need not touch it
	tried    []uint32 // by id: the round in which a group with several posts was last found
	codeAt   []uint32 // by id: where its program begins; 0 for none
	code     []uint32
	idle     int                       // programs of groups that went
	matchers map[uint32]*query.Matcher // by id, of groups whose program is not enough
	dead     []uint32                  // ids of groups that went and that posts may still refer to
	moves    []move
	root     sealed
	loose    loose
	always   []uint32 // ids of those with no required term
	turn     int
	found    []uint32 // ids
	common   sketch
	tree     tree
}

// order is what a match has to carry out: a group comes or goes.
type order struct {
	g    *group
	gone bool
}

// group is one query with all who ask it.
type group struct {
	expr    query.Expr
	subs    []*member // guarded by Hub.mu
	hash    uint32
	holders int32 // guarded by index.mu
	id      uint32

	// Of the goroutine that matches.
	posted uint32 // sum of its pivots; 0 for one that is always tried
}

func newIndex() *index {
	x := &index{table: newTable(), terms: newTerms(), code: []uint32{opFalse}, matchers: map[uint32]*query.Matcher{}, wake: make(chan struct{}, 1)}
	x.loose.nodes = make([]looseNode, 1)
	return x
}

// add registers a query and gives its group; every add wants a remove. Matches that begin later find it.
func (x *index) add(e query.Expr) *group {
	text := e.String()
	hash := x.table.hash(text)
	x.mu.Lock()
	defer x.mu.Unlock()
	if g := x.table.find(hash, text); g != nil {
		g.holders++
		return g
	}
	g := &group{expr: e, holders: 1, hash: hash}
	if last := len(x.free) - 1; last >= 0 {
		g.id, x.free = x.free[last], x.free[:last]
	} else {
		g.id = x.ids
		x.ids++
	}
	x.table.put(g)
	x.order(order{g: g})
	return g
}

// remove takes one holder of a group away; with the last one the group goes.
func (x *index) remove(g *group) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g.holders--; g.holders > 0 {
		return
	}
	x.table.drop(g)
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
	return x.table.used, int(x.nAlways.Load())
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
	x.takeSeal()
	for _, o := range orders {
		if o.gone {
			x.withdraw(o.g)
			continue
		}
		x.enter(o.g)
	}
	x.nAlways.Store(int64(len(x.always)))
	x.proposeSeal()
}

// match gives the ids of the groups that the tweet matches; the slice is used again by the next match.
func (x *index) match(t *query.Target) []uint32 {
	x.settle()
	x.found = x.found[:0]
	if x.terms.begin() {
		clear(x.tried)
	}
	if x.terms.round%sampled == 0 {
		x.common.learn(&t.Terms)
	}
	for i := range t.Terms.Words() {
		x.terms.mark(t.Terms.Word(i), uint32(i))
	}
	for i := range t.Terms.Alts() {
		at, form := t.Terms.Alt(i)
		x.terms.mark(form, uint32(at))
	}
	for i := range t.Terms.Fields() {
		x.terms.markField(t.Terms.Field(i), firstField+uint32(i))
	}
	seen, round, start := x.terms.seen, x.terms.round, x.root.start
	for _, hit := range x.terms.hits {
		if int(hit)+1 < len(start) {
			for _, p := range x.root.posts[start[hit]:start[hit+1]] {
				if seen[p.second] == round {
					x.candidate(p, t)
				}
			}
		}
		if int(hit) < len(x.loose.first) {
			for n := x.loose.first[hit]; n != 0; n = x.loose.nodes[n].next {
				if p := x.loose.nodes[n].post; seen[p.second] == round {
					x.candidate(p, t)
				}
			}
		}
	}
	for _, id := range x.always {
		if x.decide(id, t) {
			x.found = append(x.found, id)
		}
	}
	return x.found
}

// candidate looks at a post whose first two terms the tweet has.
func (x *index) candidate(p post, t *query.Target) {
	if (x.terms.seen[p.third&^notThere] == x.terms.round) == (p.third&notThere != 0) {
		return
	}
	id := p.id & idMask
	if p.id&postDecided == 0 && !x.decide(id, t) {
		return
	}
	if x.gone[id/64]&(1<<(id%64)) != 0 {
		return
	}
	if p.id&postMany != 0 {
		if x.tried[id] == x.terms.round {
			return
		}
		x.tried[id] = x.terms.round
	}
	x.found = append(x.found, id)
}

// decide runs a group's program.
func (x *index) decide(id uint32, t *query.Target) bool {
	at := x.codeAt[id]
	if op := x.code[at]; op&^argMask == opMatcher {
		return x.matchers[id].Match(t)
	}
	ok, _ := x.terms.run(x.code, int(at), &t.Figures)
	return ok
}
