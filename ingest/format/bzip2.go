package format

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"io"
	"math/bits"
	"runtime"
	"sync"
)

func plainBzip2(in io.Reader) io.Reader { return bzip2.NewReader(in) }

// bzip2Reader unpacks bzip2 on all processors. Each block is made a stream of its own, with the checksum that the
// block has; the checksum of a whole stream is checked over those of its blocks. So all that is checked when one
// block is unpacked after another is checked here.
type bzip2Reader struct {
	blocks  <-chan *bzBlock // in order
	quit    chan struct{}
	running sync.WaitGroup
	now     []byte
	sum     uint32 // of the stream's blocks so far
	err     error
}

// bzBlock is a block on its way, or the end of a stream.
type bzBlock struct {
	packed bzBits
	level  byte
	end    bool
	sum    uint32 // end: of the stream
	last   error  // what ended reading; io.EOF when all is well
	out    []byte
	err    error
	done   chan struct{}
}

func newBzip2(in *bufio.Reader) *bzip2Reader {
	workers := runtime.GOMAXPROCS(0)
	blocks, work := make(chan *bzBlock, 2*workers), make(chan *bzBlock)
	z := &bzip2Reader{blocks: blocks, quit: make(chan struct{})}
	for range workers {
		z.running.Go(func() {
			for b := range work {
				b.out, b.err = b.packed.unpack(b.level)
				close(b.done)
			}
		})
	}
	z.running.Go(func() {
		defer close(blocks)
		defer close(work)
		s := bzSplitter{in: in}
		for {
			b := s.next()
			b.done = make(chan struct{})
			select {
			case blocks <- b:
			case <-z.quit:
				return
			}
			if b.last != nil {
				return
			}
			if b.end {
				continue
			}
			select {
			case work <- b:
			case <-z.quit:
				close(b.done)
				return
			}
		}
	})
	return z
}

// Close ends the goroutines. The input has then been read some way beyond what was given.
func (z *bzip2Reader) Close() {
	close(z.quit)
	for range z.blocks { // the reader of the input may wait to put one
	}
	z.running.Wait()
}

func (z *bzip2Reader) Read(p []byte) (int, error) {
	for len(z.now) == 0 {
		if z.err != nil {
			return 0, z.err
		}
		z.now, z.err = z.block()
	}
	n := copy(p, z.now)
	z.now = z.now[n:]
	return n, nil
}

// block gives what the next block unpacks to.
func (z *bzip2Reader) block() ([]byte, error) {
	b, ok := <-z.blocks
	switch {
	case !ok:
		return nil, io.ErrUnexpectedEOF
	case b.last != nil:
		return nil, b.last
	case b.end:
		if z.sum != b.sum {
			return nil, bzip2.StructuralError("file checksum mismatch")
		}
		z.sum = 0
		return nil, nil
	}
	<-b.done
	// The mark of a block may be in the middle of one, by chance: then the next is its rest.
	for joined := 0; b.err != nil; joined++ {
		next, ok := <-z.blocks
		if !ok || next.last != nil || next.end || joined > 1 {
			return nil, b.err
		}
		<-next.done
		whole := b.packed.join(next.packed)
		out, err := whole.unpack(b.level)
		if err != nil && next.err == nil {
			return nil, b.err // this one is damaged, the next is not part of it
		}
		b = &bzBlock{packed: whole, level: b.level, out: out, err: err}
	}
	z.sum = bits.RotateLeft32(z.sum, 1) ^ b.packed.sum()
	return b.out, nil
}

// The marks of blocks and of a stream's end, 48 bits each.
const (
	bzBlockMark = 0x314159265359
	bzEndMark   = 0x177245385090
	bzMarkBits  = 48
	bzMask      = 1<<bzMarkBits - 1
)

// bzBits are the bits of a block, from the mark on, the first in the highest bit.
type bzBits struct {
	b []byte
	n int
}

// sum is the checksum that the block says it has.
func (x bzBits) sum() uint32 {
	if x.n < bzMarkBits+32 {
		return 0
	}
	return binary.BigEndian.Uint32(x.b[6:])
}

// add appends the lowest n bits of v.
func (x *bzBits) add(v uint64, n int) {
	for n > 0 {
		free := 8 - x.n&7
		if free == 8 {
			x.b = append(x.b, 0)
		}
		take := min(free, n)
		part := byte(v>>(n-take)) & byte(1<<take-1)
		x.b[len(x.b)-1] |= part << (free - take)
		n, x.n = n-take, x.n+take
	}
}

// addFrom appends the bits of b from bit at, n of them.
func (x *bzBits) addFrom(b []byte, at, n int) {
	for n > 0 && at&7 != 0 {
		x.add(uint64(b[at>>3]>>(7-at&7)), 1)
		at, n = at+1, n-1
	}
	for ; n >= 8; at, n = at+8, n-8 {
		x.add(uint64(b[at>>3]), 8)
	}
	if n > 0 {
		x.add(uint64(b[at>>3]>>(8-n)), n)
	}
}

func (x bzBits) join(y bzBits) bzBits {
	whole := bzBits{bytes.Clone(x.b), x.n}
	whole.addFrom(y.b, 0, y.n)
	return whole
}

// unpack unpacks one block, as the only one of a stream.
func (x bzBits) unpack(level byte) ([]byte, error) {
	if x.n < bzMarkBits+32 {
		return nil, io.ErrUnexpectedEOF
	}
	var s bzBits
	s.b = make([]byte, 0, len(x.b)+16)
	s.add('B'<<24|'Z'<<16|'h'<<8|uint64(level), 32)
	s.addFrom(x.b, 0, x.n)
	s.add(bzEndMark, bzMarkBits)
	s.add(uint64(x.sum()), 32)
	var out bytes.Buffer
	if _, err := out.ReadFrom(bzip2.NewReader(bytes.NewReader(s.b))); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
