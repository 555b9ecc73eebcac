package tweet

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/goccy/go-json"
	"github.com/klauspost/compress/zstd"
)

// Content is what journal and archive keep of a tweet in one compressed frame.
type Content struct {
	Payload    []byte
	Raw        []byte
	Figures    []byte // see Document.Figures
	Provenance Provenance
}

// dictionary makes small frames of tweets a quarter smaller. It holds stretches of text verbatim, so it was made of the bundled sample
// only (ingest/format has the test that makes it). Frames name it by its number: a further one stands beside it, never in its place.
//
//go:embed dictionary
var dictionary []byte

// maxFrame bounds what one frame may unpack to: beyond any record that the door lets in.
const maxFrame = 64 << 20

var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true),
			zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderDict(dictionary))
		if err != nil {
			panic(err)
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxFrame), zstd.WithDecoderDicts(dictionary))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// Pack compresses the content into one frame. Safe for concurrent use.
func (c *Content) Pack() ([]byte, error) {
	prov, err := json.Marshal(c.Provenance)
	if err != nil {
		return nil, fmt.Errorf("pack provenance: %w", err)
	}
	plain := make([]byte, 0, len(c.Payload)+len(c.Raw)+len(c.Figures)+len(prov)+20)
	for _, part := range [][]byte{c.Payload, c.Figures, prov} {
		plain = binary.AppendUvarint(plain, uint64(len(part)))
	}
	plain = append(plain, c.Payload...)
	plain = append(plain, c.Figures...)
	plain = append(plain, prov...)
	plain = append(plain, c.Raw...)
	return encoder().EncodeAll(plain, make([]byte, 0, len(plain)/3)), nil
}

// Unpack reads a frame that Pack wrote. The parts share one allocation.
func Unpack(frame []byte) (*Content, error) {
	plain, err := decoder().DecodeAll(frame, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack content: %w", err)
	}
	var lens [3]int
	rest := plain
	for i := range lens {
		n, w := binary.Uvarint(rest)
		if w <= 0 || n > uint64(len(rest)) {
			return nil, fmt.Errorf("unpack content: bad length %d", i)
		}
		lens[i], rest = int(n), rest[w:]
	}
	if lens[0]+lens[1]+lens[2] > len(rest) {
		return nil, fmt.Errorf("unpack content: lengths exceed %d bytes", len(rest))
	}
	take := func(n int) []byte {
		part := rest[:n:n]
		rest = rest[n:]
		if n == 0 {
			return nil
		}
		return part
	}
	c := &Content{Payload: take(lens[0]), Figures: take(lens[1])}
	prov := take(lens[2])
	c.Raw = take(len(rest))
	if len(prov) > 0 {
		if err := json.Unmarshal(prov, &c.Provenance); err != nil {
			return nil, fmt.Errorf("unpack provenance: %w", err)
		}
	}
	return c, nil
}
