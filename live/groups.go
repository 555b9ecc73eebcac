package live

import (
	"math/bits"

	"birdwatch/query"
)

// group is one query with all who ask it.
type group struct {
	expr    query.Expr
	hash    uint32 // of the query's text
	born    uint32
	holders int32 // guarded by index.mu

	// Of the goroutine that matches.
	posted uint32 // sum of its pivots; 0 for one that is always tried
}

// groupKey names a group for as long as anyone remembers it: ids are used again, keys are not.
type groupKey struct{ id, born uint32 }

// slabSize is how many groups lie together. Of so many the memory is used to the last byte: what is larger has a header, and the room for it.
const slabSize = 16

type slab [slabSize]group

// groups are all by their ids.
type groups struct {
	slabs []*slab  // nil where all ids are free
	free  []uint16 // by slab: a bit for each id
	low   int      // no slab before it has a free id
	born  uint32
}

// allFree are the bits of a slab without groups.
const allFree = 1<<slabSize - 1

func (s *groups) at(id uint32) *group { return &s.slabs[id/slabSize][id%slabSize] }

// take gives the lowest id that is free, so that the last slabs run empty as groups come and go. It is free no more.
func (s *groups) take() (groupKey, *group) {
	for s.low < len(s.free) && s.free[s.low] == 0 {
		s.low++
	}
	if s.low == len(s.free) {
		s.slabs, s.free = extended(s.slabs, nil), extended(s.free, allFree)
	}
	if s.slabs[s.low] == nil {
		s.slabs[s.low] = new(slab)
	}
	id := uint32(s.low*slabSize + bits.TrailingZeros16(s.free[s.low]))
	s.free[s.low] &^= 1 << (id % slabSize)
	s.born++
	return groupKey{id, s.born}, s.at(id)
}

// let makes ids free, which nothing refers to any more.
func (s *groups) let(ids []uint32) {
	for _, id := range ids {
		at := int(id / slabSize)
		s.free[at] |= 1 << (id % slabSize)
		s.low = min(s.low, at)
		if s.free[at] == allFree {
			s.slabs[at] = nil
		}
	}
}

// idSet has a bit for each id.
type idSet []uint64

// allIDs is a word of a set that has all.
const allIDs = ^uint64(0)

func (b idSet) has(id uint32) bool { return b[id/64]&(1<<(id%64)) != 0 }
func (b idSet) set(id uint32)      { b[id/64] |= 1 << (id % 64) }
func (b idSet) unset(id uint32)    { b[id/64] &^= 1 << (id % 64) }

// lacks gives the first id from one on that is not in the set, or else the first of all; none when it has all.
func (b idSet) lacks(from uint32) (id uint32, ok bool) {
	for at := from; int(at/64) < len(b); at = (at/64 + 1) * 64 {
		if rest := ^b[at/64] >> (at % 64); rest != 0 {
			return at + uint32(bits.TrailingZeros64(rest)), true
		}
	}
	if from == 0 {
		return 0, false
	}
	return b.lacks(0)
}
