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
}

// sealJob is a seal to be made. Whoever makes it touches nothing of the index.
type sealJob struct {
	root  sealed
	loose []looseNode
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
	x.sealing.Store(&sealJob{root: x.root, loose: slices.Clone(x.loose.nodes[1:]), dead: slices.Clone(x.dead), moves: x.moves,
		taken: len(x.loose.nodes) - 1, size: len(x.terms.uses) + 1})
	x.moves = nil
	select {
	case x.wake <- struct{}{}:
	default:
	}
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

// fresh gives the posts that the seal adds, by term and second, and the groups whose older posts it drops.
func (j *sealJob) fresh() (nodes []looseNode, gone map[uint32]bool) {
	gone = map[uint32]bool{}
	for _, id := range j.dead {
		gone[id] = true
	}
	moved := map[uint32][]looseNode{} // of two moves the later one holds
	for _, m := range j.moves {
		if !gone[m.id] {
			moved[m.id] = m.to
		}
	}
	for id := range moved {
		gone[id] = true
	}
	nodes = slices.DeleteFunc(j.loose, func(n looseNode) bool { return gone[n.id&idMask] })
	for _, id := range slices.Sorted(maps.Keys(moved)) {
		nodes = append(nodes, moved[id]...)
	}
	slices.SortFunc(nodes, func(a, b looseNode) int { return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.second, b.second)) })
	return nodes, gone
}

func (j *sealJob) seal() sealed {
	fresh, gone := j.fresh()
	s := sealed{posts: make([]post, 0, len(j.root.posts)+len(fresh)), start: make([]uint32, j.size)}
	for term := range uint32(j.size - 1) {
		s.start[term] = uint32(len(s.posts))
		var old []post
		if int(term)+1 < len(j.root.start) {
			old = j.root.posts[j.root.start[term]:j.root.start[term+1]]
		}
		for _, p := range old {
			for len(fresh) > 0 && fresh[0].term == term && fresh[0].second < p.second {
				s.posts, fresh = append(s.posts, fresh[0].post), fresh[1:]
			}
			if len(gone) == 0 || !gone[p.id&idMask] {
				s.posts = append(s.posts, p)
			}
		}
		for len(fresh) > 0 && fresh[0].term == term {
			s.posts, fresh = append(s.posts, fresh[0].post), fresh[1:]
		}
	}
	s.start[j.size-1] = uint32(len(s.posts))
	s.posts = slices.Clip(s.posts)
	return s
}

// takeSeal takes a finished seal over: what it has is loose no more, and ids that it let go can be used again.
func (x *index) takeSeal() {
	job := x.sealing.Load()
	if job == nil || !job.done {
		return
	}
	x.root = job.made
	x.loose.cut(1 + job.taken)
	x.dead = slices.Delete(x.dead, 0, len(job.dead))
	x.sealing.Store(nil)
	x.packCode()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.free = append(x.free, job.dead...)
}

// packCode closes the gaps that programs of groups leave that went.
func (x *index) packCode() {
	if x.idle < leastSeal || x.idle < len(x.groups)/4 {
		return
	}
	x.idle = 0
	old := x.code
	x.code = append(make([]uint32, 0, len(old)/2), opFalse)
	for id, g := range x.groups {
		if at := x.codeAt[id]; g != nil && at != 0 {
			x.codeAt[id] = uint32(len(x.code))
			x.code = append(x.code, old[at:end(old, int(at))]...)
		}
	}
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
