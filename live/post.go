package live

import (
	"slices"

	"birdwatch/query"
)

// post is a candidate: second and third are further terms that it needs, 0 for none.
type post struct {
	second uint32
	third  uint32 // with the bit notThere: one that it must not have
	id     uint32 // of the group, with the bits that follow
}

const (
	notThere = 1 << 31

	postDecided = 1 << 31 // having the terms is the whole query
	postMany    = 1 << 30 // the group has other posts, of which a tweet may have more than one
	idMask      = 1<<30 - 1
)

func (p pivot) post(id uint32, many bool) post {
	if p.decided {
		id |= postDecided
	}
	if many {
		id |= postMany
	}
	return post{p.second, p.third, id}
}

// loose are the posts that are not sealed yet, linked from their terms.
type loose struct {
	first []uint32 // by term: its newest node; 0 for none
	nodes []looseNode
}

type looseNode struct {
	post
	next uint32
	term uint32
}

func (l *loose) add(term uint32, p post) {
	for int(term) >= len(l.first) {
		l.first = append(l.first, 0)
	}
	l.nodes = append(l.nodes, looseNode{p, l.first[term], term})
	l.first[term] = uint32(len(l.nodes) - 1)
}

// cut forgets the nodes before n, and keeps the others.
func (l *loose) cut(n int) {
	rest := slices.Clone(l.nodes[n:])
	for _, old := range l.nodes[1:] {
		l.first[old.term] = 0
	}
	l.nodes = l.nodes[:1]
	for _, r := range rest {
		l.add(r.term, r.post)
	}
	if cap(l.nodes) > 4*leastSeal && len(l.nodes) < cap(l.nodes)/4 {
		l.nodes = slices.Clip(slices.Clone(l.nodes))
	}
}

// enter reads a new group's query and posts it. Its terms are held until withdraw.
func (x *index) enter(g *group) {
	for int(g.id) >= len(x.groups) {
		x.groups, x.codeAt, x.tried = append(x.groups, nil), append(x.codeAt, 0), append(x.tried, 0)
		if len(x.groups) > 64*len(x.gone) {
			x.gone = append(x.gone, 0)
		}
	}
	x.groups[g.id] = g
	x.gone[g.id/64] &^= 1 << (g.id % 64)
	root := x.tree.read(g.expr, &x.terms)
	cover := x.coverer().of(&x.tree, root)
	g.posted = sumOf(cover.any)
	if undecided(cover.any) {
		x.compile(g, root)
	}
	for _, p := range cover.any {
		x.loose.add(p.term, p.post(g.id, len(cover.any) > 1))
	}
	if len(cover.any) == 0 {
		x.always = append(x.always, g.id)
	}
}

func (x *index) coverer() *coverer { return &coverer{&x.terms, &x.common} }

// compile gives a group a program. Those of groups that went stay in the array until most of it is theirs.
func (x *index) compile(g *group, root int32) {
	if x.codeAt[g.id] != 0 {
		return
	}
	x.codeAt[g.id] = uint32(len(x.code))
	if x.tree.hard {
		x.matchers[g.id] = query.NewMatcher(g.expr)
		x.code = append(x.code, opMatcher|g.id)
		return
	}
	x.code = x.tree.code(x.code, root)
}

func undecided(ps []pivot) bool {
	return len(ps) == 0 || slices.ContainsFunc(ps, func(p pivot) bool { return !p.decided })
}

// sumOf tells covers apart; it is 0 only for none.
func sumOf(ps []pivot) uint32 {
	sum := uint32(0)
	for _, p := range ps {
		sum = ((sum*31+p.term)*31+p.second)*31 + p.third + 1
	}
	if sum == 0 && len(ps) > 0 {
		return 1
	}
	return sum
}

// withdraw takes a group out. Its posts are void and go with the next seal; then its id can be used again.
func (x *index) withdraw(g *group) {
	if g.posted == 0 {
		x.always = slices.DeleteFunc(x.always, func(id uint32) bool { return id == g.id })
	}
	x.groups[g.id] = nil
	x.gone[g.id/64] |= 1 << (g.id % 64)
	x.dead = append(x.dead, g.id)
	if at := x.codeAt[g.id]; at != 0 {
		x.codeAt[g.id] = 0
		x.idle++
		delete(x.matchers, g.id)
	}
	x.tree.read(g.expr, &x.terms)
	for _, n := range x.tree.held { // once for this reading, once for that of enter
		x.terms.release(n)
		x.terms.release(n)
	}
}

// tune looks, in turn, at up to n groups whether other terms have become their rarest ones. The next seal posts those anew: what
// they are posted under until then is right too.
func (x *index) tune(n int) {
	x.settle()
	x.show()
	for range min(n, len(x.groups)) {
		x.turn = (x.turn + 1) % len(x.groups)
		g := x.groups[x.turn]
		if g == nil || g.posted == 0 {
			continue
		}
		root := x.tree.read(g.expr, &x.terms)
		for _, n := range x.tree.held {
			x.terms.release(n) // the group holds them
		}
		cover := x.coverer().of(&x.tree, root)
		sum := sumOf(cover.any)
		if sum == g.posted {
			continue
		}
		g.posted = sum
		if undecided(cover.any) {
			x.compile(g, root)
		}
		m := move{id: g.id}
		for _, p := range cover.any {
			m.to = append(m.to, looseNode{post: p.post(g.id, len(cover.any) > 1), term: p.term})
		}
		x.moves = append(x.moves, m)
	}
	x.proposeSeal()
}

// move is a group to be posted anew.
type move struct {
	id uint32
	to []looseNode
}
