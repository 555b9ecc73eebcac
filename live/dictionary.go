package live

import "hash/maphash"

// dictionary numbers the terms that queries name, from 1. It is half full at most: a word that no query has, which is what is mostly looked
// for, costs a probe or two. The seed is random: queries come from strangers.
type dictionary struct {
	seed maphash.Seed
	slots
}

func newDictionary() dictionary { return dictionary{maphash.MakeSeed(), newSlots(50)} }

func (d *dictionary) hash(text []byte) uint32 { return uint32(maphash.Bytes(d.seed, text)) }

// find gives the number of a text; 0 when no query names it. While queries are few, most of a match is done here.
func (d *dictionary) find(texts *texts, text []byte) uint32 {
	hash := d.hash(text)
	at, tag, mask := d.at, hash<<(d.width&31), uint32(1)<<(d.width&31)-1
	for i := int(uint64(hash) * uint64(len(at)) >> 32); ; {
		slot := at[i]
		if slot == 0 {
			return 0
		}
		if n := slot & mask; slot^tag == n && texts.is(n, text) {
			return n
		}
		if i++; i == len(at) {
			i = 0
		}
	}
}

// put adds a number, whose text find does not know.
func (d *dictionary) put(texts *texts, number uint32) {
	hashOf := d.hashOf(texts)
	d.slots.put(number, hashOf(number), hashOf)
}

// drop takes a number out, which still has its text.
func (d *dictionary) drop(texts *texts, number uint32) {
	hashOf := d.hashOf(texts)
	d.slots.drop(number, hashOf(number), hashOf)
}

func (d *dictionary) hashOf(texts *texts) func(uint32) uint32 {
	return func(n uint32) uint32 { return uint32(maphash.Bytes(d.seed, texts.of(n))) }
}
