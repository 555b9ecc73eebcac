package format

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// memberName is the name in provenance of an archive's member; false for hidden ones and folders.
func memberName(archive, name string) (string, bool) {
	if strings.HasSuffix(name, "/") {
		return "", false
	}
	name = innerName(name)
	return archive + name, name != "/" && !strings.Contains(name, "/.")
}

// innerName is a member's name as a path from the archive's root, whatever it says.
func innerName(name string) string {
	return path.Clean("/" + clean(strings.ReplaceAll(name, `\`, "/")))
}

// member is a file of an archive, or of a folder that stands for one.
type member struct {
	inner string // from "/"
	open  func() (io.ReadCloser, error)
}

// members reads those members of an archive that can be opened in any order, in the order of their names.
func (b *batcher) members(at site, all []member, depth int) {
	slices.SortStableFunc(all, func(x, y member) int { return strings.Compare(x.inner, y.inner) })
	byName, dirs, names := map[string]member{}, map[string]*folder{}, make([]string, len(all))
	for i, m := range all {
		byName[m.inner], names[i] = m, m.inner[1:]
		dir, base := path.Split(m.inner)
		if dirs[dir] == nil {
			dirs[dir] = &folder{open: func(name string) (io.ReadCloser, error) {
				if found, ok := byName[path.Join(dir, name)]; ok {
					return found.open()
				}
				return nil, os.ErrNotExist
			}}
		}
		dirs[dir].names = append(dirs[dir].names, base)
	}
	passed := inExport(names)
	for _, m := range all {
		if b.ctx.Err() != nil {
			return
		}
		name, ok := memberName(at.name, m.inner)
		if !ok || passed(m.inner[1:]) {
			continue
		}
		b.o.Progress.enter(name)
		r, err := m.open()
		if err != nil {
			b.add(name, framed{err: plain(err)})
			continue
		}
		dir, _ := path.Split(m.inner)
		b.unpack(site{name: name, path: at.path + m.inner, folder: dirs[dir]}, r, depth+1)
		r.Close()
	}
}

func (b *batcher) zip(at site, r io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // such names lead nowhere here
		return fmt.Errorf("zip: %w", err)
	}
	var all []member
	for _, f := range z.File {
		if _, ok := memberName("", f.Name); !ok {
			continue
		}
		s := b.spent
		all = append(all, member{innerName(f.Name), func() (io.ReadCloser, error) {
			m, err := f.Open()
			if err != nil {
				return nil, fmt.Errorf("zip: %w", err)
			}
			return readCloser{s.bounded(zipErrors(m)), m}, nil
		}})
	}
	b.members(at, all, depth)
	return nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

func zipErrors(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("damaged: %w", err)
		}
		return n, err
	})
}

// zipStream takes a zip that is no file of its own: its directory is at the end, so it goes to a temporary file.
func (b *batcher) zipStream(at site, r io.Reader, depth int) {
	f, err := os.CreateTemp("", "birdwatch-zip-")
	if err != nil {
		b.add(at.name, framed{err: fmt.Errorf("zip: %w", plain(err))})
		return
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := io.Copy(f, r)
	if err == nil {
		err = b.zip(at, f, size, depth)
	}
	if err != nil {
		b.add(at.name, framed{err: plain(err)})
	}
}

// joined are the names of files that are read together with others beside them.
var joined = regexp.MustCompile(`^(?:(?:data|users)_\d+\.json(?:\.\w+)?|query|[\w-]+\.js|tweets\.csv|README\.txt|.*\.html)$`)

// tar reads the members as they come, but those that need others, which may come later: they go to a temporary
// folder and are read at the end.
func (b *batcher) tar(at site, r io.Reader, depth int) {
	t := tar.NewReader(r)
	aside := spool{}
	defer aside.remove()
	for b.ctx.Err() == nil {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// What follows the end is nothing, but what the archive is compressed with has its checksum there.
			if _, err := io.Copy(io.Discard, r); err != nil && b.ctx.Err() == nil {
				b.add(at.name, framed{err: fmt.Errorf("tar: %w", plain(err))})
			}
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			b.add(at.name, framed{err: fmt.Errorf("tar: %w", err)})
			break
		}
		name, ok := memberName(at.name, h.Name)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		b.o.Progress.enter(name)
		if inner := innerName(h.Name); !joined.MatchString(path.Base(inner)) {
			b.unpack(site{name: name, path: at.path + inner}, t, depth+1)
		} else if err := aside.put(inner, t); err != nil {
			b.add(name, framed{err: fmt.Errorf("tar: %w", plain(err))})
		}
	}
	b.members(at, aside.members, depth)
}

// spool is a temporary folder of members, under names of its own.
type spool struct {
	dir     string
	members []member
}

func (s *spool) put(inner string, r io.Reader) (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "birdwatch-tar-"); err != nil {
			return err
		}
	}
	file := filepath.Join(s.dir, strconv.Itoa(len(s.members)))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	s.members = append(s.members, member{inner, func() (io.ReadCloser, error) { return os.Open(file) }}) // what came whole is read
	return errors.Join(err, f.Close())
}

func (s *spool) remove() {
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}
