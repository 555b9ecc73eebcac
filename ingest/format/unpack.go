package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds how far back a compressed file may refer, and so the memory for it: xz -9 and zstd --ultra refer 64
// and 128 MiB back.
const maxWindow = 128 << 20

// A file may unpack, all levels together, to as much as freeBytes and maxRatio times what was read of it. Tweets shrink to a
// tenth; a gibibyte of lines that are all alike is no archive.
var (
	freeBytes int64 = 1 << 30
	maxRatio  int64 = 200
)

var errBomb = errors.New("it unpacks to more than 200 times its size: not read further")

// spent is what a file has unpacked to so far.
type spent struct{ in, out atomic.Int64 }

// bounded is r until the file unpacks beyond all measure.
func (s *spent) bounded(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if out := s.out.Add(int64(n)); out > freeBytes && out > freeBytes+maxRatio*s.in.Load() {
			return 0, errBomb
		}
		return n, err
	})
}

// kind is what a stream is, by its first bytes.
type kind uint8

const (
	kindText kind = iota
	kindGzip
	kindBzip2
	kindXZ
	kindZstd
	kindZip
	kindEmptyZip
	kindTar
	kindMedia
	kindBinary
)

// kindOf looks at the first bytes, of which there should be 512.
func kindOf(head []byte) kind {
	begins := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case begins("\x1F\x8B"):
		return kindGzip
	case begins("BZh") && len(head) > 3 && '1' <= head[3] && head[3] <= '9':
		return kindBzip2
	case begins("\xFD7zXZ"):
		return kindXZ
	case begins("\x28\xB5\x2F\xFD"), len(head) > 3 && head[0]&0xF0 == 0x50 && string(head[1:4]) == "\x2A\x4D\x18": // a skippable frame, as pzstd begins with
		return kindZstd
	case begins("PK\x03\x04"):
		return kindZip
	case begins("PK\x05\x06"):
		return kindEmptyZip
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return kindTar
	case begins("\xFF\xD8\xFF"), begins("\x89PNG"), begins("GIF8"), begins("RIFF"), begins("%PDF"), begins("wOF"), len(head) > 8 && string(head[4:8]) == "ftyp":
		return kindMedia
	case utf16Of(head) == nil && bytes.IndexByte(head, 0) >= 0 && !textual(head):
		return kindBinary
	}
	return kindText
}

// textual reports whether head, in spite of a NUL in it, begins as a text of records does: a file that a crash filled up with
// zeros has good ones before them.
func textual(head []byte) bool {
	b := bytes.TrimLeft(head, " \t\r\n")
	return len(b) > 1 && (b[0] == '{' || b[0] == '[') && b[1] != 0
}

// unpack takes a stream that may be compressed or an archive.
func (b *batcher) unpack(at site, r io.Reader, depth int) {
	in := bufio.NewReaderSize(r, 128<<10)
	head, err := in.Peek(512)
	if len(head) == 0 {
		if !errors.Is(err, io.EOF) && b.ctx.Err() == nil {
			b.add(at.name, framed{err: plain(err)})
		}
		return
	}
	k := kindOf(head)
	if depth > maxNesting && k != kindText {
		b.add(at.name, framed{err: fmt.Errorf("archives nest deeper than %d", maxNesting)})
		return
	}
	switch k {
	case kindGzip, kindBzip2, kindXZ, kindZstd:
		b.ahead(at, in, depth)
	case kindZip:
		b.zipStream(at, in, depth)
	case kindTar:
		b.tar(at, in, depth)
	case kindEmptyZip:
	case kindMedia:
		b.add(at.name, framed{parse: passedOver("file", "a picture, film, font or document")})
	case kindBinary:
		b.add(at.name, framed{err: errors.New("neither text nor an archive of a known kind")})
	default:
		b.text(at, in)
	}
}

