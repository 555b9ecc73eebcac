package live

import (
	"hash/maphash"
	"strings"
)

// dictionary numbers the terms that queries name, from 1. A word that no query has costs one probe. The seed is random:
// queries come from strangers.
type dictionary struct {
	seed maphash.Seed
	slots
}

func newDictionary() dictionary { return dictionary{maphash.MakeSeed(), newSlots(67)} }

func (d *dictionary) hash(text []byte) uint32 { return uint32(maphash.Bytes(d.seed, text)) }

// find gives the number of a text; 0 when no query names it. texts are those of all numbers.
func (d *dictionary) find(texts []string, text []byte) uint32 {
	hash := d.hash(text)
	for i := d.home(hash); d.at[i] != 0; i = d.next(i) {
		if n := d.number(d.at[i], hash); n != 0 && texts[n] == string(text) {
			return n
		}
	}
	return 0
}

// put adds a number, whose text find does not know.
func (d *dictionary) put(texts []string, number uint32) {
	hashOf := d.hashOf(texts)
	d.slots.put(number, hashOf(number), hashOf)
}

// drop takes a number out, which still has its text.
func (d *dictionary) drop(texts []string, number uint32) {
	hashOf := d.hashOf(texts)
	d.slots.drop(number, hashOf(number), hashOf)
}

func (d *dictionary) hashOf(texts []string) func(uint32) uint32 {
	return func(n uint32) uint32 { return uint32(maphash.String(d.seed, texts[n])) }
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
