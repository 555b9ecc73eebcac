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
	"os"
	"strings"
	"sync"

	"birdwatch/search"
	"birdwatch/search/embedded/sqlfile"
	"birdwatch/tweet"
)

// Options are an archive's settings; the zero value is the default.
type Options struct {
	MaxPages int // of the file, to try a full disk; 0: no bound
	// Stale opens a file too whose index is of another analysis or an older format, for Reindex. Until that is done, searches find by
	// the old index, and what it cannot tell is search.ErrUnavailable.
	Stale bool
	// Countries (ISO 3166 codes) are those whose withheld tweets are hidden. What is hidden everywhere always is.
	Countries []string
	// ReadOnly opens a file beside the process that writes it. Writes are ErrReadOnly.
	ReadOnly bool
}

// ErrReadOnly: the archive was opened with Options.ReadOnly.
var ErrReadOnly = errors.New("the archive is open for reading only")

// Archive is an open archive. Its methods are safe for concurrent use: one writes at a time, many read meanwhile.
type Archive struct {
	path   string
	only   bool    // for reading
	hidden string  // finds, in FTS5's language, what is not shown
	db     *sql.DB // of the writer's one connection
	read   *sql.DB
	state  *sql.Stmt // on read: stateSQL
	bodies *sql.Stmt // on read: bodiesSQL
	heads  *sql.Stmt // on read: frontsSQL

	mu    sync.Mutex // guards what follows, and writing
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	stuck int   // of the tweets that are alone, those that packing left
	next  *next // the index that is being made; nil when none is

	making sync.Mutex // held by Reindex
}

var _ search.Archive = (*Archive)(nil)

