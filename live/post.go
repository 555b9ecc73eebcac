package live

import (
	"slices"

	"birdwatch/query"
)

// post is a candidate: second and third are further terms that it needs, 0 for none. Having them is the whole query of the group ref,
// or ref says with the bit postProgram where the program is that decides.
type post struct {
	second uint32
	third  uint32 // with the bit notThere: one that it must not have
	ref    uint32
}

const (
	notThere    = 1 << 31
	postProgram = 1 << 31
)

// loose are the posts that are not sealed yet, linked from their terms.
type loose struct {
	first []uint32 // by the last bits of terms: the newest node of those; 0 for none
	nodes []looseNode
	code  []uint32 // their programs, and those of the groups that are always tried
}

type looseNode struct {
	post
	next uint32
	term uint32
}

// leastChains is a power of two, as all numbers of chains are.
const leastChains = 64

func newLoose(n int) loose {
	return loose{first: make([]uint32, leastChains), nodes: make([]looseNode, 1, 1+n)}
}

// chain is where the newest node is that may be a term's.
func (l *loose) chain(term uint32) *uint32 { return &l.first[term&uint32(len(l.first)-1)] }

func (l *loose) add(term uint32, p post) {
	l.nodes = append(l.nodes, looseNode{post: p, term: term})
	if len(l.nodes) <= len(l.first) {
		l.link(uint32(len(l.nodes) - 1))
		return
	}
	l.first = make([]uint32, 2*len(l.first)) // so that of other terms' nodes there is one in a chain, on average
	for n := range l.nodes[1:] {
		l.link(uint32(n + 1))
	}
}

func (l *loose) link(n uint32) {
	first := l.chain(l.nodes[n].term)
	l.nodes[n].next, *first = *first, n
}

// cut forgets the nodes before n, and keeps the others with their programs, and those at the places always, which move.
func (l *loose) cut(n int, always []uint32) {
	rest := l.nodes[n:]
	programs := copier{from: l.code}
	for i, at := range always {
		always[i] = programs.place(at)
	}
	*l = newLoose(len(rest))
	for _, r := range rest {
		l.add(r.term, programs.post(r.post))
	}
	l.code = programs.to
}

// enter reads a new group's query and posts it. Its terms are held until withdraw.
func (x *index) enter(id uint32, g *group) {
	for int(id/64) >= len(x.gone) {
		x.gone, x.work.tried = extended(x.gone, allIDs), extended(x.work.tried, 0)
	}
	x.gone.unset(id)
	root := x.tree.read(g.expr, &x.terms)
	if x.tree.ranges {
		x.ranges++
	}
	cover := x.coverer().of(&x.tree, root)
	g.posted = sumOf(cover.any)
	if len(cover.any) == 0 {
		x.always = append(x.always, uint32(len(x.loose.code)))
	}
	var posts []looseNode
	posts, x.loose.code = x.posts(id, g.expr, root, cover.any, x.loose.code)
	for _, p := range posts {
		x.loose.add(p.term, p.post)
	}
}

func (x *index) coverer() *coverer { return &coverer{&x.terms, &x.common} }

// posts are a group's; the program that they need, if any, is appended to code. The slice is used again by the next call.
func (x *index) posts(id uint32, e query.Expr, root int32, pivots []pivot, code []uint32) ([]looseNode, []uint32) {
	ref := id
	undecided := len(pivots) == 0 || slices.ContainsFunc(pivots, func(p pivot) bool { return !p.decided })
	if many := len(pivots) > 1; undecided || many {
		ref = postProgram | uint32(len(code))
		head := id
		if many {
			head |= programMany
		}
		code = append(code, head)
		switch {
		case !undecided:
			code = append(code, opTrue)
		case x.tree.hard:
			x.matchers[id] = query.NewMatcher(e)
			code = append(code, opMatcher)
		default:
			code = x.tree.code(code, root)
		}
	}
	x.posted = x.posted[:0]
	for _, p := range pivots {
		x.posted = append(x.posted, looseNode{post: post{p.second, p.third, ref}, term: p.term})
	}
	return x.posted, code
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
func (x *index) withdraw(id uint32, g *group) {
	if g.posted == 0 {
		x.always = slices.DeleteFunc(x.always, func(at uint32) bool { return x.loose.code[at]&idMask == id })
	}
	x.gone.set(id)
	x.dead = append(x.dead, id)
	delete(x.matchers, id)
	x.tree.read(g.expr, &x.terms)
	if x.tree.ranges {
		x.ranges--
	}
	for _, n := range x.tree.held { // once for this reading, once for that of enter
		x.terms.release(n)
		x.terms.release(n)
	}
	g.expr = nil
}

// tune looks, in turn, at up to n groups whether other terms have become their rarest ones. The next seal posts those anew: what
// they are posted under until then is right too.
func (x *index) tune(n int) {
	x.settle()
	x.show()
	first, ok := x.gone.lacks(x.turn)
	for id := first; ok && n > 0; n-- {
		x.retune(id)
		x.turn = id + 1
		if id, _ = x.gone.lacks(x.turn); id == first {
			break
		}
	}
	x.proposeSeal()
}

func (x *index) retune(id uint32) {
	g := x.group(id)
	if g.posted == 0 {
		return
	}
	root := x.tree.read(g.expr, &x.terms)
	for _, n := range x.tree.held {
		x.terms.release(n) // the group holds them
	}
	cover := x.coverer().of(&x.tree, root)
	sum := sumOf(cover.any)
	if sum == g.posted {
		return
	}
	g.posted = sum
	m := move{id: id}
	m.to, m.code = x.posts(id, g.expr, root, cover.any, nil)
	m.to = slices.Clone(m.to)
	x.moves = append(x.moves, m)
}

// move is a group to be posted anew.
type move struct {
	id   uint32
	to   []looseNode
	code []uint32 // what the references in to refer to
}
