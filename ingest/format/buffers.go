package format

import (
	"bufio"
	"io"
	"sync"
)

// readers are buffered readers of one size that are used again: what is posted is small, and comes often.
type readers struct {
	size int
	pool sync.Pool
}

var (
	textReaders   = readers{size: 128 << 10}
	framerReaders = readers{size: 256 << 10}
)

func (s *readers) get(r io.Reader) *bufio.Reader {
	in, ok := s.pool.Get().(*bufio.Reader)
	if !ok {
		return bufio.NewReaderSize(r, s.size)
	}
	in.Reset(r)
	return in
}

// put takes one back, of which nothing is used any more.
func (s *readers) put(in *bufio.Reader) {
	in.Reset(nil)
	s.pool.Put(in)
}

// The sizes of what is read at once: the first, and every other after one that was filled.
const (
	pieceFirst = 4 << 10
	pieceMost  = 64 << 10
)
