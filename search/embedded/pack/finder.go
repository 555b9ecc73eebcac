package pack

import "encoding/binary"

const mix = 0x9E3779B97F4A7C15

func (s *sealer) hash(v value) uint64 {
	if !v.isText {
		return uint64(v.n) * mix
	}
	text := s.texts.of(v)
	h := uint64(len(text))
	for ; len(text) >= 8; text = text[8:] {
		h = (h ^ binary.LittleEndian.Uint64(text)) * mix
		h ^= h >> 29
	}
	for _, c := range text {
		h = (h ^ uint64(c)) * mix
	}
	return h
}

func headKey(b []byte) uint64 { return binary.LittleEndian.Uint64(b) * mix }
func tailKey(b []byte) uint64 {
	return binary.LittleEndian.Uint64(b[len(b)-affixKey:]) * mix
}

func commonHead(a, b []byte) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func commonTail(a, b []byte) (n int) {
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// finder finds what was put under a hash since it was cleared. The first one put stays.
type finder struct {
	slots []slot
	round uint32
	used  int
}

type slot struct {
	hash  uint64
	round uint32
	at    int32
}

func (f *finder) clear() {
	if f.round++; f.round == 0 || f.slots == nil {
		f.slots, f.round = make([]slot, 1024), 1
	}
	f.used = 0
}

func (f *finder) find(hash uint64, is func(at int) bool) (int, bool) {
	mask := uint64(len(f.slots) - 1)
	for i := (hash >> 20) & mask; f.slots[i].round == f.round; i = (i + 1) & mask {
		if f.slots[i].hash == hash && (is == nil || is(int(f.slots[i].at))) {
			return int(f.slots[i].at), true
		}
	}
	return 0, false
}

func (f *finder) put(hash uint64, at int) {
	if 2*f.used >= len(f.slots) {
		old, round := f.slots, f.round
		f.slots, f.used, f.round = make([]slot, 2*len(old)), 0, 1
		for _, s := range old {
			if s.round == round {
				f.put(s.hash, int(s.at))
			}
		}
	}
	mask := uint64(len(f.slots) - 1)
	i := (hash >> 20) & mask
	for ; f.slots[i].round == f.round; i = (i + 1) & mask {
		if f.slots[i].hash == hash {
			return
		}
	}
	f.slots[i] = slot{hash, f.round, int32(at)}
	f.used++
}
