package format

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// maxBzBlock bounds a packed block, which is not larger than its 900,000 bytes by much.
const maxBzBlock = 2 << 20

var (
	errBzHeader = errors.New("bzip2: what follows the end is no bzip2")
	errBzMark   = errors.New("bzip2: a stream begins with neither a block nor its end")
	errBzBlock  = fmt.Errorf("bzip2: a block is longer than %d bytes", maxBzBlock)
)

// bzSplitter finds the blocks of bzip2 streams that follow on one another. Their marks may stand at any bit.
type bzSplitter struct {
	in     *bufio.Reader
	level  byte   // of the stream; 0 between two
	buf    []byte // from the block's first byte
	start  int    // bit of buf where the block begins
	pos    int    // bit of buf that comes next
	inside bool   // of a block
	seen   int    // bits of this stream, up to 48
	window uint64 // the last of them
	sum    uint32 // of the stream's blocks, as they say
	ended  *bzBlock
}

// next gives the next block, the end of a stream, or why there is none.
func (s *bzSplitter) next() *bzBlock {
	if b := s.ended; b != nil {
		s.ended = nil
		return b
	}
	if s.level == 0 {
		if err := s.header(); err != nil {
			return &bzBlock{last: err}
		}
	}
	for {
		if err := s.bit(); err != nil {
			return &bzBlock{last: err}
		}
		if s.seen < bzMarkBits {
			continue
		}
		switch s.window & bzMask {
		case bzBlockMark:
			if b := s.cut(); b != nil {
				return b
			}
		case bzEndMark:
			if end := s.end(); end != nil {
				b := s.cut()
				if s.level = 0; b == nil {
					return end
				}
				s.ended = end
				return b
			}
		}
		if !s.inside {
			return &bzBlock{last: errBzMark}
		}
	}
}

// header takes "BZh9".
func (s *bzSplitter) header() error {
	head, err := s.in.Peek(4)
	switch {
	case len(head) == 0:
		return err
	case len(head) < 4:
		return io.ErrUnexpectedEOF
	case !isBzHeader(head):
		return errBzHeader
	}
	*s = bzSplitter{in: s.in, level: head[3], buf: s.buf[:0]}
	_, err = s.in.Discard(4)
	return err
}

func isBzHeader(b []byte) bool {
	return len(b) >= 4 && string(b[:3]) == "BZh" && '1' <= b[3] && b[3] <= '9'
}

func (s *bzSplitter) bit() error {
	if s.pos == len(s.buf)*8 {
		c, err := s.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if len(s.buf) > maxBzBlock {
			return errBzBlock
		}
		s.buf = append(s.buf, c)
	}
	s.window = s.window<<1 | uint64(s.buf[s.pos>>3]>>(7-s.pos&7)&1)
	s.pos++
	s.seen = min(s.seen+1, bzMarkBits)
	return nil
}

// cut gives the block that ends before the mark that was just read, and begins the next with it; nil when there was none.
func (s *bzSplitter) cut() *bzBlock {
	var b *bzBlock
	at := s.pos - bzMarkBits
	if s.inside {
		b = &bzBlock{level: s.level}
		b.packed.b = make([]byte, 0, len(s.buf)+8)
		b.packed.addFrom(s.buf, s.start, at-s.start)
		s.sum = bits.RotateLeft32(s.sum, 1) ^ b.packed.sum()
	}
	drop := at >> 3
	s.buf = append(s.buf[:0], s.buf[drop:]...)
	s.start, s.pos, s.inside = at-drop*8, s.pos-drop*8, true
	return b
}

// end gives the end of the stream whose mark was just read; nil when that stood in a block by chance: then neither is the stream's
// checksum behind it right, nor what follows that.
func (s *bzSplitter) end() *bzBlock {
	rest := bzBits{}
	rest.addFrom(s.buf, s.pos, len(s.buf)*8-s.pos)
	need := (32 - rest.n + 7) / 8
	ahead, _ := s.in.Peek(need + 4)
	if len(ahead) < need {
		return nil
	}
	rest.addFrom(ahead, 0, need*8)
	var sum uint32
	for _, c := range rest.b[:4] {
		sum = sum<<8 | uint32(c)
	}
	said := s.sum
	if s.inside {
		var last bzBits
		last.addFrom(s.buf, s.start, min(s.pos-s.start, bzMarkBits+32))
		said = bits.RotateLeft32(said, 1) ^ last.sum()
	}
	if sum != said && len(ahead) > need && !isBzHeader(ahead[need:]) {
		return nil
	}
	_, _ = s.in.Discard(need) // it was peeked at
	return &bzBlock{end: true, sum: sum}
}
