package live

import (
	"hash/maphash"

	"birdwatch/tweet"
)

// sampled: one in so many tweets is learnt from.
const sampled = 8

// sketch estimates how many tweets of the stream have a term. Terms that share a counter make each other look more common,
// which costs a little time and never a match. The seed is random: queries come from strangers.
type sketch struct {
	seed   maphash.Seed
	counts []uint32
	learnt uint32
}

const (
	sketchSize = 1 << 16
	// sketchMost is after how many tweets the counts are halved, so that they follow the stream.
	sketchMost = 1 << 20
)

func (s *sketch) learn(t *tweet.Terms) {
	if s.counts == nil {
		s.seed, s.counts = maphash.MakeSeed(), make([]uint32, sketchSize)
	}
	if s.learnt++; s.learnt == sketchMost {
		s.learnt /= 2
		for i := range s.counts {
			s.counts[i] /= 2
		}
	}
	for i := range t.Words() {
		s.counts[maphash.Bytes(s.seed, t.Word(i))%sketchSize]++
	}
	for i := range t.Fields() {
		s.counts[maphash.Bytes(s.seed, t.Field(i))%sketchSize]++
	}
}

func (s *sketch) count(term string) uint32 {
	if s.counts == nil {
		return 0
	}
	return s.counts[maphash.String(s.seed, term)%sketchSize]
}
