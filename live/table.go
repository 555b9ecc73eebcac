package live

import "hash/maphash"

// table finds groups by their queries' texts, which are not kept: a hash is, and those that share it are compared.
type table struct {
	seed maphash.Seed
	slots[*group]
}

func (g *group) slotHash() uint32 { return g.hash }

func newTable() table { return table{maphash.MakeSeed(), newSlots[*group](80)} }

func (t *table) hash(text string) uint32 { return uint32(maphash.String(t.seed, text)) }

func (t *table) find(hash uint32, text string) *group {
	mask := uint32(len(t.at) - 1)
	for i := hash & mask; t.at[i] != nil; i = (i + 1) & mask {
		if g := t.at[i]; g.hash == hash && g.expr.String() == text {
			return g
		}
	}
	return nil
}
