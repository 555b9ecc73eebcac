package live

import "hash/maphash"

// table finds groups by their queries' texts, which are not kept: a hash is, and those that share it are compared.
type table struct {
	seed  maphash.Seed
	slots []*group // open addressing, linear; a power of two
	used  int
}

func newTable() table { return table{seed: maphash.MakeSeed(), slots: make([]*group, 64)} }

func (t *table) hash(text string) uint32 { return uint32(maphash.String(t.seed, text)) }

func (t *table) find(hash uint32, text string) *group {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; t.slots[i] != nil; i = (i + 1) & mask {
		if g := t.slots[i]; g.hash == hash && g.expr.String() == text {
			return g
		}
	}
	return nil
}

func (t *table) put(g *group) {
	if t.used++; t.used > len(t.slots)*2/3 {
		t.resize(len(t.slots) * 2)
	}
	t.place(g)
}

func (t *table) place(g *group) {
	mask := uint32(len(t.slots) - 1)
	i := g.hash & mask
	for t.slots[i] != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = g
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]*group, n)
	for _, g := range old {
		if g != nil {
			t.place(g)
		}
	}
}

// drop takes a group out. Those behind it move up, so that no search stops early.
func (t *table) drop(g *group) {
	mask := uint32(len(t.slots) - 1)
	i := g.hash & mask
	for t.slots[i] != g {
		i = (i + 1) & mask
	}
	for k := (i + 1) & mask; t.slots[k] != nil; k = (k + 1) & mask {
		if home := t.slots[k].hash & mask; (k-home)&mask >= (k-i)&mask {
			t.slots[i] = t.slots[k]
			i = k
		}
	}
	t.slots[i] = nil
	if t.used--; len(t.slots) > 64 && t.used < len(t.slots)/8 {
		t.resize(len(t.slots) / 2)
	}
}
