package tweet

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Checksum tells documents apart that differ in anything that an archive keeps. It is the same in every process.
func (d *Document) Checksum() uint64 {
	h := xxhash.New()
	var numbers []byte
	for _, n := range []int64{int64(d.ID), int64(d.FirstSeq), d.Version(), d.BodyAt, d.Provenance.Pos} {
		numbers = binary.LittleEndian.AppendUint64(numbers, uint64(n))
	}
	numbers = append(numbers, flag(d.Partial), flag(d.RawCut), flag(d.Revived))
	parts := [][]byte{numbers, d.Payload, d.Raw, d.Figures, []byte(d.Provenance.From), []byte(d.Provenance.File)}
	for _, p := range parts {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(p)))) // never fails
		_, _ = h.Write(p)
	}
	return h.Sum64()
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}
