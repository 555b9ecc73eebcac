package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/ingest/coverage"
	"birdwatch/ingest/format"
	"birdwatch/tweet"
)

// account is where an import is written into the ledger of coverage: the folder's, or through a server.
type account interface {
	gaps(ctx context.Context) ([]coverage.Span, error)
	// knows reports whether there is anything of a source.
	knows(ctx context.Context, source string) (bool, error)
	imported(ctx context.Context, files, filled []coverage.Span) error
}

type ownAccount struct{ l *coverage.Ledger }

func (a ownAccount) gaps(ctx context.Context) ([]coverage.Span, error) {
	return a.l.Spans(ctx, coverage.Query{Kinds: []coverage.Kind{coverage.Gap}})
}

func (a ownAccount) imported(ctx context.Context, files, filled []coverage.Span) error {
	return a.l.Imported(ctx, files, filled)
}

func (a ownAccount) knows(ctx context.Context, source string) (bool, error) {
	spans, err := a.l.Spans(ctx, coverage.Query{Source: source, Limit: 1})
	return len(spans) > 0, err
}

type remoteAccount struct{ c *client.Client }

func (a remoteAccount) gaps(ctx context.Context) ([]coverage.Span, error) {
	var gaps []coverage.Span
	q := url.Values{"kinds": {string(coverage.Gap)}, "neighbors": {"true"}, "max_results": {"1000"}}
	for span, err := range coveragePages(ctx, a.c, q) {
		if err != nil {
			return nil, err
		}
		s, err := spanOf(span)
		if err != nil {
			return nil, err
		}
		gaps = append(gaps, s)
	}
	return gaps, nil
}

func (a remoteAccount) knows(ctx context.Context, source string) (bool, error) {
	for _, err := range coveragePages(ctx, a.c, url.Values{"source": {source}, "max_results": {"1"}}) {
		return err == nil, err
	}
	return false, nil
}

func (a remoteAccount) imported(ctx context.Context, files, filled []coverage.Span) error {
	return a.c.Imported(ctx, api.CoverageImport{Files: showSpans(files, false), Filled: showSpans(filled, false)})
}

// importAccount gathers what an import's files held, and whether they fill gaps.
type importAccount struct {
	to       account
	watch    *coverage.Watch
	progress *format.Progress
	stdin    hash.Hash // nil where it is not read
	files    map[string]*fileTally
	of       map[string]*fileTally // by the name in provenance, parts of archives too
	last     *fileTally
	lastName string
}

// fileTally is of one file on disk, with all that is packed in it.
type fileTally struct {
	name        string
	count, bad  int64
	low, high   tweet.ID
	first, last int64 // times of tweets whose ids hold none
}

// newImportAccount reads which gaps there are. declared is the source that the files are said to be a record of, or "".
func newImportAccount(ctx context.Context, to account, progress *format.Progress, declared string, log *slog.Logger) (*importAccount, error) {
	if declared != "" {
		known, err := to.knows(ctx, declared)
		if err != nil {
			return nil, fmt.Errorf("read the sources: %w", err)
		}
		if !known {
			log.Warn("the account of coverage knows no such source: the files fill no gap of it", "fills", declared)
		}
	}
	gaps, err := to.gaps(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the gaps: %w", err)
	}
	return &importAccount{to: to, watch: coverage.NewWatch(gaps, declared), progress: progress, files: map[string]*fileTally{}, of: map[string]*fileTally{}}, nil
}

// reading has the standard input summed while it is read.
func (a *importAccount) reading(r io.Reader) io.Reader {
	a.stdin = sha256.New()
	return io.TeeReader(r, a.stdin)
}

// item takes note of what was read.
func (a *importAccount) item(it *format.Item) {
	t := a.last
	if t == nil || it.File != a.lastName {
		t = a.tally(it.File)
		a.last, a.lastName = t, it.File
	}
	if it.Err != nil {
		t.bad++
	}
	for i := range it.Records {
		r := &it.Records[i]
		t.count++
		if r.Kind != tweet.KindTweet {
			continue
		}
		a.watch.Tweet(r.ID)
		if r.ID < tweet.FirstSnowflake {
			t.at(r)
		} else if t.high = max(t.high, r.ID); t.low == 0 || r.ID < t.low {
			t.low = r.ID
		}
	}
}

func (t *fileTally) at(r *tweet.Record) {
	p, err := r.Decoded()
	if err != nil {
		return
	}
	if ms := p.Data.Time(); ms != 0 {
		if t.last = max(t.last, ms); t.first == 0 || ms < t.first {
			t.first = ms
		}
	}
}

// tally finds the file on disk: the longest beginning of the name that is one.
func (a *importAccount) tally(name string) *fileTally {
	if t := a.of[name]; t != nil {
		return t
	}
	outer, paths := name, a.progress.Paths()
	for {
		if _, ok := paths[outer]; ok {
			break
		}
		i := strings.LastIndexByte(outer, '/')
		if i < 0 {
			outer = name
			break
		}
		outer = outer[:i]
	}
	t := a.files[outer]
	if t == nil {
		t = &fileTally{name: outer}
		a.files[outer] = t
	}
	a.of[name] = t
	return t
}

// write puts the import into the account. Files that held nothing are in it too.
func (a *importAccount) write(ctx context.Context) (filled int, err error) {
	now := time.Now().UnixMilli()
	paths := a.progress.Paths()
	for name := range paths {
		a.tally(name)
	}
	run := fmt.Sprintf("%x", now)
	var low, high tweet.ID
	var files []coverage.Span
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		t := a.files[name]
		sum, err := a.sum(ctx, paths[name])
		if err != nil {
			return 0, fmt.Errorf("checksum of %s: %w", name, err)
		}
		s := coverage.Span{Begin: now, End: now, Count: t.count,
			File: &coverage.File{Run: run, Name: name, SHA256: sum, At: now, MinID: t.low, MaxID: t.high, Bad: t.bad}}
		if first, last := t.times(); first != 0 {
			s.Begin, s.End = first, last
		}
		if t.low != 0 && (low == 0 || t.low < low) {
			low = t.low
		}
		high = max(high, t.high)
		files = append(files, s)
	}
	gaps := a.watch.Filled(low, high)
	if len(files) == 0 {
		return 0, nil
	}
	return len(gaps), a.to.imported(ctx, files, gaps)
}

// times are of the first and the last tweet, in Unix milliseconds; 0 where there is none.
func (t *fileTally) times() (first, last int64) {
	first, last = t.first, t.last
	if low, ok := t.low.Time(); ok && (first == 0 || low.UnixMilli() < first) {
		first = low.UnixMilli()
	}
	if high, ok := t.high.Time(); ok {
		last = max(last, high.UnixMilli())
	}
	return first, last
}

// sum is of the file's bytes; of several files of one name, of all of them in turn.
func (a *importAccount) sum(ctx context.Context, paths []string) (string, error) {
	h := sha256.New()
	for _, p := range paths {
		if p == "" {
			if a.stdin == nil {
				return "", nil
			}
			h = a.stdin
			continue
		}
		if err := sumFile(ctx, h, p); err != nil {
			return "", err
		}
	}
	if len(paths) == 0 { // the bundled sample
		return "", nil
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sumFile(ctx context.Context, h hash.Hash, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) { // it was reported as bad
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() { // a pipe has been read
		return err
	}
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
