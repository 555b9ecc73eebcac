package pack_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/search/embedded/pack"
	"birdwatch/tweet"
)

var update = flag.Bool("update", false, "write what is made instead of comparing")

// bundled are the tweets of the bundled sample, by id.
func bundled(t testing.TB) (tweets []pack.Tweet) {
	t.Helper()
	n := int64(0)
	for line := range sample.Lines() {
		n++
		recs, _, err := format.Parse(line, tweet.Provenance{From: "import", File: "2013/08/10/11/00.json.bz2", Pos: n}, 0)
		if err != nil {
			t.Fatal(err)
		}
		provenance, err := json.Marshal(recs[0].Provenance)
		if err != nil {
			t.Fatal(err)
		}
		tweets = append(tweets, pack.Tweet{ID: int64(recs[0].ID), Payload: recs[0].Payload, Raw: line, Provenance: provenance})
	}
	slices.SortFunc(tweets, func(a, b pack.Tweet) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(tweets, func(a, b pack.Tweet) bool { return a.ID == b.ID })
}

// TestDictionary holds the dictionary of blocks to its use; with -update it makes it anew of the bundled sample. A new one needs a new
// number, and the old one stays for the blocks that name it.
func TestDictionary(t *testing.T) {
	var plains [][]byte
	packed, all := 0, 0
	for some := range slices.Chunk(bundled(t), 16) {
		front, back, err := pack.Seal(some)
		if err != nil {
			t.Fatal(err)
		}
		packed += len(front) + len(back)
		for _, half := range [][]byte{front, back} {
			plain, err := pack.Plain(half)
			if err != nil {
				t.Fatal(err)
			}
			plains = append(plains, plain)
		}
		for _, x := range some {
			all += len(x.Payload) + len(x.Raw) + len(x.Provenance)
		}
	}
	if *update {
		d, err := dict.BuildZstdDict(plains, dict.Options{MaxDictSize: 64 << 10, HashBytes: 6, ZstdDictID: 20132, ZstdLevel: zstd.SpeedBestCompression})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("dictionary", d, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if packed*8 > all {
		t.Errorf("%d bytes pack into %d: the dictionary is of no use", all, packed)
	}
}
