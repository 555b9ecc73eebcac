package live

// hashed is what slots hold; its zero value is an empty slot.
type hashed interface {
	comparable
	slotHash() uint32
}

// slots are a table of open addressing, linear, whose size is a power of two. Where the search for one begins its hash says.
type slots[E hashed] struct {
	at   []E
	used int
	full int // percent of the slots that are used at most
}

const leastSlots = 64

func newSlots[E hashed](full int) slots[E] { return slots[E]{at: make([]E, leastSlots), full: full} }

// put adds one that is not there.
func (s *slots[E]) put(e E) {
	if s.used++; s.used > len(s.at)*s.full/100 {
		s.resize(len(s.at) * 2)
	}
	s.place(e)
}

func (s *slots[E]) place(e E) {
	var empty E
	mask := uint32(len(s.at) - 1)
	i := e.slotHash() & mask
	for s.at[i] != empty {
		i = (i + 1) & mask
	}
	s.at[i] = e
}

func (s *slots[E]) resize(n int) {
	var empty E
	old := s.at
	s.at = make([]E, n)
	for _, e := range old {
		if e != empty {
			s.place(e)
		}
	}
}

// drop takes one out that is there. Those behind it move up, so that no search stops early.
func (s *slots[E]) drop(e E) {
	var empty E
	mask := uint32(len(s.at) - 1)
	i := e.slotHash() & mask
	for s.at[i] != e {
		i = (i + 1) & mask
	}
	for k := (i + 1) & mask; s.at[k] != empty; k = (k + 1) & mask {
		// What wants a slot between i and k must stay.
		if home := s.at[k].slotHash() & mask; (k-home)&mask >= (k-i)&mask {
			s.at[i] = s.at[k]
			i = k
		}
	}
	s.at[i] = empty
	if s.used--; len(s.at) > leastSlots && s.used < len(s.at)/8 {
		s.resize(len(s.at) / 2)
	}
}
