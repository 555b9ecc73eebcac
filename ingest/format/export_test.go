package format

import (
	"bufio"
	"io"

	"birdwatch/tweet"
)

// Scan is the scanner's judgement of a whole text, for tests: sound, and whether it is too deep to say.
func Scan(b []byte) (sound, tooDeep bool) {
	_, st, _ := scan(b)
	return st == done, st == deep
}

// SetBomb sets the bounds of unpacking and gives back what undoes it.
func SetBomb(free, ratio int64) (undo func()) {
	oldFree, oldRatio := freeBytes, maxRatio
	freeBytes, maxRatio = free, ratio
	return func() { freeBytes, maxRatio = oldFree, oldRatio }
}

// Bunzip2 unpacks with the reader that uses all processors.
func Bunzip2(r io.Reader) ([]byte, error) {
	z := newBzip2(bufio.NewReader(r))
	defer z.Close()
	return io.ReadAll(z)
}

// BunzipSplit unpacks as if the mark of a block stood by chance at a bit in the middle of the nth.
func BunzipSplit(r io.Reader, nth, bit int) ([]byte, error) {
	s := bzSplitter{in: bufio.NewReader(r)}
	blocks := make(chan *bzBlock, 1000)
	z := &bzip2Reader{blocks: blocks, quit: make(chan struct{})}
	put := func(b *bzBlock) {
		if b.done = make(chan struct{}); !b.end && b.last == nil {
			b.out, b.err = b.packed.unpack(b.level)
		}
		close(b.done)
		blocks <- b
	}
	for n := 0; ; n++ {
		b := s.next()
		if n == nth {
			var x, y bzBits
			x.addFrom(b.packed.b, 0, bit)
			y.addFrom(b.packed.b, bit, b.packed.n-bit)
			put(&bzBlock{packed: x, level: b.level})
			b = &bzBlock{packed: y, level: b.level}
		}
		if put(b); b.last != nil {
			close(blocks)
			return io.ReadAll(z)
		}
	}
}

// ReadFaulty is what is told of a record at which a parser panics.
func ReadFaulty(raw string) (it Item) {
	x := framed{raw: []byte(raw), of: &reading{}, parse: func([]byte, tweet.Provenance, int64) ([]tweet.Record, *Control, error) { panic("at the disco") }}
	x.read(&it, &Options{})
	return it
}
