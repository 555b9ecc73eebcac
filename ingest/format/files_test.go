package format_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birdwatch/ingest/format"
)

type member struct {
	name string
	data []byte
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarred(t *testing.T, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t *testing.T, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bzipped is t1(9) and a line end.
func bzipped(t *testing.T) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWRUIiSoAABDZgAAQEAQAsCYgHkogADFDTTAANQ0NMjGoVhh5yGHXyL2ECWQTRQItUfi7kinChICoRElQ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// folder makes files; the names have slashes.
func folder(t *testing.T, members ...member) string {
	t.Helper()
	dir := t.TempDir()
	for _, m := range members {
		path := filepath.Join(dir, filepath.FromSlash(m.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, m.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var digitsAfter = regexp.MustCompile(`:[0-9]+ ([{!])`)

// reordered sorts lines: what is wrong with an argument is told before the first file is read.
func reordered(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func tail(s string) string { return s[max(0, len(s)-1000):] }

func line(id int) []byte { return []byte(t1(id) + "\n") }

func TestFiles(t *testing.T) {
	long := bytes.Repeat(line(5), 3000)
	damagedGzip := gzipped(t, append(bytes.Clone(long), line(6)...))
	damagedGzip = damagedGzip[:len(damagedGzip)-12]
	inner := tarred(t, member{"./sub/x.json.bz2", bzipped(t)}, member{".hidden", line(8)}, member{"a/.git/x", line(8)}, member{"../y.json", line(4)})
	for _, tt := range []struct {
		name  string
		files []member
		want  string
	}{
		{"order, folders, hidden ones", []member{{"b.json", line(2)}, {"a/c.json", line(1)}, {".b.json", line(8)}, {".git/x", line(8)}},
			"a/c.json:1 " + t1(1) + "\nb.json:1 " + t1(2) + "\n"},
		{"found by what is inside", []member{{"a", gzipped(t, line(1))}, {"b.txt", bzipped(t)}, {"c.gz", line(3)}, {"d", gzipped(t, gzipped(t, line(4)))}},
			"a:1 " + t1(1) + "\nb.txt:1 " + t1(9) + "\nc.gz:1 " + t1(3) + "\nd:1 " + t1(4) + "\n"},
		{"tar", []member{{"a.tar", inner}}, "a.tar/sub/x.json.bz2:1 " + t1(9) + "\na.tar/y.json:1 " + t1(4) + "\n"},
		{"archives in archives", []member{{"a.zip", zipped(t, member{"z.tgz", gzipped(t, inner)}, member{"b.zip", zipped(t, member{"q/c.json", line(1)})}, member{"dir/", nil})}},
			"a.zip/b.zip/q/c.json:1 " + t1(1) + "\na.zip/z.tgz/sub/x.json.bz2:1 " + t1(9) + "\na.zip/z.tgz/y.json:1 " + t1(4) + "\n"},
		{"a damaged one stops no other", []member{{"a.gz", []byte{0x1F, 0x8B, 1, 2}}, {"b.zip", []byte("PK\x03\x04xxxx")}, {"c.bin", []byte("\x7fELF\x00\x01")}, {"d.bz2", []byte("BZh9xxxx")},
			{"e.xz", []byte("\xFD7zXZ\x00")}, {"f.tar", inner[:540]}, {"g.json", line(1)}},
			"a.gz:0 !gzip: unexpected EOF\nb.zip:0 !zip: zip: not a valid zip file\nc.bin:0 !neither text nor an archive of a known kind\n" +
				"d.bz2:0 !damaged: unexpected EOF\ne.xz:0 !xz: unexpected EOF\n" +
				"f.tar/sub/x.json.bz2:0 !damaged: unexpected EOF\nf.tar:0 !tar: unexpected EOF\ng.json:1 " + t1(1) + "\n"},
		{"what was whole of a damaged one", []member{{"a.tar", tarred(t, member{"d.gz", damagedGzip}, member{"e", line(1)})}},
			strings.Repeat("a.tar/d.gz:N "+t1(5)+"\n", 3000) + "a.tar/d.gz:N " + t1(6) + "\na.tar/d.gz:N !after line 3001: damaged: unexpected EOF\na.tar/e:N " + t1(1) + "\n"},
		{"nothing", []member{{"a", nil}, {"b.gz", gzipped(t, nil)}, {"c.zip", zipped(t)}}, ""},
	} {
		got := told(format.Files(t.Context(), []string{folder(t, tt.files...)}, format.Options{}))
		if strings.Contains(tt.want, ":N ") {
			got = digitsAfter.ReplaceAllString(got, ":N $1")
		}
		if got != tt.want {
			t.Errorf("%s:\ngot\n%swant\n%s", tt.name, tail(got), tail(tt.want))
		}
	}
}

// TestFilesArguments: single files, links, standard input in any form, what is not there.
func TestFilesArguments(t *testing.T) {
	dir := folder(t, member{"real/a.json", line(1)}, member{"b.json", line(2)}, member{".c.json", line(3)})
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "real"), link); err != nil {
		t.Skipf("SKIPPED LOUDLY: no links here: %v", err)
	}
	for name, stdin := range map[string]io.Reader{
		"gzip": bytes.NewReader(gzipped(t, line(4))), "plain": bytes.NewReader(line(4)),
	} {
		args := []string{link, filepath.Join(dir, "b.json"), filepath.Join(dir, ".c.json"), "-", filepath.Join(dir, "none.json")}
		got := told(format.Files(t.Context(), args, format.Options{Stdin: stdin}))
		if want := "a.json:1 " + t1(1) + "\nb.json:1 " + t1(2) + "\n.c.json:1 " + t1(3) + "\n-:1 " + t1(4) + "\nnone.json:0 !no such file or directory\n"; reordered(got) != reordered(want) {
			t.Errorf("%s:\ngot\n%swant\n%s", name, got, want)
		}
	}
	if got, want := told(format.Files(t.Context(), []string{"-"}, format.Options{Stdin: bytes.NewReader(zipped(t, member{"a", line(1)}))})), "-/a:1 "+t1(1)+"\n"; got != want {
		t.Errorf("zip from standard input: %q", got)
	}
	if got := told(format.Files(t.Context(), []string{"-"}, format.Options{})); !strings.Contains(got, "no standard input") {
		t.Errorf("without standard input: %q", got)
	}
}

func TestProgress(t *testing.T) {
	gz, z := gzipped(t, bytes.Repeat(line(1), 500)), zipped(t, member{"a", line(1)})
	dir := folder(t, member{"a.gz", gz}, member{"b.zip", z}, member{"c.json", line(2)})
	p := new(format.Progress)
	for range format.Files(t.Context(), []string{dir}, format.Options{Progress: p}) {
	}
	want := int64(len(gz) + len(z) + len(line(2)))
	if read, total := p.Bytes(); read != want || total != want || p.File() != "c.json" {
		t.Errorf("read %d of %d, at %q; want %d", read, total, p.File(), want)
	}
}

// TestFilesStop: a consumer that has enough, inside a compressed member of an archive, leaves no goroutine (TestMain looks).
func TestFilesStop(t *testing.T) {
	many := bytes.Repeat(line(1), 100_000)
	dir := folder(t, member{"a.tar", tarred(t, member{"x.gz", gzipped(t, many)}, member{"y.gz", gzipped(t, many)})})
	n := 0
	for range format.Files(t.Context(), []string{dir, "-"}, format.Options{Stdin: strings.NewReader(t1(1))}) {
		if n++; n == 70 {
			break
		}
	}
}
