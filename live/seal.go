package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// sealed are posts in one flat array, by term: those of term n are posts[start[n]:start[n+1]]. It does not change.
type sealed struct {
	posts []post
	start []uint32
	code  []uint32 // programs, in the order of the posts
}

// sealJob is a seal to be made. Whoever makes it touches nothing of the index.
type sealJob struct {
	root  sealed
	loose []looseNode
	code  []uint32 // what the loose ones refer to
	dead  []uint32
	moves []move
	taken int // how many loose ones it takes
	size  int // of the new start

	done bool
	made sealed
}

// leastSeal is how many posts, new or void, are worth a seal.
const leastSeal = 512

// proposeSeal leaves a job when there is enough to do, and none under way.
func (x *index) proposeSeal() {
	work := len(x.loose.nodes) - 1 + len(x.dead) + len(x.moves)
	if work < max(leastSeal, len(x.root.posts)/8) || x.sealing.Load() != nil {
		return
	}
	x.propose()
}

func (x *index) propose() {
	x.leave()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// leave leaves the job to whoever looks for one.
func (x *index) leave() {
	x.sealing.Store(&sealJob{root: x.root, loose: slices.Clone(x.loose.nodes[1:]), code: x.loose.code, dead: slices.Clone(x.dead), moves: x.moves,
		taken: len(x.loose.nodes) - 1, size: len(x.terms.uses) + 1})
	x.moves = nil
}

// seals makes the seals that the match proposes, until ctx ends.
func (x *index) seals(ctx context.Context) {
	for {
		select {
		case <-x.wake:
			x.seal()
		case <-ctx.Done():
			return
		}
	}
}

// seal makes the proposed seal, if there is one. The next match takes it over.
func (x *index) seal() {
	job := x.sealing.Load()
	if job == nil || job.done {
		return
	}
	made := *job
	made.made, made.done = job.seal(), true
	x.sealing.Store(&made)
	x.due.Store(true)
}

// fresh gives the posts that the seal adds, by term and second, with their programs, and the groups whose older posts it drops.
func (j *sealJob) fresh() (nodes []looseNode, code []uint32, gone map[uint32]bool) {
	gone = map[uint32]bool{}
	for _, id := range j.dead {
		gone[id] = true
	}
	moved := map[uint32]move{} // of two moves the later one holds
	for _, m := range j.moves {
		if !gone[m.id] {
			moved[m.id] = m
		}
	}
	for id := range moved {
		gone[id] = true
	}
	code = slices.Clip(j.code)
	nodes = slices.DeleteFunc(j.loose, func(n looseNode) bool { return gone[idOf(n.post, code)] })
	for _, id := range slices.Sorted(maps.Keys(moved)) {
		for _, n := range moved[id].to {
			if n.ref&postProgram != 0 {
				n.ref += uint32(len(code))
			}
			nodes = append(nodes, n)
		}
		code = append(code, moved[id].code...)
	}
	slices.SortFunc(nodes, func(a, b looseNode) int { return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.second, b.second)) })
	return nodes, code, gone
}

// idOf is the group that a post is of.
func idOf(p post, code []uint32) uint32 {
	if p.ref&postProgram != 0 {
		return code[p.ref&^postProgram] & idMask
	}
	return p.ref
}

// seal merges the fresh posts with those of the root. Programs come to lie in the order of their posts.
func (j *sealJob) seal() sealed {
	fresh, code, gone := j.fresh()
	s := sealed{posts: make([]post, 0, len(j.root.posts)+len(fresh)), start: make([]uint32, j.size), code: make([]uint32, 0, len(j.root.code)+len(code))}
	olds, news := copier{from: j.root.code}, copier{from: code}
	add := func(from *copier, p post) {
		from.to = s.code
		s.posts = append(s.posts, from.post(p))
		s.code = from.to
	}
	for term := range uint32(j.size - 1) {
		s.start[term] = uint32(len(s.posts))
		var old []post
		if int(term)+1 < len(j.root.start) {
			old = j.root.posts[j.root.start[term]:j.root.start[term+1]]
		}
		for _, p := range old {
			for len(fresh) > 0 && fresh[0].term == term && fresh[0].second < p.second {
				add(&news, fresh[0].post)
				fresh = fresh[1:]
			}
			if len(gone) == 0 || !gone[idOf(p, j.root.code)] {
				add(&olds, p)
			}
		}
		for len(fresh) > 0 && fresh[0].term == term {
			add(&news, fresh[0].post)
			fresh = fresh[1:]
		}
	}
	s.start[j.size-1] = uint32(len(s.posts))
	s.posts, s.code = fitted(s.posts), fitted(s.code)
	return s
}

// fitted is s in memory of its own size, unless what it has is hardly larger.
func fitted[T any](s []T) []T {
	if cap(s)-len(s) <= len(s)/16 {
		return s
	}
	return slices.Clone(s)
}

// takeSeal takes a finished seal over: what it has is loose no more, and ids that it let go can be used again.
func (x *index) takeSeal() {
	job := x.sealing.Load()
	if job == nil || !job.done {
		return
	}
	x.root = job.made
	x.loose.cut(1+job.taken, x.always)
	x.dead = slices.Clone(x.dead[len(job.dead):])
	x.sealing.Store(nil)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.table.groups.let(job.dead)
}

// copier copies programs from one array to another, each once.
type copier struct {
	from, to []uint32
	shared   map[uint32]uint32 // by id: where the program of several posts is now
}

// post is a post whose program is copied.
func (c *copier) post(p post) post {
	if p.ref&postProgram != 0 {
		p.ref = postProgram | c.place(p.ref&^postProgram)
	}
	return p
}

// place copies the program at a place and says where it is now.
func (c *copier) place(at uint32) uint32 {
	head := c.from[at]
	if now, ok := c.shared[head]; ok {
		return now
	}
	now := uint32(len(c.to))
	c.to = append(c.to, c.from[at:end(c.from, int(at)+1)]...)
	if head&programMany != 0 {
		if c.shared == nil {
			c.shared = map[uint32]uint32{}
		}
		c.shared[head] = now
	}
	return now
}

// end is the place behind the operation at i.
func end(code []uint32, i int) int {
	op, arg := code[i]&^argMask, int(code[i]&argMask)
	switch op {
	case opNot:
		return end(code, i+1)
	case opRange:
		return i + 5
	case opAnd, opOr, opPhrase:
		return i + 1 + arg
	}
	return i + 1
}
