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

	"modernc.org/sqlite"

	"birdwatch/search"
	"birdwatch/tweet"
)

// Versions of the file. A newer format is not opened; another analysis wants the index made again.
const (
	formatVersion   = 2
	analysisVersion = tweet.AnalysisVersion
)

// Options are an archive's settings; the zero value is the default.
type Options struct {
	MaxPages int // of the file, to try a full disk; 0: no bound
}

// Archive is an open archive. Its methods are safe for concurrent use: one writes at a time, many read meanwhile.
type Archive struct {
	path   string
	db     *sql.DB // of the writer's one connection
	read   *sql.DB
	state  *sql.Stmt // on read: stateSQL
	bodies *sql.Stmt // on read: bodiesSQL

	mu    sync.Mutex // guards what follows, and writing
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

var _ search.Archive = (*Archive)(nil)

// schema: docs has a row for every document, tombstones too; bodies one for each that has content; terms (fullText) likewise. Rows
// of docs are small, as counting reads many of them.
const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS docs (
	id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, at INTEGER NOT NULL, body_at INTEGER NOT NULL, flags INTEGER NOT NULL,
	created_at INTEGER NOT NULL, followers INTEGER NOT NULL, following INTEGER NOT NULL, tweets INTEGER NOT NULL, listed INTEGER NOT NULL,
	likes INTEGER NOT NULL, reposts INTEGER NOT NULL, replies INTEGER NOT NULL, quotes INTEGER NOT NULL, relevancy INTEGER NOT NULL,
	west INTEGER, south INTEGER, east INTEGER, north INTEGER);
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id INTEGER NOT NULL, reason TEXT NOT NULL, frame BLOB);
CREATE INDEX IF NOT EXISTS dead_letters_by_id ON dead_letters (id);
CREATE TABLE IF NOT EXISTS geo_scrubs (user_id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notices (seq INTEGER, kind INTEGER, id INTEGER, user_id INTEGER, at INTEGER, detail BLOB,
	PRIMARY KEY (kind, id, user_id, at, detail)) WITHOUT ROWID;
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
	if err = a.checkFormat(ctx); err != nil {
		return err
	}
	if a.conn, err = a.db.Conn(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if a.read, err = openDB(a.path, 0, true); err != nil {
		return err
	}
	if a.state, err = a.read.PrepareContext(ctx, stateSQL); err != nil {
		return err
	}
	a.bodies, err = a.read.PrepareContext(ctx, bodiesSQL)
	return err
}

// Pages of SQLite's own cache (KiB) matter to the writer only: readers see the file through the memory map.
const (
	writerCache = 65_536
	readerCache = 8_192
	mapped      = 1 << 30
	readers     = 8
)

func openDB(path string, maxPages int, readOnly bool) (*sql.DB, error) {
	// A page of 16 kB holds a dozen bodies; of 4 kB two, with a third of it empty.
	pragmas := []string{"busy_timeout(10000)", "page_size(16384)", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", fmt.Sprintf("mmap_size(%d)", mapped), "temp_store(memory)"}
	if maxPages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count(%d)", maxPages))
	}
	connections := 1
	if readOnly {
		connections = readers
		pragmas = append(pragmas, "query_only(1)", fmt.Sprintf("cache_size(-%d)", readerCache))
	} else {
		pragmas = append(pragmas, fmt.Sprintf("cache_size(-%d)", writerCache))
	}
	q := url.Values{"_pragma": pragmas}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// checkFormat makes the tables of a new file; a file of a newer format it leaves alone.
func (a *Archive) checkFormat(ctx context.Context) error {
	var tables int
	if err := a.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		var format, analysis int
		err := a.db.QueryRowContext(ctx, "SELECT (SELECT value FROM meta WHERE key = 'format'), (SELECT value FROM meta WHERE key = 'analysis')").Scan(&format, &analysis)
		switch {
		case err != nil:
			return err
		case format > formatVersion:
			return fmt.Errorf("the file has format %d, this program knows up to %d: use a newer one", format, formatVersion)
		case analysis != analysisVersion:
			return fmt.Errorf("the index was made by analysis %d, this program has %d: it has to be made again", analysis, analysisVersion)
		}
	}
	tx, err := a.db.BeginTx(ctx, nil) // a file is whole or empty
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, schema+fullText); err != nil {
		return err
	}
	if tables == 0 {
		// FTS5 merges less often than by default: imports are half as long, pages as fast.
		_, err = tx.ExecContext(ctx, `INSERT INTO meta VALUES ('format', ?), ('analysis', ?), ('epoch', ''), ('seq', 0);
			INSERT INTO terms (terms, rank) VALUES ('automerge', 8), ('crisismerge', 32), ('secure-delete', 1);`, formatVersion, analysisVersion)
		if err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO meta VALUES ('tweets', 0), ('tombstones', 0), ('dead_letters', 0), ('highest', 0), ('strays', 0)`)
	if err != nil {
		return err
	}
	return tx.Commit()
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
	for _, s := range []*sql.Stmt{a.state, a.bodies} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
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

// stateSQL is what the archive says of itself.
const stateSQL = `SELECT max(value) FILTER (WHERE key = 'epoch'), max(value) FILTER (WHERE key = 'seq'), max(value) FILTER (WHERE key = 'tweets'),
	max(value) FILTER (WHERE key = 'tombstones'), max(value) FILTER (WHERE key = 'dead_letters'), max(value) FILTER (WHERE key = 'highest'),
	max(value) FILTER (WHERE key = 'strays') FROM meta`

// readState fills in all but the size; strays says whether tweets are indexed whose id and time disagree.
func readState(row *sql.Row) (s search.Stats, strays bool, err error) {
	err = row.Scan(&s.Position.Epoch, &s.Position.Seq, &s.Tweets, &s.Tombstones, &s.DeadLetters, &s.HighestSeq, &strays)
	s.HighestSeq = max(s.HighestSeq, s.Position.Seq)
	return s, strays, err
}

// Position is the place in the journal up to which entries are applied.
func (a *Archive) Position(ctx context.Context) (tweet.Position, error) {
	s, _, err := readState(a.state.QueryRowContext(ctx))
	return s.Position, fault("position", err)
}

// Stats says what the archive holds. It is cheap, however large the archive.
func (a *Archive) Stats(ctx context.Context) (search.Stats, error) {
	s, _, err := readState(a.state.QueryRowContext(ctx))
	if err != nil {
		return s, fault("stats", err)
	}
	for _, name := range []string{a.path, a.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			s.Bytes += info.Size()
		}
	}
	return s, nil
}

// Check runs SQLite's checks over the file and FTS5's over the index; nil when both are sound.
func (a *Archive) Check(ctx context.Context) error {
	// A connection of its own: FTS5's part of the check takes what an older connection remembers of the index for true.
	db, err := openDB(a.path, 0, true)
	if err != nil {
		return fmt.Errorf("check archive: %w", err)
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check").Scan(&found); err != nil {
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
	var code *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("archive: %s: %w", what, search.ErrTimeout)
	case errors.As(err, &code) && passing[code.Code()&0xff]:
		return fmt.Errorf("archive: %s: %w: %w", what, search.ErrUnavailable, err)
	case errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "database is closed"):
		return fmt.Errorf("archive: %s: %w: closed", what, search.ErrUnavailable)
	}
	return fmt.Errorf("archive: %s: %w", what, err)
}

// passing are SQLite's codes of errors after which the same may work later: busy, locked, out of memory, I/O, full.
var passing = map[int]bool{5: true, 6: true, 7: true, 10: true, 13: true}
