package pack

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes of a text are looked at together.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// has marks the bytes of w that are c by their highest bits. The first mark is right, those behind it may be wrong.
func has(w uint64, c byte) uint64 {
	w ^= ones * uint64(c)
	return (w - ones) &^ w & highs
}

// plainWords goes on from i by eight bytes at a time while no style escapes any of them. It stops at a few others too.
func plainWords(text []byte, i int) int {
	for ; i+8 <= len(text); i += 8 {
		if special(binary.LittleEndian.Uint64(text[i:])) {
			return i
		}
	}
	if i < len(text) && len(text) >= 8 && !special(binary.LittleEndian.Uint64(text[len(text)-8:])) {
		return len(text)
	}
	return i
}

// special reports whether there are bytes that some style escapes, or a few others, among eight.
func special(w uint64) bool {
	const angles = '<'&^0x60 | 2 // what <, > and \ have in common
	amp, slash, quote, angle := w^ones*'&', w^ones*'/', w^ones*'"', (w&^(ones*0x60)|ones*2)^ones*angles
	return (w|(w-ones*' ')|(amp-ones)&^amp|(slash-ones)&^slash|(quote-ones)&^quote|(angle-ones)&^angle)&highs != 0
}

// endOfString is the place behind the string that begins at i; -1 where it has no end.
func endOfString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		if i+8 <= len(text) {
			w := binary.LittleEndian.Uint64(text[i:])
			found := has(w, '"') | has(w, '\\')
			if found == 0 {
				i += 7
				continue
			}
			i += bits.TrailingZeros64(found) / 8
		}
		switch text[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}
