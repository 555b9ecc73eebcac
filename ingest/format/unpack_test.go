package format_test

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"birdwatch/ingest/format"
)

func xzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstdpacked(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// blocks is what testdata/blocks.bz2 holds, in blocks of 100,000 bytes.
func blocks() []byte {
	var b []byte
	r := rand.New(rand.NewPCG(1, 2))
	for len(b) < 350_000 {
		b = append(b, line(int(r.Uint32()))...)
	}
	return b
}

// packedBlocks is blocks, packed by bzip2 -1.
func packedBlocks(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "blocks.bz2"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestContainers: every kind, alone and in one another.
func TestContainers(t *testing.T) {
	for name, data := range map[string][]byte{
		"xz": xzipped(t, line(1)), "zst": zstdpacked(t, line(1)), "two xz": append(xzipped(t, line(1)), xzipped(t, nil)...),
		"two zst, one that is passed over": append([]byte("\x50\x2A\x4D\x18\x01\x00\x00\x00x"), zstdpacked(t, line(1))...),
		"two gz":                           append(gzipped(t, line(1)), gzipped(t, nil)...), "nested": xzipped(t, tarred(t, member{"a.zip", zipped(t, member{"b.zst", zstdpacked(t, line(1))})})),
	} {
		path := filepath.Join(folder(t, member{"f", data}), "f")
		if got := told(format.Files(t.Context(), []string{path}, format.Options{})); !strings.HasSuffix(got, ":1 "+t1(1)+"\n") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s: %s", name, got)
		}
	}
	deep := line(1)
	for range 6 {
		deep = gzipped(t, deep)
	}
	path := filepath.Join(folder(t, member{"f", deep}), "f")
	if got := told(format.Files(t.Context(), []string{path}, format.Options{})); got != "f:0 !archives nest deeper than 4\n" {
		t.Errorf("nested too deep: %s", got)
	}
}

// TestTruncated: a file of every kind, cut at many places, gives what came whole, in order, then one error, and the next file is read.
func TestTruncated(t *testing.T) {
	text := blocks()
	sent := map[string]bool{}
	for l := range bytes.Lines(text) {
		sent[string(bytes.TrimSpace(l))] = true
	}
	for name, whole := range map[string][]byte{
		"a.gz": gzipped(t, text), "a.xz": xzipped(t, text), "a.zst": zstdpacked(t, text), "a.bz2": packedBlocks(t), "a.tar": tarred(t, member{"x", text}),
		"a.tgz": gzipped(t, tarred(t, member{"x", text})), "a.zip": zipped(t, member{"x", text}), "a.json": text, "b.json": append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(text), []byte("\n"), []byte(",\n"))...),
	} {
		for _, at := range []int{1, 5, 20, len(whole) / 3, len(whole) - 40, len(whole) - 7, len(whole) - 1} {
			dir := folder(t, member{name, whole[:at]}, member{"z", line(1)})
			errs, records, last := 0, 0, ""
			for it := range format.Files(t.Context(), []string{dir}, format.Options{}) {
				if it.Err != nil {
					errs++
					if it.File == "" || !strings.HasPrefix(it.File, name) {
						t.Errorf("%s cut at %d: the error is of %q", name, at, it.File)
					}
				}
				for _, r := range it.Records {
					records++
					last = it.File
					if !sent[string(r.Raw)] && last != "z" {
						t.Fatalf("%s cut at %d: %q was never there", name, at, r.Raw)
					}
				}
			}
			most := 1
			if strings.HasPrefix(name, "a.t") { // one of the member, one of the archive
				most = 2
			}
			if last != "z" || errs > most || errs == 0 && name != "a.tar" && (name != "a.json" || at == len(whole)-1 && records == 0) && at != len(whole)-1 {
				t.Errorf("%s cut at %d of %d: %d errors, %d records, the last of %q", name, at, len(whole), errs, records, last)
			}
		}
	}
}

// TestBzip2: the same as one block after another, whatever is damaged.
func TestBzip2(t *testing.T) {
	packed, want := packedBlocks(t), blocks()
	if got, err := format.Bunzip2(bytes.NewReader(packed)); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	twice := append(bytes.Clone(packed), packed...)
	if got, err := format.Bunzip2(bytes.NewReader(twice)); err != nil || len(got) != 2*len(want) {
		t.Errorf("two streams: %d bytes, %v", len(got), err)
	}
	for _, bit := range []int{80, 1000, 80_001} {
		if got, err := format.BunzipSplit(bytes.NewReader(packed), 1, bit); err != nil || !bytes.Equal(got, want) {
			t.Errorf("a mark by chance at bit %d: %d bytes, %v", bit, len(got), err)
		}
	}
	var places []int
	for at := 0; at < len(packed); at += len(packed)/97 + 1 {
		places = append(places, at)
	}
	for _, at := range append(places, len(packed)-1, len(packed)-2, len(packed)-3) { // the last are the stream's checksum
		damaged := bytes.Clone(packed)
		damaged[at] ^= 0x80
		got, err := format.Bunzip2(bytes.NewReader(damaged))
		plain, plainErr := io.ReadAll(bzip2.NewReader(bytes.NewReader(damaged)))
		sound := 0 // the library gives bytes of a block before it has checked them
		for sound < min(len(plain), len(want)) && plain[sound] == want[sound] {
			sound++
		}
		if (err == nil) != (plainErr == nil) || !bytes.HasPrefix(want, got) || len(got)+101_000 < sound {
			t.Errorf("damaged at %d: %d bytes, %v; one by one %d, %v", at, len(got), err, len(plain), plainErr)
		}
	}
}

// TestBzip2Real: the grabs' own files, as the standard library unpacks them.
func TestBzip2Real(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "unlicensed/ia-twitterstream/2011"), "09/28/02/3*.bz2"))
	if err != nil || len(files) == 0 {
		t.Skipf("SKIPPED LOUDLY: no grabs (%v)", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := format.Bunzip2(bytes.NewReader(b)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v; want %d", file, len(got), err, len(want))
		}
	}
}

// FuzzUnpack: nothing that claims to be an archive breaks the reader.
func FuzzUnpack(f *testing.F) {
	t := &testing.T{}
	for _, b := range [][]byte{gzipped(t, line(1)), xzipped(f, line(1)), zstdpacked(f, line(1)), tarred(t, member{"data_5.json", line(1)}, member{"users_5.json", line(2)}), zipped(t, member{"a", line(1)}), bzipped(t)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		defer format.SetBomb(1<<20, 20)()
		for it := range format.Files(t.Context(), []string{"-"}, format.Options{Stdin: bytes.NewReader(b)}) {
			for _, r := range it.Records {
				checkRecord(t, r.Raw, r)
			}
		}
	})
}

// FuzzBzip2 holds the reader that uses all processors against the standard library's.
func FuzzBzip2(f *testing.F) {
	f.Add([]byte("BZh9\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"))
	f.Add(bzipped(&testing.T{}))
	f.Add(append(bzipped(&testing.T{}), bzipped(&testing.T{})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := format.Bunzip2(bytes.NewReader(b))
		want, wantErr := io.ReadAll(bzip2.NewReader(bytes.NewReader(b)))
		if wantErr == nil && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
		}
		if wantErr != nil && err == nil && !errors.Is(wantErr, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes and no error; want %v", len(got), wantErr)
		}
	})
}