// decompress opens a compressed stream. close ends what the decompressor keeps.
func decompress(k kind, in *bufio.Reader) (r io.Reader, closeIt func(), err error) {
	closeIt = func() {}
	switch k {
	case kindGzip:
		r, err = gzip.NewReader(in)
		if err != nil {
			return nil, closeIt, fmt.Errorf("gzip: %w", err)
		}
	case kindBzip2:
		z := newBzip2(in)
		return z, z.Close, nil
	case kindXZ:
		if err := checkXZ(in); err != nil {
			return nil, closeIt, fmt.Errorf("xz: %w", err)
		}
		whole := &xzTail{in: in}
		if whole.r, err = xz.NewReader(whole); err != nil {
			return nil, closeIt, fmt.Errorf("xz: %w", err)
		}
		return readerFunc(whole.unpack), closeIt, nil
	case kindZstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, closeIt, fmt.Errorf("zstd: %w", err)
		}
		return z, z.Close, nil
	}
	return r, closeIt, nil
}

// unpacked is in, or what is compressed in it, once.
func unpacked(in *bufio.Reader) (io.Reader, error) {
	head, _ := in.Peek(512)
	switch k := kindOf(head); k {
	case kindText:
		return in, nil
	case kindGzip, kindXZ, kindZstd:
		r, _, err := decompress(k, in)
		return r, err
	case kindBzip2:
		return plainBzip2(in), nil
	}
	return nil, errors.New("neither text nor compressed text")
}

// xzTail remembers how what was read of an xz file ends: the library takes one that is cut in a header for a whole one.
type xzTail struct {
	in   *bufio.Reader
	r    io.Reader // unpacks
	last [2]byte   // without the zeros that may pad the file
}

func (x *xzTail) Read(p []byte) (int, error) {
	n, err := x.in.Read(p)
	for _, c := range bytes.TrimRight(p[max(0, n-16):n], "\x00") {
		x.last = [2]byte{x.last[1], c}
	}
	return n, err
}

func (x *xzTail) ReadByte() (byte, error) {
	c, err := x.in.ReadByte()
	if err == nil && c != 0 {
		x.last = [2]byte{x.last[1], c}
	}
	return c, err
}

func (x *xzTail) unpack(p []byte) (int, error) {
	n, err := x.r.Read(p)
	if errors.Is(err, io.EOF) && string(x.last[:]) != "YZ" {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// checkXZ refuses a file whose dictionary would need more memory than any real one's.
func checkXZ(in *bufio.Reader) error {
	head, err := in.Peek(12 + 6)
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	block, err := in.Peek(12 + 4*(int(head[12])+1))
	if err != nil || head[12] == 0 { // cut off, or without a block
		return nil
	}
	flags, at := block[13], 14
	for range int(flags>>6&1) + int(flags>>7) { // the block's sizes, if told
		for at < len(block) && block[at]&0x80 != 0 {
			at++
		}
		at++
	}
	if at+2 < len(block) && block[at] == 0x21 && block[at+2]&0x3F > 32 {
		return fmt.Errorf("it needs more than %d MiB to unpack", 2*maxWindow>>20)
	}
	return nil
}

// ahead unpacks in a goroutine of its own, so that unpacking and framing run side by side.
func (b *batcher) ahead(at site, in *bufio.Reader, depth int) {
	head, _ := in.Peek(512)
	r, closeIt, err := decompress(kindOf(head), in)
	if err != nil {
		b.add(at.name, framed{err: err})
		return
	}
	pr, pw := io.Pipe()
	done, limited := make(chan struct{}), b.spent.bounded(r)
	go func() {
		defer close(done)
		w := bufio.NewWriterSize(pw, 256<<10)
		_, err := io.Copy(w, limited)
		if flushErr := w.Flush(); err == nil {
			err = flushErr
		}
		if err != nil && !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, errBomb) {
			err = fmt.Errorf("damaged: %w", err)
		}
		pw.CloseWithError(err)
	}()
	b.unpack(at, pr, depth+1)
	pr.Close() // ends the goroutine when nobody wants more
	<-done
	closeIt()
}
