// Package pack keeps tweets of neighbouring ids together in blocks, in a fraction of the bytes that each takes alone.
//
// The JSON of the tweets is taken apart into columns, one for each place where a value can stand. What a tweet says twice, as
// its payload and its raw do, is kept once. A block has two halves: the front gives the payloads, both give the rest.
// All of it comes back byte for byte, whatever it was.
package pack

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Tweet is what a block keeps of one tweet. All parts are JSON as a rule, but can be anything.
type Tweet struct {
	ID                                int64
	Payload, Raw, Figures, Provenance []byte
}

func (t *Tweet) size() int { return len(t.Payload) + len(t.Raw) + len(t.Figures) + len(t.Provenance) }

// version is the first byte of both halves.
const version = 1

// MostBytes bounds what the tweets of a block may have together.
const MostBytes = 4 << 20

// maxHalf bounds what one half may unpack to.
const maxHalf = 4 * MostBytes

// dictionary has what all blocks have in common: shapes, and texts that everyone writes. It holds stretches of text verbatim, so it was
// made of the bundled sample only (the package's test makes it). Halves name it by its number: a further one stands beside it.
//
//go:embed dictionary
var dictionary []byte

var (
	encoders = encodersOf(zstd.SpeedDefault)
	slowest  = encodersOf(zstd.SpeedBestCompression)
	decoder  = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxHalf), zstd.WithDecoderDicts(dictionary))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// ownNumbers are what the id says: itself, its time in seconds and in milliseconds.
func ownNumbers(id int64) [3]int64 {
	const firstMillisecond = 1288834974657
	ms := id>>22 + firstMillisecond
	return [3]int64{id, ms / 1000, ms}
}

// ownOf is the one of them that numbers in the form are near to.
func ownOf(form uint8) int {
	switch form {
	case formLongTime, formShortTime:
		return 1
	case formMillis:
		return 2
	}
	return 0
}

// Seal makes a block of tweets, whose ids ascend. It reads what it wrote before it gives it.
func Seal(tweets []Tweet) (front, back []byte, err error) {
	s := sealers.Get().(*sealer)
	defer sealers.Put(s)
	plain := map[place]bool{}
	for {
		s.reset()
		if front, back, err = s.seal(tweets, plain); err != nil {
			return nil, nil, err
		}
		wrong, err := compare(front, back, tweets)
		if err != nil || len(wrong) == 0 {
			return front, back, err
		}
		for _, p := range wrong {
			if plain[p] {
				return nil, nil, fmt.Errorf("pack: part %d of tweet %d does not come back", p.part, tweets[p.tweet].ID)
			}
			plain[p] = true
		}
	}
}

// place is one part of one tweet of a block.
type place struct{ tweet, part int }

func (s *sealer) seal(tweets []Tweet, plain map[place]bool) (front, back []byte, err error) {
	ids := binary.AppendUvarint(nil, uint64(len(tweets)))
	last, left := int64(0), MostBytes
	for i := range tweets {
		t := &tweets[i]
		if left -= t.size(); left < 0 {
			return nil, nil, fmt.Errorf("pack: %d tweets have more than %d bytes", len(tweets), MostBytes)
		}
		if i > 0 && t.ID <= last {
			return nil, nil, fmt.Errorf("pack: id %d after %d", t.ID, last)
		}
		ids = binary.AppendUvarint(ids, uint64(t.ID-last))
		last = t.ID
		s.add(t, func(part int) bool { return plain[place{i, part}] })
	}
	return s.compress(&s.front, ids), s.compress(&s.back, nil), nil
}

// compare gives the parts of tweets that the block does not give back. There should be none.
func compare(front, back []byte, tweets []Tweet) (wrong []place, err error) {
	o := newOpener()
	defer openers.Put(o)
	ids, err := o.begin(front, back)
	if err != nil || len(ids) != len(tweets) {
		return nil, fmt.Errorf("pack: read again: %d of %d tweets: %w", len(ids), len(tweets), err)
	}
	for i := range tweets {
		t := &tweets[i]
		o.next(ids[i])
		for part, text := range [parts][]byte{t.Payload, t.Raw, t.Figures, t.Provenance} {
			if !bytes.Equal(o.part(part), text) {
				wrong = append(wrong, place{i, part})
			}
		}
		if o.broken || ids[i] != t.ID {
			return nil, fmt.Errorf("pack: read again: tweet %d: %w", t.ID, errBroken)
		}
	}
	return wrong, nil
}

// compress writes a book: what is alike stands together.
func (s *sealer) compress(b *book, head []byte) []byte {
	plain := append(append(s.scratch[:0], version), head...)
	plain = binary.AppendUvarint(plain, uint64(len(b.shapes)))
	for i := range b.shapes {
		plain = binary.AppendUvarint(plain, uint64(len(b.shapes[i].text)))
	}
	plain = binary.AppendUvarint(plain, uint64(b.made))
	columns := b.columns[:b.made]
	for i := range columns {
		c := &columns[i]
		plain = binary.AppendUvarint(plain, uint64(len(c.codes)))
		plain = binary.AppendUvarint(plain, uint64(len(c.ints)))
		plain = binary.AppendUvarint(plain, uint64(len(c.text)))
	}
	for i := range columns {
		plain = append(plain, columns[i].codes...)
	}
	for i := range columns {
		plain = append(plain, columns[i].ints...)
	}
	for i := range b.shapes {
		plain = append(plain, b.shapes[i].text...)
	}
	for i := range columns {
		plain = append(plain, columns[i].text...)
	}
	s.scratch = plain
	return squeeze(plain, encoders)
}

func encodersOf(level zstd.EncoderLevel) *sync.Pool {
	return &sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20),
			zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(true), zstd.WithEncoderDict(dictionary))
		if err != nil {
			panic(err)
		}
		return e
	}}
}

// Squeeze makes a half smaller, by a fourteenth or so, in seven times the time that it took to make. Reading it takes as long as before.
func Squeeze(half []byte) ([]byte, error) {
	plain, err := decoder().DecodeAll(half, nil)
	if err != nil {
		return nil, fmt.Errorf("pack: squeeze: %w", err)
	}
	small := squeeze(plain, slowest)
	again, err := decoder().DecodeAll(small, make([]byte, 0, len(plain)))
	if err != nil || !bytes.Equal(plain, again) {
		return nil, fmt.Errorf("pack: squeeze: it does not come back: %w", err)
	}
	if len(small) >= len(half) {
		return half, nil
	}
	return small, nil
}

func squeeze(plain []byte, by *sync.Pool) []byte {
	e := by.Get().(*zstd.Encoder)
	defer by.Put(e)
	return e.EncodeAll(plain, make([]byte, 0, len(plain)/2))
}
