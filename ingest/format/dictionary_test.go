package format_test

import (
	"flag"
	"os"
	"testing"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/tweet"
)

var update = flag.Bool("update", false, "write what is made instead of comparing")

// TestDictionary holds the dictionary of stored frames to its use; with -update it makes it anew of the bundled sample.
// A new one needs a new number, and the old one stays for the frames that name it.
func TestDictionary(t *testing.T) {
	var contents [][]byte
	packed, plain := 0, 0
	for line := range sample.Lines() {
		recs, _, err := format.Parse(line, tweet.Provenance{From: "sample"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, append(append([]byte{}, recs[0].Payload...), line...))
		c := recs[0].Content()
		frame, err := c.Pack()
		if err != nil {
			t.Fatal(err)
		}
		packed, plain = packed+len(frame), plain+len(recs[0].Payload)+len(line)
	}
	if *update {
		d, err := dict.BuildZstdDict(contents, dict.Options{MaxDictSize: 64 << 10, HashBytes: 6, ZstdDictID: 20131, ZstdLevel: zstd.SpeedBestCompression})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("../../tweet/dictionary", d, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if packed*4 > plain {
		t.Errorf("%d bytes pack into %d: the dictionary is of no use", plain, packed)
	}
}
