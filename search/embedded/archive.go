// Package embedded is the archive in one SQLite file with full text by FTS5.
//
// The rowid of every table is the tweet's id, so that newest first is the index's own order and a page stops
// when it is full. The words are those of query.Target, never SQLite's own.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"

	_ "modernc.org/sqlite"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// Versions of the file. A newer format is not opened; another analysis wants the index made again.
const (
	formatVersion   = 1
	analysisVersion = 1
)

// Options are an archive's settings; the zero value is the default.
type Options struct {
	MaxPages int // of the file, to try a full disk; 0: no bound
}

// Archive is an open archive. Its methods are safe for concurrent use: one writes at a time, many read meanwhile.
type Archive struct {
	path string
	db   *sql.DB // of the writer's one connection
	read *sql.DB

	mu    sync.Mutex // guards what follows, and writing
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

var _ search.Archive = (*Archive)(nil)

// docs has a row for every document, tombstones too; bodies one for each that has content; terms likewise.
const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS docs (
	id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, at INTEGER NOT NULL, body_at INTEGER NOT NULL, flags INTEGER NOT NULL,
	created_at INTEGER NOT NULL, followers INTEGER NOT NULL, following INTEGER NOT NULL, tweets INTEGER NOT NULL, listed INTEGER NOT NULL,
	likes INTEGER NOT NULL, reposts INTEGER NOT NULL, replies INTEGER NOT NULL, quotes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id INTEGER NOT NULL, reason TEXT NOT NULL, frame BLOB);
CREATE TABLE IF NOT EXISTS geo_scrubs (user_id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notices (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id INTEGER NOT NULL, user_id INTEGER NOT NULL, at INTEGER NOT NULL, detail BLOB);
`

// fullText is contentless: the terms can be found, not read. Every printable ASCII character belongs to a term; blanks part them.
var fullText = `CREATE VIRTUAL TABLE IF NOT EXISTS terms USING fts5 (t, content='', contentless_delete=1, detail=full,
	tokenize="ascii tokenchars '` + tokenChars() + `'")`

func tokenChars() string {
	var b strings.Builder
	for c := '!'; c <= '~'; c++ {
		switch {
		case '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z':
		case c == '\'':
			b.WriteString("''")
		case c == '"':
			b.WriteString(`""`)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Open opens the archive file, made when missing. One process at a time may have it open: the data folder's lock sees to that.
func Open(ctx context.Context, path string, o Options) (*Archive, error) {
	a := &Archive{path: path, stmts: map[string]*sql.Stmt{}}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), a.Close())
	}
	return a, nil
}

func (a *Archive) open(ctx context.Context, o Options) (err error) {
	if a.db, err = openDB(a.path, o.MaxPages, false); err != nil {
		return err
	}
	if _, err = a.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if _, err = a.db.ExecContext(ctx, fullText); err != nil {
		return err
	}
	if err = a.checkFormat(ctx); err != nil {
		return err
	}
	if a.conn, err = a.db.Conn(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	a.read, err = openDB(a.path, 0, true)
	return err
}

func openDB(path string, maxPages int, readOnly bool) (*sql.DB, error) {
	// A page of 16 kB holds a dozen bodies; of 4 kB two, with a third of it empty.
	q := url.Values{"_pragma": {"busy_timeout(10000)", "page_size(16384)", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", "cache_size(-65536)", "mmap_size(1073741824)", "temp_store(memory)"}}
	if maxPages > 0 {
		q.Add("_pragma", fmt.Sprintf("max_page_count(%d)", maxPages))
	}
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if readOnly {
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8)
	}
	return db, nil
}

func (a *Archive) checkFormat(ctx context.Context) error {
	var format, analysis int
	err := a.db.QueryRowContext(ctx, "SELECT (SELECT value FROM meta WHERE key = 'analysis'), value FROM meta WHERE key = 'format'").Scan(&analysis, &format)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// FTS5 merges less often than by default: imports are half as long, pages as fast.
		_, err = a.db.ExecContext(ctx, `INSERT INTO meta VALUES ('format', ?), ('analysis', ?), ('epoch', ''), ('seq', 0);
			INSERT INTO terms (terms, rank) VALUES ('automerge', 8), ('crisismerge', 32), ('secure-delete', 1);`, formatVersion, analysisVersion)
		return err
	case err != nil:
		return err
	case format > formatVersion:
		return fmt.Errorf("the file has format %d, this program knows up to %d: use a newer one", format, formatVersion)
	case analysis != analysisVersion:
		return fmt.Errorf("the index was made by analysis %d, this program has %d: it has to be made again", analysis, analysisVersion)
	}
	return nil
}

// Close closes the file. Searches under way fail.
func (a *Archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, s := range a.stmts {
		errs = append(errs, s.Close())
	}
	a.stmts = nil
	if a.conn != nil {
		errs = append(errs, a.conn.Close())
	}
	for _, db := range []*sql.DB{a.read, a.db} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Position is the place in the journal up to which entries are applied.
func (a *Archive) Position(ctx context.Context) (p tweet.Position, err error) {
	err = a.read.QueryRowContext(ctx, "SELECT (SELECT value FROM meta WHERE key = 'epoch'), (SELECT value FROM meta WHERE key = 'seq')").Scan(&p.Epoch, &p.Seq)
	return p, fault("position", err)
}

// Stats counts what the archive holds.
func (a *Archive) Stats(ctx context.Context) (s search.Stats, err error) {
	if s.Position, err = a.Position(ctx); err != nil {
		return s, err
	}
	var highest sql.NullInt64
	err = a.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM docs WHERE flags & ? = 0), (SELECT count(*) FROM docs WHERE flags & ? <> 0),
		(SELECT count(*) FROM dead_letters), (SELECT max(first_seq) FROM docs)`, flagTombstone, flagTombstone).Scan(&s.Tweets, &s.Tombstones, &s.DeadLetters, &highest)
	if err != nil {
		return s, fault("count", err)
	}
	s.HighestSeq = max(tweet.Seq(highest.Int64), s.Position.Seq)
	for _, name := range []string{a.path, a.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			s.Bytes += info.Size()
		}
	}
	return s, nil
}

