package format_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"birdwatch/ingest/format"
)

// TestBombs: what unpacks without measure is given up; the other files are read.
func TestBombs(t *testing.T) {
	defer format.SetBomb(1<<20, 20)()
	zeros := make([]byte, 64<<20)
	for name, data := range map[string][]byte{
		"gz": gzipped(t, zeros), "xz": xzipped(t, zeros), "zst": zstdpacked(t, zeros), "zip": zipped(t, member{"a", zeros}), "in one another": gzipped(t, gzipped(t, zeros)),
		"many": zipped(t, member{"a", zeros[:8<<20]}, member{"b", zeros[:8<<20]}, member{"c", zeros[:8<<20]}), "lines": gzipped(t, bytes.Repeat([]byte("\n"), 64<<20)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := told(format.Files(t.Context(), []string{folder(t, member{"bomb", data}, member{"z", line(1)})}, format.Options{}))
		runtime.ReadMemStats(&after)
		if !strings.Contains(got, "bomb") || !strings.Contains(got, "200 times its size") && !strings.Contains(got, "neither text nor") || !strings.HasSuffix(got, "z:1 "+t1(1)+"\n") {
			t.Errorf("%s: %s", name, tail(got))
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 48<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// TestMemoryAsked: headers that ask for gibibytes are refused, not believed.
func TestMemoryAsked(t *testing.T) {
	big := xzipped(t, line(1))
	if big[12+2] != 0x21 { // the filter's id; its dictionary's size stands two bytes on
		t.Fatalf("a block header that is not known: % x", big[:24])
	}
	big[12+4] = 40
	window := []byte("\x28\xB5\x2F\xFD\x00\xF8\x01\x00\x00x") // a window of 2^41 bytes
	got := told(format.Files(t.Context(), []string{folder(t, member{"a.xz", big}, member{"b.zst", window}, member{"z", line(1)})}, format.Options{}))
	if !strings.Contains(got, "a.xz:0 !xz: it needs more than 256 MiB to unpack\n") || !strings.Contains(got, "b.zst:0 !damaged: ") || !strings.HasSuffix(got, "z:1 "+t1(1)+"\n") {
		t.Errorf("%s", got)
	}
}

// TestNames: names that lead out of an archive lead nowhere.
func TestNames(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i, name := range []string{"../../etc/a.json", `..\..\b.json`, "/abs/c.json", "x/../../d.json", "a\x00b.json"} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(line(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder(t, member{"a.zip", out.Bytes()}), "a.zip")
	got := told(format.Files(t.Context(), []string{path}, format.Options{}))
	for i, name := range []string{"etc/a.json", "b.json", "abs/c.json", "d.json", "a\uFFFDb.json"} {
		if !strings.Contains(got, fmt.Sprintf("a.zip/%s:1 %s\n", name, t1(i+1))) {
			t.Errorf("%s is missing in\n%s", name, got)
		}
	}
}

// TestDamagedText: NULs, invalid UTF-8, nesting: each an error of its own, and the others are read.
func TestDamagedText(t *testing.T) {
	in := t1(1) + "\n" + `{"id":2,"text":"` + "\xff\xfe" + `","user":{"id":7}}` + "\n" + `{"id":3,"te` + "\x00" + `xt":"a"}` + "\n" + strings.Repeat(`{"a":`, 1000) + "\n" + strings.Repeat("[", 1000) + "\n" + t1(6) + "\n" + strings.Repeat("\x00", 5000)
	dir := folder(t, member{"a", []byte(in)}, member{"z", line(1)})
	var errs, good []int64
	for it := range format.Files(t.Context(), []string{dir}, format.Options{}) {
		if it.Err != nil {
			errs = append(errs, it.Pos)
		} else {
			good = append(good, int64(it.Records[0].ID))
		}
	}
	if fmt.Sprint(good) != "[1 2 6 1]" || fmt.Sprint(errs) != "[3 4 1 3]" {
		t.Errorf("good %v, errors at %v", good, errs)
	}
}

// TestEndlessLines: a line of a gibibyte, in every format, is an error in bounded memory.
func TestEndlessLines(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	for name, tt := range map[string]struct{ begin, end string }{
		"json": {`{"id":1,"text":"`, "\n" + t1(2) + "\n"}, "array": {"[" + t1(1) + `,{"text":"`, "\n" + t1(2) + "]"}, "table": {"id,text\n1,\"", "\n2,x\n"}, "table, unquoted": {"id,text\n1,", "\n2,x\n"},
		"ids": {"1\n2", "\n2\n"}, "export": {"window.YTD.tweets.part0 = [{\"tweet\":{\"id\":1,\"full_text\":\"", "\n" + t1(2) + "]"}, "first line": {"x", "\n" + t1(2) + "\n"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		errs, good := 0, 0
		for it := range format.Read(t.Context(), io.MultiReader(strings.NewReader(tt.begin), io.LimitReader(letters{}, size), strings.NewReader(tt.end)), format.Options{}) {
			switch {
			case it.Err != nil:
				errs++
			case len(it.Records) > 0 && it.Records[0].ID == 2, it.Reference == 2:
				good++
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; errs != 1 || good != 1 && name != "first line" && name != "ids" || used > 100<<20 {
			t.Errorf("%s: %d errors, %d good ones, %d bytes were allocated", name, errs, good, used)
		}
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
