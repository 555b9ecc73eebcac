package live

import "hash/maphash"

// table finds groups by their queries' texts, which are not kept: a hash is, and those that share it are compared.
type table struct {
	seed   maphash.Seed
	slots  // of ids, and one more
	groups groups
}

func newTable() table { return table{seed: maphash.MakeSeed(), slots: newSlots(80)} }

func (t *table) hash(text string) uint32 { return uint32(maphash.String(t.seed, text)) }

func (t *table) hashOf(number uint32) uint32 { return t.groups.at(number - 1).hash }

func (t *table) find(hash uint32, text string) (uint32, bool) {
	for i := t.home(hash); t.at[i] != 0; i = t.next(i) {
		if n := t.number(t.at[i], hash); n != 0 {
			if g := t.groups.at(n - 1); g.hash == hash && g.expr.String() == text {
				return n - 1, true
			}
		}
	}
	return 0, false
}
