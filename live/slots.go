package live

import "math/bits"

// slots are a table of open addressing, linear, of numbers above 0. The search for one begins where the upper bits of its hash
// say; the lower ones, as many as there is room for, stand above the number, so that others are seldom looked at. Whoever has a
// table knows the hashes of its numbers again.
type slots struct {
	at    []uint32 // 0: empty
	width uint     // bits of a number
	used  int
	full  int // percent of the slots that are used at most
}

const (
	leastSlots = 64
	// manySlots is up to where a table doubles. From four times as many it grows by a quarter, which takes longer and less.
	manySlots = 4096
)

func newSlots(full int) slots { return slots{at: make([]uint32, leastSlots), full: full} }

func (s *slots) home(hash uint32) uint32 { return uint32(uint64(hash) * uint64(len(s.at)) >> 32) }

// next is the slot behind one.
func (s *slots) next(i uint32) uint32 {
	if i++; int(i) < len(s.at) {
		return i
	}
	return 0
}

// number is what a slot holds when the hash may be that of its number, and else 0.
func (s *slots) number(slot, hash uint32) uint32 {
	if n := slot & (1<<s.width - 1); slot^hash<<s.width == n {
		return n
	}
	return 0
}

// put adds a number that is not there.
func (s *slots) put(number, hash uint32, hashOf func(uint32) uint32) {
	s.used++
	n, width := len(s.at), max(s.width, uint(bits.Len32(number)))
	if s.used > n*s.full/100 {
		n += max(n/4, min(n, manySlots))
	}
	if n != len(s.at) || width != s.width {
		s.resize(n, width, hashOf)
	}
	s.place(number, hash)
}

func (s *slots) place(number, hash uint32) {
	i := s.home(hash)
	for s.at[i] != 0 {
		i = s.next(i)
	}
	s.at[i] = hash<<s.width | number
}

func (s *slots) resize(n int, width uint, hashOf func(uint32) uint32) {
	old, mask := s.at, uint32(1)<<s.width-1
	s.at, s.width = make([]uint32, n), width
	for _, slot := range old {
		if slot != 0 {
			s.place(slot&mask, hashOf(slot&mask))
		}
	}
}

// drop takes a number out that is there. Those behind it move up, so that no search stops early.
func (s *slots) drop(number, hash uint32, hashOf func(uint32) uint32) {
	i := s.home(hash)
	for s.at[i] != hash<<s.width|number {
		i = s.next(i)
	}
	n := uint32(len(s.at))
	for k := s.next(i); s.at[k] != 0; k = s.next(k) {
		// What wants a slot between i and k must stay.
		if home := s.home(hashOf(s.at[k] & (1<<s.width - 1))); (k+n-home)%n >= (k+n-i)%n {
			s.at[i] = s.at[k]
			i = k
		}
	}
	s.at[i] = 0
	if s.used--; len(s.at) > leastSlots && s.used < len(s.at)/8 {
		s.resize(max(leastSlots, len(s.at)/2), s.width, hashOf)
	}
}
