package tweet_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"birdwatch/tweet"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

func TestPackRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := func(name string) []byte {
			if b := rapid.SliceOf(rapid.Byte()).Draw(t, name); len(b) > 0 {
				return b
			}
			return nil
		}
		c := tweet.Content{Payload: part("payload"), Raw: part("raw"), Figures: part("figures"),
			Provenance: tweet.Provenance{From: rapid.String().Draw(t, "from"), File: rapid.String().Draw(t, "file"), Pos: rapid.Int64().Draw(t, "pos")}}
		frame, err := c.Pack()
		if err != nil {
			t.Fatal(err)
		}
		got, err := tweet.Unpack(frame)
		if err != nil || !reflect.DeepEqual(got, &c) {
			t.Fatalf("%+v came back as %+v: %v", c, got, err)
		}
	})
}

func compress(t testing.TB, plain []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(plain, nil)
}

func TestUnpackRefuses(t *testing.T) {
	good, err := (&tweet.Content{Payload: []byte("payload"), Raw: []byte(strings.Repeat("raw", 100))}).Pack()
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1 // of the checksum
	for name, frame := range map[string][]byte{
		"nothing":               nil,
		"not zstd":              []byte("payload"),
		"cut short":             good[:len(good)-3],
		"changed":               flipped,
		"empty":                 compress(t, nil),
		"no lengths":            compress(t, []byte{1, 1}),
		"length beyond the end": compress(t, []byte{9, 0, 0, 'a'}),
		"lengths beyond":        compress(t, []byte{2, 2, 2, 'a', 'b', 'c'}),
		"huge length":           compress(t, binary.AppendUvarint(nil, 1<<63)),
		"length without an end": compress(t, bytes.Repeat([]byte{0xff}, 12)),
		"broken provenance":     compress(t, []byte{0, 0, 1, '{'}),
	} {
		if c, err := tweet.Unpack(frame); err == nil {
			t.Errorf("%s was read as %+v", name, c)
		}
	}
}

// TestUnpackIsBounded: a small frame of a great many zeros is refused before they are there.
func TestUnpackIsBounded(t *testing.T) {
	bomb := compress(t, make([]byte, 256<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := tweet.Unpack(bomb); err == nil {
		t.Error("256 MB were unpacked")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 200<<20 {
		t.Errorf("%d MB were allocated", got>>20)
	}
}

func FuzzUnpack(f *testing.F) {
	good, err := (&tweet.Content{Payload: []byte(`{"data":{"id":"1"}}`), Raw: []byte("raw"), Figures: []byte("[]"), Provenance: tweet.Provenance{From: "import", Pos: 3}}).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(compress(f, []byte{2, 1, 2, 'p', 'p', 'f', '{', '}', 'r'}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, b := range [][]byte{frame, compress(t, frame)} { // the second gets past the checksum
			c, err := tweet.Unpack(b)
			if err != nil {
				continue
			}
			again, err := c.Pack()
			if err != nil {
				t.Fatal(err)
			}
			d, err := tweet.Unpack(again)
			if err != nil || !reflect.DeepEqual(c, d) {
				t.Fatalf("%+v came back as %+v: %v", c, d, err)
			}
		}
	})
}

func BenchmarkPack(b *testing.B) {
	c := tweet.Content{Payload: []byte(strings.Repeat(`{"data":{"id":"1","text":"just setting up my twttr"}}`, 20)), Raw: []byte(strings.Repeat(`{"id_str":"1","text":"just setting up my twttr"}`, 60))}
	b.ReportAllocs()
	for b.Loop() {
		frame, err := c.Pack()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tweet.Unpack(frame); err != nil {
			b.Fatal(err)
		}
	}
}
