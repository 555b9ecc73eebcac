package format

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// folder is what lies beside a file, on disk or in an archive.
type folder struct {
	names []string                                 // of the files in it, sorted
	open  func(name string) (io.ReadCloser, error) // name may begin with "../"
	own   *export                                  // read when it is needed first
}

// find gives the first name that begins so; "" for none.
func (f *folder) find(prefix string) string {
	if f == nil {
		return ""
	}
	if i, _ := slices.BinarySearch(f.names, prefix); i < len(f.names) && strings.HasPrefix(f.names[i], prefix) {
		return f.names[i]
	}
	return ""
}

// read gives the whole of a small file beside, unpacked.
func (f *folder) read(name string, most int64) ([]byte, error) {
	r, err := f.open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer r.Close()
	in, err := unpacked(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("it is longer than %d bytes", most)
	}
	return b, err
}

// site is where a text lies.
type site struct {
	name   string  // in provenance
	path   string  // as much of it as is known: on disk, in the archive, or both
	folder *folder // nil: nothing is known to lie beside
}

func (s site) base() string { return path.Base(s.path) }

// folders keeps the folder that was listed last: files come folder by folder.
type folders struct {
	dir  string
	last *folder
}

// of gives the folder on disk in which a file lies.
func (f *folders) of(file string) *folder {
	dir := filepath.Dir(file)
	if f.last != nil && f.dir == dir {
		return f.last
	}
	f.dir, f.last = dir, &folder{open: func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, filepath.FromSlash(name))) }}
	if entries, err := os.ReadDir(dir); err == nil {
		for _, e := range entries {
			f.last.names = append(f.last.names, e.Name())
		}
	}
	return f.last
}

// exportMarks are files that only a person's own export has, by their place in it.
var exportMarks = []string{"data/manifest.js", "data/account.js", "data/js/tweet_index.js", "data/js/payload_details.js"}

var (
	// viewer are the files of an export with which a browser shows it, and the tweets once more as a table.
	viewer = regexp.MustCompile(`^(?:(?:assets|js|css|img|lib)/|(?:Your archive|index)\.html$|README\.txt$|tweets\.csv$)`)
	// pictures are the files of its data that tell of no tweets.
	pictures = regexp.MustCompile(`(?i)^data/(?:.*/)?[^/]*\.(?:jpe?g|png|gif|webp|mp4|mov|m3u8|ts|txt|html)$`)
)

// inExport reports, given the names of all files, which belong to an export and tell of no tweets. All others are read, whatever they lie beside.
func inExport(names []string) func(name string) bool {
	var roots []string
	for _, n := range names {
		for _, mark := range exportMarks {
			if root, ok := strings.CutSuffix(n, mark); ok && (root == "" || strings.HasSuffix(root, "/")) && !slices.Contains(roots, root) {
				roots = append(roots, root)
			}
		}
	}
	return func(name string) bool {
		for _, root := range roots {
			if rest, ok := strings.CutPrefix(name, root); ok && (viewer.MatchString(rest) || pictures.MatchString(rest)) {
				return true
			}
		}
		return false
	}
}
