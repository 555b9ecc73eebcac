package live

import (
	"hash/maphash"
	"strings"
)

// dictionary numbers the terms that queries name, from 1. A word that no query has costs one probe. The seed is random:
// queries come from strangers.
type dictionary struct {
	seed maphash.Seed
	slots[dictSlot]
}

// dictSlot holds a part of the text's hash, which also says where the search for it begins; number 0 is an empty slot.
type dictSlot struct {
	hash   uint32
	number uint32
}

func (s dictSlot) slotHash() uint32 { return s.hash }

func newDictionary() dictionary { return dictionary{maphash.MakeSeed(), newSlots[dictSlot](67)} }

func (d *dictionary) hash(text []byte) uint32 { return uint32(maphash.Bytes(d.seed, text)) }

// find gives the number of a text; 0 when no query names it. texts are those of all numbers.
func (d *dictionary) find(texts []string, text []byte) uint32 {
	hash := d.hash(text)
	mask := uint32(len(d.at) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := d.at[i]
		if s.number == 0 {
			return 0
		}
		if s.hash == hash && texts[s.number] == string(text) {
			return s.number
		}
	}
}

// put adds a text that find does not know, under a number.
func (d *dictionary) put(text string, number uint32) { d.slots.put(d.slot(text, number)) }

// drop takes a text out, with its number.
func (d *dictionary) drop(text string, number uint32) { d.slots.drop(d.slot(text, number)) }

func (d *dictionary) slot(text string, number uint32) dictSlot {
	return dictSlot{uint32(maphash.String(d.seed, text)), number}
}

// copies are texts that lie side by side, so that comparing one seldom waits for memory, and that keep no query's memory alive.
type copies struct{ page strings.Builder }

// pageSize is how much of memory one text keeps at most, beside itself.
const pageSize = 4096

func (c *copies) of(text string) string {
	if c.page.Len()+len(text) > c.page.Cap() {
		c.page = strings.Builder{}
		c.page.Grow(max(pageSize, len(text)))
	}
	from := c.page.Len()
	c.page.WriteString(text)
	return c.page.String()[from:]
}
