package live

import (
	"sync"
	"sync/atomic"

	"birdwatch/query"
	"birdwatch/tweet"
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
	table  table
	orders []order

	due     atomic.Bool // there are orders, or a new seal
	nAlways atomic.Int64
	sealing atomic.Pointer[sealJob] // a job to do, or done and to be taken over
	wake    chan struct{}           // there is a job
	// shown is what common knew some time ago, for other goroutines.
	shown atomic.Pointer[sketch]

	// What follows is of the goroutine that matches.
	terms    terms
	gone     idSet                     // ids that no group has, or whose group went: a match need not touch it
	matchers map[uint32]*query.Matcher // by id, of groups whose program is not enough
	dead     []uint32                  // ids of groups that went and that posts may still refer to
	ranges   int                       // groups that ask for figures
	moves    []move
	posted   []looseNode // of posts, which uses it again
	root     sealed
	loose    loose
	always   []uint32 // where the programs begin, in loose.code, of those with no required term
	turn     uint32
	common   sketch
	tree     tree
	work     work
}

// order is what a match has to carry out: a group comes or goes.
type order struct {
	g    *group
	id   uint32
	gone bool
}

func newIndex() *index {
	return &index{table: newTable(), terms: newTerms(), loose: newLoose(0), matchers: map[uint32]*query.Matcher{}, wake: make(chan struct{}, 1)}
}

// add registers a query and gives its group's key, and the query as all have it who are equal; every add wants a remove.
// Matches that begin later find it.
func (x *index) add(e query.Expr) (groupKey, query.Expr) {
	text := e.String()
	hash := x.table.hash(text)
	x.mu.Lock()
	defer x.mu.Unlock()
	if id, ok := x.table.find(hash, text); ok {
		g := x.table.groups.at(id)
		g.holders++
		return groupKey{id, g.born}, g.expr
	}
	key, g := x.table.groups.take()
	*g = group{expr: e, holders: 1, hash: hash, born: key.born}
	x.table.put(key.id+1, hash, x.table.hashOf)
	x.order(order{g: g, id: key.id})
	return key, e
}

// remove takes one holder of a group away; with the last one the group goes.
func (x *index) remove(key groupKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	g := x.table.groups.at(key.id)
	if g.holders--; g.holders > 0 {
		return
	}
	x.table.drop(key.id+1, g.hash, x.table.hashOf)
	x.order(order{g: g, id: key.id, gone: true})
}

// group gives one that does not go meanwhile.
func (x *index) group(id uint32) *group {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.table.groups.at(id)
}

// expr is the query of a group that is held.
func (x *index) expr(key groupKey) query.Expr { return x.group(key.id).expr }

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
			x.withdraw(o.id, o.g)
			continue
		}
		x.enter(o.id, o.g)
	}
	x.nAlways.Store(int64(len(x.always)))
	x.proposeSeal()
}

// match gives the ids of the groups that the tweet matches; the slice is used again by the next match.
func (x *index) match(t *query.Target) []uint32 {
	x.settle()
	return x.find(t)
}

// matchTweet is match of a tweet that no terms were made of yet. t is filled with what the queries need, and no more.
func (x *index) matchTweet(p *tweet.Payload, t *query.Target) []uint32 {
	x.settle()
	needs := x.terms.needs
	if x.ranges > 0 {
		needs |= query.NeedsFigures
	}
	if x.learns() {
		needs = query.NeedsAll
	}
	t.SetFor(p, needs)
	return x.find(t)
}
