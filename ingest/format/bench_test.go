package format_test

import (
	"bytes"
	"testing"

	"birdwatch/ingest/format"
	"birdwatch/ingest/sample"
	"birdwatch/tweet"
)

// realLine is a tweet of a real stream, about as long as they are on average.
func realLine(t testing.TB) []byte {
	t.Helper()
	for line := range sample.Lines() {
		if len(line) > 4500 && len(line) < 4700 {
			return line
		}
	}
	t.Fatal("the sample has no tweet of 4.6 KB")
	return nil
}

func BenchmarkParse(b *testing.B) {
	line := realLine(b)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := format.Parse(line, tweet.Provenance{}, 0); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead gives the whole way of a line: framing and parsing, on all processors.
func BenchmarkRead(b *testing.B) {
	input := bytes.Repeat(append(bytes.Clone(realLine(b)), '\n'), 1000)
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		for it := range format.Read(b.Context(), bytes.NewReader(input), format.Options{}) {
			if it.Err != nil {
				b.Fatal(it.Err)
			}
		}
	}
}
