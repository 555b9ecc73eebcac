package live

import "encoding/binary"

// texts are those of terms, by number. They lie side by side, each behind its length, so that comparing one seldom waits for memory, and
// keep no query's memory alive.
type texts struct {
	place []uint32 // by number; 0: it has none
	bytes []byte
	waste int // bytes of texts that went
}

// longText stands for the length of texts that are no shorter, which then follows in four bytes.
const longText = 255

// leastWaste is how much is worth to be cleared away.
const leastWaste = 4096

func newTexts() texts { return texts{place: make([]uint32, 1), bytes: make([]byte, 1)} }

// of is valid until another text comes or goes.
func (t *texts) of(n uint32) []byte {
	text := t.bytes[t.place[n]:]
	if length := int(text[0]); length < longText {
		return text[1 : 1+length]
	}
	return text[5 : 5+binary.LittleEndian.Uint32(text[1:])]
}

// is reports whether a number has a text, which is quicker than to look at the number's own.
func (t *texts) is(n uint32, text []byte) bool {
	at := int(t.place[n])
	if end := at + 1 + len(text); len(text) < longText && end <= len(t.bytes) {
		return int(t.bytes[at]) == len(text) && string(t.bytes[at+1:end]) == string(text)
	}
	return string(t.of(n)) == string(text)
}

func (t *texts) set(n uint32, text string) {
	for int(n) >= len(t.place) {
		t.place = extended(t.place, 0)
	}
	t.place[n] = uint32(len(t.bytes))
	if length := uint32(len(text)); length < longText {
		t.bytes = extended(t.bytes, byte(length))
	} else {
		t.bytes = extended(t.bytes, longText, byte(length), byte(length>>8), byte(length>>16), byte(length>>24))
	}
	t.bytes = extended(t.bytes, []byte(text)...)
}

func (t *texts) drop(n uint32) {
	t.waste += t.size(n)
	t.place[n] = 0
	if t.waste > leastWaste && t.waste > len(t.bytes)/2 {
		t.clear()
	}
}

// size is how many bytes a text takes, with its length.
func (t *texts) size(n uint32) int {
	length := len(t.of(n))
	if length < longText {
		return length + 1
	}
	return length + 5
}

// clear moves the texts together.
func (t *texts) clear() {
	kept := make([]byte, 1, len(t.bytes)-t.waste)
	for n, at := range t.place {
		if at != 0 {
			from, size := int(at), t.size(uint32(n))
			t.place[n] = uint32(len(kept))
			kept = append(kept, t.bytes[from:from+size]...)
		}
	}
	t.bytes, t.waste = kept, 0
}

// extended is append that takes a sixteenth more room than is needed, not a quarter and more.
func extended[T any](s []T, more ...T) []T {
	if n := len(s) + len(more); n > cap(s) {
		s = append(make([]T, 0, n+n/16+16), s...)
	}
	return append(s, more...)
}