// schema: docs has a row for every document, tombstones too; bodies or blocks have the content (bodies.go), terms (fullText) the words. Rows
// of docs are small, as counting reads many of them.
const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS docs (
	id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, at INTEGER NOT NULL, body_at INTEGER NOT NULL, flags INTEGER NOT NULL,
	created_at INTEGER NOT NULL, followers INTEGER NOT NULL, following INTEGER NOT NULL, tweets INTEGER NOT NULL, listed INTEGER NOT NULL,
	likes INTEGER NOT NULL, reposts INTEGER NOT NULL, replies INTEGER NOT NULL, quotes INTEGER NOT NULL, relevancy INTEGER NOT NULL,
	longitude INTEGER, latitude INTEGER, block INTEGER);
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (n INTEGER PRIMARY KEY, front BLOB NOT NULL, back BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_letters (n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, id INTEGER NOT NULL, reason TEXT NOT NULL, frame BLOB,
	first_seq INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL DEFAULT 0, body_at INTEGER NOT NULL DEFAULT 0, flags INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS dead_letters_by_id ON dead_letters (id);
CREATE TABLE IF NOT EXISTS geo_scrubs (user_id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS geo_tweets (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS notices (seq INTEGER, kind INTEGER, id INTEGER, user_id INTEGER, at INTEGER, detail BLOB,
	PRIMARY KEY (kind, id, user_id, at, detail)) WITHOUT ROWID;
`

// fullText makes an index. It is contentless: the terms can be found, not read. Every printable ASCII character belongs to a term;
// blanks part them. FTS5 is to merge less often than by default: imports are half as long, pages as fast.
func fullText(name string) string {
	return strings.ReplaceAll(`CREATE VIRTUAL TABLE NAME USING fts5 (t, content='', contentless_delete=1, detail=full, tokenize="ascii tokenchars '`, "NAME", name) + tokenChars() + `'");` +
		strings.ReplaceAll("INSERT INTO NAME (NAME, rank) VALUES ('hashsize', 16777216), ('automerge', 8), ('crisismerge', 32), ('secure-delete', 1);", "NAME", name)
}

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
	a := &Archive{path: path, only: o.ReadOnly, hidden: hiddenIn(o.Countries), stmts: map[string]*sql.Stmt{}}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), a.Close())
	}
	return a, nil
}

func (a *Archive) open(ctx context.Context, o Options) error {
	if !o.ReadOnly {
		if err := a.openWriter(ctx, o); err != nil {
			return err
		}
	} else if _, err := os.Stat(a.path); err != nil {
		return err
	}
	return a.openReaders(ctx, o)
}

func (a *Archive) openWriter(ctx context.Context, o Options) (err error) {
	if a.db, err = openDB(a.path, o.MaxPages, false); err != nil {
		return err
	}
	if err = a.checkFormat(ctx, o.Stale); err != nil {
		return err
	}
	if a.conn, err = a.db.Conn(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return a.findNext(ctx)
}

func (a *Archive) openReaders(ctx context.Context, o Options) (err error) {
	if a.read, err = openDB(a.path, 0, true); err != nil {
		return err
	}
	if o.ReadOnly {
		if err := check(ctx, a.read, o); err != nil {
			return err
		}
	}
	if a.state, err = a.read.PrepareContext(ctx, stateSQL); err != nil {
		return err
	}
	if a.bodies, err = a.read.PrepareContext(ctx, bodiesSQL); err != nil {
		return err
	}
	a.heads, err = a.read.PrepareContext(ctx, frontsSQL)
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
	pragmas := []string{"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", fmt.Sprintf("mmap_size(%d)", mapped), "temp_store(memory)"}
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
	db, err := sql.Open("sqlite", sqlfile.URI(path, pragmas...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
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
	for _, s := range []*sql.Stmt{a.state, a.bodies, a.heads} {
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
	max(value) FILTER (WHERE key = 'strays'), ifnull(max(value) FILTER (WHERE key = 'hidden'), 0), max(value) FILTER (WHERE key = 'analysis'), ifnull(max(value) FILTER (WHERE key = 'filled'), ?) FROM meta`

// state is what the archive says of itself: all of Stats but the size.
type state struct {
	search.Stats
	strays bool // tweets are indexed whose id and time disagree
	hidden bool // some were hidden at some time
	filled int  // the format whose columns of figures have all their values
}

func readState(ctx context.Context, s *sql.Stmt) (st state, err error) {
	var analysis int
	err = s.QueryRowContext(ctx, formatVersion).Scan(&st.Position.Epoch, &st.Position.Seq, &st.Tweets, &st.Tombstones, &st.DeadLetters, &st.HighestSeq,
		&st.strays, &st.hidden, &analysis, &st.filled)
	st.HighestSeq = max(st.HighestSeq, st.Position.Seq)
	st.Engine, st.Stale = "embedded", analysis != analysisVersion || st.filled != formatVersion
	return st, err
}

// Position is the place in the journal up to which entries are applied.
func (a *Archive) Position(ctx context.Context) (tweet.Position, error) {
	s, err := readState(ctx, a.state)
	return s.Position, fault("position", err)
}

// Stats says what the archive holds. It is cheap, however large the archive.
func (a *Archive) Stats(ctx context.Context) (search.Stats, error) {
	s, err := readState(ctx, a.state)
	if err != nil {
		return search.Stats{}, fault("stats", err)
	}
	for _, name := range []string{a.path, a.path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			s.Bytes += info.Size()
		}
	}
	return s.Stats, nil
}

// Check runs SQLite's checks over the file and FTS5's over the index, and reads all content; nil when all is sound.
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
	if err := a.look(ctx, "check", func(v *view) error { return v.checkBodies(ctx) }); err != nil {
		return err
	}
	if a.only {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.conn.ExecContext(ctx, "INSERT INTO terms (terms) VALUES ('integrity-check')"); err != nil {
		return fmt.Errorf("check archive's index: %w", err)
	}
	return nil
}

// Optimize packs all tweets and merges the index into one segment. It takes long and makes searches a little faster; what was deleted leaves the index for good.
func (a *Archive) Optimize(ctx context.Context) error {
	if err := a.packAll(ctx); err != nil {
		return fmt.Errorf("optimize archive: %w", err)
	}
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
