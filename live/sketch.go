package live

import (
	"hash/maphash"
	"unicode/utf8"

	"birdwatch/tweet"
)

// The first tweets are all learnt from, later ones one in so many: all terms must be made of those.
const (
	learntAll = 1000
	sampled   = 32
)

// learns reports whether the next tweet is one to learn from.
func (x *index) learns() bool { return x.terms.round%sampled == 0 || x.common.learnt < learntAll }

// sketch estimates how many tweets of the stream have a term. Terms that share a counter make each other look more common,
// which costs a little time and never a match. The seed is random: queries come from strangers.
type sketch struct {
	seed       maphash.Seed
	counts     []uint32
	beginnings []uint32
	learnt     uint32
}

const (
	sketchSize     = 1 << 16
	beginningsSize = 1 << 14
	// prefixMost is how many characters of beginnings are told apart.
	prefixMost = 4
	// sketchMost is after how many tweets the counts are halved, so that they follow the stream.
	sketchMost = 1 << 18
)

func (s *sketch) learn(t *tweet.Terms) {
	if s.counts == nil {
		s.seed, s.counts, s.beginnings = maphash.MakeSeed(), make([]uint32, sketchSize), make([]uint32, beginningsSize)
	}
	if s.learnt++; s.learnt == sketchMost {
		s.learnt /= 2
		for _, counts := range [][]uint32{s.counts, s.beginnings} {
			for i := range counts {
				counts[i] /= 2
			}
		}
	}
	for i := range t.Words() {
		s.note(t.Word(i))
	}
	for i := range t.Fields() {
		s.note(t.Field(i))
	}
}

// note counts a term and its beginnings of one to prefixMost characters.
func (s *sketch) note(term []byte) {
	s.counts[maphash.Bytes(s.seed, term)%sketchSize]++
	for chars, at := 0, 0; chars < prefixMost && at < len(term); chars++ {
		_, n := utf8.DecodeRune(term[at:])
		at += n
		s.beginnings[maphash.Bytes(s.seed, term[:at])%beginningsSize]++
	}
}

func (s *sketch) count(term []byte) uint32 {
	if s.counts == nil {
		return 0
	}
	return s.counts[maphash.Bytes(s.seed, term)%sketchSize]
}

// countPrefix counts terms that begin so; of longer beginnings those that share the first characters are counted too.
func (s *sketch) countPrefix(prefix []byte) uint32 {
	if s.counts == nil {
		return 0
	}
	at := 0
	for chars := 0; chars < prefixMost && at < len(prefix); chars++ {
		_, n := utf8.DecodeRune(prefix[at:])
		at += n
	}
	return s.beginnings[maphash.Bytes(s.seed, prefix[:at])%beginningsSize]
}
