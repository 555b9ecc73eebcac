package live

import "hash/maphash"

// dictionary numbers the terms that queries name, from 1. A word that no query has costs one probe. The seed is random:
// queries come from strangers.
type dictionary struct {
	seed  maphash.Seed
	slots []dictSlot // open addressing, linear; a power of two
	used  int
}

// dictSlot holds a part of the text's hash, which also says where the search for it begins; number 0 is an empty slot.
type dictSlot struct {
	hash   uint32
	number uint32
}

func newDictionary() dictionary {
	return dictionary{seed: maphash.MakeSeed(), slots: make([]dictSlot, 64)}
}

func (d *dictionary) hash(text []byte) uint32 { return uint32(maphash.Bytes(d.seed, text)) }

// find gives the number of a text; 0 when no query names it. texts are those of all numbers.
func (d *dictionary) find(texts []string, text []byte) uint32 {
	hash := d.hash(text)
	mask := uint32(len(d.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := d.slots[i]
		if s.number == 0 {
			return 0
		}
		if s.hash == hash && texts[s.number] == string(text) {
			return s.number
		}
	}
}

// put adds a text that find does not know, under a number.
func (d *dictionary) put(text string, number uint32) {
	if d.used++; d.used > len(d.slots)/2 {
		d.resize(len(d.slots) * 2)
	}
	d.place(dictSlot{uint32(maphash.String(d.seed, text)), number})
}

func (d *dictionary) place(s dictSlot) {
	mask := uint32(len(d.slots) - 1)
	i := s.hash & mask
	for d.slots[i].number != 0 {
		i = (i + 1) & mask
	}
	d.slots[i] = s
}

func (d *dictionary) resize(n int) {
	old := d.slots
	d.slots = make([]dictSlot, n)
	for _, s := range old {
		if s.number != 0 {
			d.place(s)
		}
	}
}

// drop takes a number out. The slots behind it move up, so that no search stops early.
func (d *dictionary) drop(text string, number uint32) {
	mask := uint32(len(d.slots) - 1)
	i := uint32(maphash.String(d.seed, text)) & mask
	for d.slots[i].number != number {
		i = (i + 1) & mask
	}
	for k := (i + 1) & mask; d.slots[k].number != 0; k = (k + 1) & mask {
		// What wants a slot between i and k must stay.
		if home := d.slots[k].hash & mask; (k-home)&mask >= (k-i)&mask {
			d.slots[i] = d.slots[k]
			i = k
		}
	}
	d.slots[i] = dictSlot{}
	d.used--
	if len(d.slots) > 64 && d.used < len(d.slots)/8 {
		d.resize(len(d.slots) / 2)
	}
}
