package api

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"

	"birdwatch/live"
)

// packing is the state of a stream that is sent as gzip. What streams share of a tweet is deflated once, on its own, and spliced in between stored
// blocks, which cost nothing to make: to compress for each connection would take its window of up to a megabyte, and the time of ten deliveries.
type packing struct {
	sum  uint32 // of all that was sent
	size uint32
	over bool
}

// packHead begins a gzip stream: deflate, no name, no time, system unknown.
var packHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// packSync is an empty block. Decoders give what they have when they meet it.
var packSync = []byte{0, 0, 0, 0xff, 0xff}

// storedMost is what one stored block can hold.
const storedMost = 1<<16 - 1

func (p *packing) note(plain []byte) {
	p.sum = crc32.Update(p.sum, crc32.IEEETable, plain)
	p.size += uint32(len(plain))
}

// store appends plain bytes as they are.
func (p *packing) store(dst, plain []byte) []byte {
	p.note(plain)
	for len(plain) > 0 {
		n := min(len(plain), storedMost)
		dst = append(dst, 0, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		dst, plain = append(dst, plain[:n]...), plain[n:]
	}
	return dst
}

// end closes the gzip stream.
func (p *packing) end(dst []byte) []byte {
	if p.over {
		return dst
	}
	p.over = true
	dst = append(dst, 1, 0, 0, 0xff, 0xff)
	dst = binary.LittleEndian.AppendUint32(dst, p.sum)
	return binary.LittleEndian.AppendUint32(dst, p.size)
}

// deflaters are used again: each has hundreds of KB.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, 6)
	if err != nil {
		panic(err) // the level is a valid one
	}
	return w
}}

// deflate gives blocks that stand on their own and end at a byte.
func deflate(plain []byte) []byte {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	_, _ = w.Write(plain) // a buffer takes all
	_ = w.Flush()
	return out.Bytes()
}

// appendPacked writes an event to a gzip stream.
func (st *streaming) appendPacked(dst []byte, e *live.Event) []byte {
	if e.Kind != live.Tweet {
		return st.pack.store(dst, st.appendPlain(nil, e))
	}
	var room [256]byte
	before := st.appendBefore(room[:0], e)
	dst = st.pack.store(dst, before)
	plain, packed := st.s.encoded.packed(e.Item, st.sel, st.sel.marking(e), e.Place.Tweet == 0)
	st.pack.note(plain)
	dst = append(dst, packed...)
	return st.pack.store(dst, st.appendAfter(room[:0], e))
}

// text appends what is no event to what is sent.
func (st *streaming) text(dst, plain []byte) []byte {
	if st.pack == nil {
		return append(dst, plain...)
	}
	return st.pack.store(dst, plain)
}

// sealed is called before what was appended is sent: a decoder must not keep it.
func (st *streaming) sealed(dst []byte) []byte {
	if st.pack == nil || st.pack.over {
		return dst
	}
	return append(dst, packSync...)
}

// beat is what says that the connection still stands, for one who does not hold the stream: in a gzip stream it is nothing to the reader, since
// what is sent is summed up by its holder.
func (st *streaming) beat() []byte {
	if st.pack != nil {
		return packSync
	}
	return st.form.beat()
}
