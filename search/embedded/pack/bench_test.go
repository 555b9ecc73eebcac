package pack_test

import (
	"slices"
	"testing"

	"birdwatch/search/embedded/pack"
)

// BenchmarkSeal makes blocks of 64 tweets of the bundled sample; an op is a tweet.
func BenchmarkSeal(b *testing.B) {
	blocks := slices.Collect(slices.Chunk(bundled(b), 64))
	bytes := 0
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		some := blocks[n/64%len(blocks)]
		if _, _, err := pack.Seal(some); err != nil {
			b.Fatal(err)
		}
		for i := range some {
			bytes += len(some[i].Payload) + len(some[i].Raw)
		}
		n += len(some)
	}
	b.SetBytes(int64(bytes / b.N))
}

// BenchmarkPayloads reads one payload of each block, the one in the middle; an op is a block.
func BenchmarkPayloads(b *testing.B) {
	var fronts [][]byte
	var ids []int64
	for some := range slices.Chunk(bundled(b), 64) {
		front, _, err := pack.Seal(some)
		if err != nil {
			b.Fatal(err)
		}
		fronts, ids = append(fronts, front), append(ids, some[len(some)/2].ID)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		i := n % len(fronts)
		if p, err := pack.Payloads(fronts[i], ids[i:i+1]); err != nil || len(p[0]) == 0 {
			b.Fatal(err)
		}
	}
}
