package pack

import (
	"bytes"
	"hash/maphash"
)

// A path stands between two values of a form, or before its first, or behind its last. Which one comes next is found by comparing the text with
// what came there in other forms, which takes less than reading it.
type path struct {
	part   []byte // the bytes that stand there
	ends   bool   // the form
	hash   uint64 // of the part
	more   forks  // what came behind the value that follows
	inside spot   // the value, where it was a form
}

// spot is a place where forms stood.
type spot struct {
	begin forks
	paths map[string]*path // all that are in them
}

// forks are the paths that were met next, the last used first.
type forks []*path

const (
	forksMost = 16      // at one place
	pathBytes = 2 << 20 // of all that a scanner knows, about
)

// follow gives the path that a text begins with; nil for one that is not known here.
func (f forks) follow(text []byte) *path {
	for i, p := range f {
		n := len(p.part)
		if bytes.HasPrefix(text, p.part) && (p.ends || n < len(text) && beginsValue[text[n]]) {
			if i > 0 {
				f[i], f[0] = f[0], p
			}
			return p
		}
	}
	return nil
}

// known is a shape that was met, and its numbers in the front and the back, in the sealer's rounds.
type known struct {
	shape
	number [2]int
	round  [2]uint64
}

// paths are all that a scanner knows. They outlive blocks, as what comes in one comes in the next.
type paths struct {
	root   spot
	shapes map[uint64]*known // by the hash of their paths; where two were one, Seal would find that the tweet does not come back
	seed   maphash.Seed
	bytes  int
}

// bound begins anew when too much is remembered.
func (p *paths) bound() {
	if p.bytes > pathBytes || p.shapes == nil {
		*p = paths{shapes: map[uint64]*known{}, seed: maphash.MakeSeed()}
	}
}

// add makes a path known among those that come next at a place.
func (p *paths) add(in *spot, next *forks, part []byte, ends bool) *path {
	n := in.paths[string(part)]
	if n == nil {
		n = &path{part: bytes.Clone(part), ends: ends, hash: maphash.Bytes(p.seed, part)}
		if in.paths == nil {
			in.paths = map[string]*path{}
		}
		in.paths[string(n.part)] = n
		p.bytes += len(part) + 256
	}
	if len(*next) < forksMost {
		*next = append(*next, n)
	} else {
		(*next)[forksMost-1] = n
	}
	return n
}

// shape gives the shape that a form's paths make.
func (p *paths) shape(way []*path) *known {
	var h uint64
	for _, s := range way {
		h = (h ^ s.hash) * mix
		h ^= h >> 29
	}
	k := p.shapes[h]
	if k == nil {
		var text []byte
		for i, s := range way {
			if i > 0 {
				text = append(text, hole)
			}
			text = append(text, s.part...)
		}
		k = &known{}
		k.cut(text)
		p.shapes[h] = k
		p.bytes += 4 * len(text)
	}
	return k
}
