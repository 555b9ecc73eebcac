package format

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// maxNesting bounds archives in archives.
const maxNesting = 4

// Files gives the records of files, folders ("-" is Options.Stdin), in the order of the paths, folders in the order of names; what
// is compressed or an archive is found by looking inside. Hidden files are passed over. What cannot be read is an
// Item with Err, and the rest goes on. It stops when ctx ends.
func Files(ctx context.Context, paths []string, o Options) iter.Seq[Item] {
	return pipeline(ctx, o, func(b *batcher) {
		files := b.list(paths)
		for _, f := range files {
			if b.ctx.Err() != nil {
				return
			}
			b.file(f)
		}
	})
}

// input is a file on disk and its name in provenance.
type input struct {
	path, name string
	stdin      bool
}

// list finds all files and adds up their sizes.
func (b *batcher) list(paths []string) (files []input) {
	for _, arg := range paths {
		if arg == "-" {
			files = append(files, input{name: "-", stdin: true})
			continue
		}
		root := filepath.Clean(arg)
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			root += string(filepath.Separator) // a link to a folder is followed
		}
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			name, relErr := filepath.Rel(root, p)
			if relErr != nil || name == "." { // the argument itself
				name = filepath.Base(p)
			}
			switch {
			case err != nil:
				b.add(filepath.ToSlash(name), framed{err: plain(err)})
				return nil
			case p != root && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir():
				return nil
			}
			if info, err := os.Stat(p); err == nil {
				if !info.Mode().IsRegular() && p != root { // a pipe inside a folder would wait for ever
					return nil
				}
				if b.o.Progress != nil {
					b.o.Progress.total.Add(info.Size())
				}
			}
			files = append(files, input{path: p, name: clean(filepath.ToSlash(name))})
			return nil
		})
		if err != nil {
			b.add(arg, framed{err: plain(err)})
		}
	}
	return files
}

// plain takes the path out of an error: the Item names the file.
func plain(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func (b *batcher) file(in input) {
	b.o.Progress.enter(in.name)
	if in.stdin {
		if b.o.Stdin == nil {
			b.add(in.name, framed{err: errors.New("there is no standard input")})
			return
		}
		b.unpack(in.name, b.counted(b.patient(b.o.Stdin)), 0)
		return
	}
	f, err := os.Open(in.path)
	if err != nil {
		b.add(in.name, framed{err: plain(err)})
		return
	}
	defer f.Close()
	head := make([]byte, 4)
	n, _ := f.ReadAt(head, 0)
	if bytes.Equal(head[:n], []byte("PK\x03\x04")) {
		info, err := f.Stat()
		if err == nil {
			err = b.zip(in.name, f, info.Size(), 0)
		}
		if err != nil {
			b.add(in.name, framed{err: err})
		}
		if b.o.Progress != nil && info != nil {
			b.o.Progress.read.Add(info.Size())
		}
		return
	}
	b.unpack(in.name, b.counted(f), 0)
}

// counted counts what is read for the progress, and reads no more when ctx has ended.
func (b *batcher) counted(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := r.Read(p)
		if b.o.Progress != nil {
			b.o.Progress.read.Add(int64(n))
		}
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// unpack takes a stream that may be compressed or an archive.
func (b *batcher) unpack(name string, r io.Reader, depth int) {
	in := bufio.NewReaderSize(r, 128<<10)
	head, err := in.Peek(512)
	if len(head) == 0 {
		if !errors.Is(err, io.EOF) && b.ctx.Err() == nil {
			b.add(name, framed{err: plain(err)})
		}
		return
	}
	if depth > maxNesting {
		b.add(name, framed{err: fmt.Errorf("archives nest deeper than %d", maxNesting)})
		return
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		z, err := gzip.NewReader(in)
		if err != nil {
			b.add(name, framed{err: fmt.Errorf("gzip: %w", err)})
			return
		}
		b.ahead(name, z, depth)
	case bytes.HasPrefix(head, []byte("BZh")):
		b.ahead(name, bzip2.NewReader(in), depth)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		b.zipStream(name, in, depth)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		b.tar(name, in, depth)
	case bytes.HasPrefix(head, []byte{0xFD, '7', 'z', 'X', 'Z'}), bytes.HasPrefix(head, []byte{0x28, 0xB5, 0x2F, 0xFD}):
		b.add(name, framed{err: errors.New("xz and zstd are not read: unpack the file first")})
	case bytes.HasPrefix(head, []byte("PK\x05\x06")): // a zip without files
	case bytes.IndexByte(head, 0) >= 0:
		b.add(name, framed{err: errors.New("neither text nor an archive of a known kind")})
	default:
		b.stream(name, in)
	}
}

func (b *batcher) tar(name string, r io.Reader, depth int) {
	t := tar.NewReader(r)
	for b.ctx.Err() == nil {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.add(name, framed{err: fmt.Errorf("tar: %w", err)})
			return
		}
		if member, ok := memberName(name, h.Name); ok && h.Typeflag == tar.TypeReg {
			b.o.Progress.enter(member)
			b.unpack(member, t, depth+1)
		}
	}
}

// memberName is the name in provenance of an archive's member; false for hidden ones and folders.
func memberName(archive, name string) (string, bool) {
	if strings.HasSuffix(name, "/") {
		return "", false
	}
	name = path.Clean("/" + clean(name))
	return archive + name, name != "/" && !strings.Contains(name, "/.")
}

func (b *batcher) zip(name string, r io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("zip: %w", err)
	}
	files := append([]*zip.File(nil), z.File...)
	sort.SliceStable(files, func(i, j int) bool { return files[i].Name < files[j].Name })
	for _, f := range files {
		if b.ctx.Err() != nil {
			return nil
		}
		member, ok := memberName(name, f.Name)
		if !ok {
			continue
		}
		b.o.Progress.enter(member)
		m, err := f.Open()
		if err != nil {
			b.add(member, framed{err: fmt.Errorf("zip: %w", err)})
			continue
		}
		b.unpack(member, m, depth+1)
		m.Close()
	}
	return nil
}

// zipStream takes a zip that is no file of its own: its directory is at the end, so it goes to a temporary file.
func (b *batcher) zipStream(name string, r io.Reader, depth int) {
	f, err := os.CreateTemp("", "birdwatch-zip-")
	if err != nil {
		b.add(name, framed{err: fmt.Errorf("zip: %w", plain(err))})
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := io.Copy(f, r)
	if err == nil {
		err = b.zip(name, f, size, depth)
	}
	if err != nil {
		b.add(name, framed{err: err})
	}
}

// ahead unpacks in a goroutine of its own, so that unpacking and framing run side by side.
func (b *batcher) ahead(name string, r io.Reader, depth int) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := bufio.NewWriterSize(pw, 256<<10)
		_, err := io.Copy(w, r)
		if flushErr := w.Flush(); err == nil {
			err = flushErr
		}
		if err != nil && !errors.Is(err, io.ErrClosedPipe) {
			err = fmt.Errorf("damaged: %w", err)
		}
		pw.CloseWithError(err)
	}()
	b.unpack(name, pr, depth+1)
	pr.Close() // ends the goroutine when nobody wants more
	<-done
}
