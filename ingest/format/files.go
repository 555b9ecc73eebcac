package format

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// maxNesting bounds archives in archives.
const maxNesting = 4

// Files gives the records of files, folders ("-" is Options.Stdin), in the order of the paths, folders in the order of names; what
// is compressed or an archive is found by looking inside. Hidden files are passed over. What cannot be read is an
// Item with Err, and the rest goes on. It stops when ctx ends.
func Files(ctx context.Context, paths []string, o Options) iter.Seq[Item] {
	return pipeline(ctx, o, func(b *batcher) {
		for _, f := range b.list(paths) {
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
		files = append(files, b.walk(arg)...)
	}
	return files
}

// walk lists the files of one argument, without those of an export that tell of no tweets.
func (b *batcher) walk(arg string) (files []input) {
	root := filepath.Clean(arg)
	if info, err := os.Stat(root); err == nil && info.IsDir() {
		root += string(filepath.Separator) // a link to a folder is followed
	}
	sizes := map[string]int64{}
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
			sizes[p] = info.Size()
		}
		files = append(files, input{path: p, name: clean(filepath.ToSlash(name))})
		return nil
	})
	if err != nil {
		b.add(arg, framed{err: plain(err)})
	}
	names := make([]string, len(files))
	for i := range files {
		names[i] = files[i].name
	}
	passed := inExport(names)
	kept := files[:0]
	for _, f := range files {
		if len(files) > 1 && passed(f.name) {
			continue
		}
		kept = append(kept, f)
		if b.o.Progress != nil {
			b.o.Progress.total.Add(sizes[f.path])
		}
	}
	return kept
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
	b.o.Progress.begin(in)
	b.spent = new(spent)
	if in.stdin {
		if b.o.Stdin == nil {
			b.add(in.name, framed{err: errors.New("there is no standard input")})
			return
		}
		b.unpack(site{name: in.name}, b.counted(b.patient(b.o.Stdin)), 0)
		return
	}
	f, err := os.Open(in.path)
	if err != nil {
		b.add(in.name, framed{err: plain(err)})
		return
	}
	defer f.Close()
	at := site{name: in.name, path: in.path, folder: b.folders.of(in.path)}
	if abs, err := filepath.Abs(in.path); err == nil {
		at.path = filepath.ToSlash(abs)
	}
	head := make([]byte, 4)
	n, _ := f.ReadAt(head, 0)
	if !bytes.Equal(head[:n], []byte("PK\x03\x04")) {
		b.unpack(at, b.counted(f), 0)
		return
	}
	info, err := f.Stat()
	if err == nil {
		b.spent.in.Store(info.Size()) // its parts are read in any order
		err = b.zip(at, f, info.Size(), 0)
	}
	if err != nil {
		b.add(in.name, framed{err: err})
	}
	if b.o.Progress != nil && info != nil {
		b.o.Progress.read.Add(info.Size())
	}
}

// counted counts what is read, for the progress and against bombs, and reads no more when ctx has ended.
func (b *batcher) counted(r io.Reader) io.Reader {
	s := b.spent
	return readerFunc(func(p []byte) (int, error) {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := r.Read(p)
		s.in.Add(int64(n))
		if b.o.Progress != nil {
			b.o.Progress.read.Add(int64(n))
		}
		return n, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
