package main

import (
	"bytes"
	little "encoding/binary"
	"errors"
	"io"

	"birdwatch/tweet"
)

// needleKind is what of a tweet is looked for.
type needleKind string

const (
	needleText    needleKind = "the text"
	needlePayload needleKind = "the payload"
	needleRaw     needleKind = "the original bytes"
)

// needle is something to be looked for.
type needle struct {
	id    tweet.ID
	kind  needleKind
	bytes []byte
	at    int // where the eight bytes stand that it is found by
}

// needles finds many byte strings in one pass. The zero value finds none.
type needles struct {
	byKey   map[uint64][]*needle
	count   int
	short   int // too short
	longest int
}

// leastNeedle is the least length of what can be told from other things.
const leastNeedle = 16

func (ns *needles) add(id tweet.ID, kind needleKind, b []byte) {
	if len(b) < leastNeedle {
		if len(b) > 0 {
			ns.short++
		}
		return
	}
	if ns.byKey == nil {
		ns.byKey = map[uint64][]*needle{}
	}
	n := &needle{id: id, kind: kind, bytes: bytes.Clone(b), at: len(b)/2 - 4} // what tweets begin and end with is much alike
	key := little.LittleEndian.Uint64(n.bytes[n.at:])
	ns.byKey[key] = append(ns.byKey[key], n)
	ns.count++
	ns.longest = max(ns.longest, len(b))
}

// find tells of each needle in b, as often as it is there.
func (ns *needles) find(b []byte, each func(*needle)) {
	if ns.count == 0 {
		return
	}
	for i := 0; i+8 <= len(b); i++ {
		for _, n := range ns.byKey[little.LittleEndian.Uint64(b[i:])] {
			if from := i - n.at; from >= 0 && bytes.HasPrefix(b[from:], n.bytes) {
				each(n)
			}
		}
	}
}

// scanBytes is how much is read at once, beside the longest needle.
const scanBytes = 1 << 20

// scan is find over all that r gives; it says how much that was. A needle near a border may be told twice.
func (ns *needles) scan(r io.Reader, each func(*needle)) (read int64, err error) {
	buf := make([]byte, scanBytes+2*ns.longest)
	kept := 0
	for {
		n, err := io.ReadFull(r, buf[kept:])
		read += int64(n)
		ns.find(buf[:kept+n], each)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return read, nil
		}
		if err != nil {
			return read, err
		}
		end := kept + n
		kept = copy(buf, buf[max(end-ns.longest, 0):end])
	}
}