// Check runs SQLite's checks over the file and FTS5's over the index; nil when both are sound.
func (a *Archive) Check(ctx context.Context) error {
	var found string
	if err := a.read.QueryRowContext(ctx, "PRAGMA quick_check").Scan(&found); err != nil {
		return fmt.Errorf("check archive: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("check archive: %s", found)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.conn.ExecContext(ctx, "INSERT INTO terms (terms) VALUES ('integrity-check')"); err != nil {
		return fmt.Errorf("check archive's index: %w", err)
	}
	return nil
}

// Optimize merges the index into one segment. It takes long and makes searches a little faster; what was deleted leaves the index for good.
func (a *Archive) Optimize(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.conn.ExecContext(ctx, "INSERT INTO terms (terms) VALUES ('optimize')"); err != nil {
		return fmt.Errorf("optimize archive: %w", err)
	}
	if _, err := a.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("optimize archive: %w", err)
	}
	return nil
}

// fault turns an error of SQLite into one that the callers know.
func fault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("archive: %s: %w", what, search.ErrTimeout)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("archive: %s: %w", what, err)
	case errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "database is closed"):
		return fmt.Errorf("archive: %s: %w", what, search.ErrUnavailable)
	}
	return fmt.Errorf("archive: %s: %w", what, err)
}

// figureColumns name the columns of the figures in docs.
var figureColumns = [query.NumFigures]string{
	query.CreatedAt: "created_at", query.TweetID: "id", query.Followers: "followers", query.Following: "following", query.Tweets: "tweets",
	query.Listed: "listed", query.Likes: "likes", query.Reposts: "reposts", query.Replies: "replies", query.Quotes: "quotes",
}
