// Package journal is the append-only record of what came in lately, in order.
//
// It is a SQLite file of its own. What Append acknowledged is on disk. Beside the entries lie the id table, which
// decides whether a tweet is new, known or deleted, and small state that the server's parts share.
package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite"

	"birdwatch/search/embedded/sqlfile"
	"birdwatch/tweet"
)

// formatVersion is the version of the file's format. A newer one is not opened.
const formatVersion = 1

// busyTimeout is how long, in milliseconds, a connection waits for another's lock.
const busyTimeout = 10_000

// ErrClosed is what a closed journal answers.
var ErrClosed = errors.New("journal closed")

// Options are a journal's settings; the zero value is the default.
type Options struct {
	MinSeq   tweet.Seq     // a new journal's entries are numbered above it
	MaxAge   time.Duration // entries older are cut by Maintain; 72 h
	MaxBytes int64         // entries beyond so many compressed bytes are cut by Maintain; 10 GB
	// Grace is how long the content of a deleted tweet stays readable at least, so that open subscriptions
	// can decide whether they were sent it; 10 s.
	Grace time.Duration
	// KeepUnseen is how long deletes of tweets that never came are remembered; a year.
	KeepUnseen time.Duration
	MaxPages   int // of the file, to try a full disk; 0: no bound
	Now        func() time.Time
	Logger     *slog.Logger
}

func (o *Options) defaults() {
	if o.MaxAge <= 0 {
		o.MaxAge = 72 * time.Hour
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 10 << 30
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	if o.KeepUnseen <= 0 {
		o.KeepUnseen = 365 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Journal is an open journal. All its methods are safe for concurrent use.
type Journal struct {
	o     Options
	epoch string
	read  *sql.DB
	db    *sql.DB // of the writer's one connection
	w     *writer

	first, last atomic.Int64
	recent      recent
	health
	losses  atomic.Uint64 // see Losses
	unclean atomic.Bool   // the write-ahead log may hold content that was stripped or purged
	sweeps  atomic.Int64  // users whose tweets are still to be deleted

	tasks   chan *task
	stop    chan struct{}
	stopped chan struct{}
	closing sync.Once

	mu     sync.Mutex           // guards what follows
	moved  chan struct{}        // closed and replaced when entries come or a follower acknowledges
	acks   map[string]tweet.Seq // since the journal was opened
	closed bool
}

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE entries (
	seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id INTEGER NOT NULL, user_id INTEGER NOT NULL, first_seq INTEGER NOT NULL,
	arrived INTEGER NOT NULL, captured_at INTEGER NOT NULL, flags INTEGER NOT NULL, source INTEGER NOT NULL, cut BLOB, frame BLOB);
CREATE INDEX entries_id ON entries (id);
CREATE TABLE ids (
	id INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, state INTEGER NOT NULL, at INTEGER NOT NULL,
	payload_sum INTEGER NOT NULL, raw_sum INTEGER NOT NULL);
CREATE TABLE refs (target INTEGER, holder INTEGER, repeats INTEGER NOT NULL, PRIMARY KEY (target, holder)) WITHOUT ROWID;
CREATE TABLE unseen (id INTEGER PRIMARY KEY, noted INTEGER NOT NULL);
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE pending (batch INTEGER PRIMARY KEY, ids BLOB NOT NULL);
CREATE TABLE strip (seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, arrived INTEGER NOT NULL);
CREATE TABLE followers (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
`

// additions are tables that came later: a file without them is given them when it is opened, and a program without them passes them over.
// audit takes no change and no removal.
const additions = `
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, deleted INTEGER NOT NULL, restored INTEGER NOT NULL, sweep INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_user ON entries (user_id);
CREATE INDEX IF NOT EXISTS users_to_sweep ON users (id) WHERE sweep > 0;
CREATE TABLE IF NOT EXISTS notices (kind INTEGER, id INTEGER, user_id INTEGER, at INTEGER, detail BLOB, PRIMARY KEY (kind, id, user_id, at, detail)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
	n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, what INTEGER NOT NULL, id INTEGER NOT NULL, user_id INTEGER NOT NULL, seq INTEGER NOT NULL,
	why TEXT NOT NULL, noticed_at INTEGER NOT NULL, origin TEXT NOT NULL, file TEXT NOT NULL, pos INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is for appending only'); END;
CREATE TRIGGER IF NOT EXISTS audit_as_it_is BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is for appending only'); END;
`

// Open opens the journal file, made when missing. It starts the goroutine that writes, which Close ends.
// One process at a time may have it open: the data folder's lock sees to that.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	o.defaults()
	j := &Journal{o: o, tasks: make(chan *task, 256), stop: make(chan struct{}), stopped: make(chan struct{}), moved: make(chan struct{}), acks: map[string]tweet.Seq{}}
	if err := j.open(ctx, path); err != nil {
		err = fmt.Errorf("open journal: %w", err)
		for _, db := range []*sql.DB{j.read, j.db} {
			if db != nil {
				err = errors.Join(err, db.Close())
			}
		}
		return nil, err
	}
	go j.write()
	return j, nil
}

func (j *Journal) open(ctx context.Context, path string) (err error) {
	if j.db, err = openDB(path, j.o.MaxPages, false); err != nil {
		return err
	}
	if err := j.checkFormat(ctx); err != nil {
		return err
	}
	// What a process that was killed had stripped or purged may still be in its write-ahead log.
	if _, err := j.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return err
	}
	if j.read, err = openDB(path, 0, true); err != nil {
		return err
	}
	conn, err := j.db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if j.w, err = newWriter(conn, j); err == nil {
		err = j.w.transaction(j.w.recover)
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	j.publish()
	return nil
}

func openDB(path string, maxPages int, readOnly bool) (*sql.DB, error) {
	pragmas := []string{fmt.Sprintf("busy_timeout(%d)", busyTimeout), "page_size(8192)", "auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", "cache_size(-16000)", "mmap_size(268435456)"}
	if maxPages > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count(%d)", maxPages))
	}
	if readOnly {
		pragmas = append(pragmas, "query_only(1)")
	}
	db, err := sql.Open("sqlite", sqlfile.URI(path, pragmas...))
	if err != nil {
		return nil, err
	}
	if readOnly {
		db.SetMaxOpenConns(4)
		db.SetMaxIdleConns(4)
	} else {
		db.SetMaxOpenConns(1)
	}
	return db, nil
}

// checkFormat makes the tables of a new file; a file of a newer program is left as it is.
func (j *Journal) checkFormat(ctx context.Context) error {
	var tables int
	if err := j.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		if err := j.create(ctx); err != nil {
			return err
		}
	}
	var version int
	if err := j.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&version); err != nil {
		return fmt.Errorf("read format: %w", err)
	}
	if version > formatVersion {
		return fmt.Errorf("the file has format %d, this program knows up to %d: use a newer one", version, formatVersion)
	}
	if _, err := j.db.ExecContext(ctx, coverageSchema+wantedSchema+additions); err != nil {
		return fmt.Errorf("add tables: %w", err)
	}
	return j.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&j.epoch)
}

func (j *Journal) create(ctx context.Context) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, schema); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO meta VALUES ('format', ?), ('epoch', ?), ('last', ?), ('bytes', 0)", formatVersion, newEpoch(), int64(j.o.MinSeq))
	if err != nil {
		return err
	}
	return tx.Commit()
}

func newEpoch() string { return strings.ToLower(rand.Text()[:12]) }

// Close ends the writer after what is queued and closes the file. Calls that wait are answered ErrClosed.
func (j *Journal) Close() error {
	err := ErrClosed
	j.closing.Do(func() {
		j.mu.Lock()
		j.closed = true
		close(j.moved)
		j.mu.Unlock()
		close(j.stop)
		<-j.stopped
		err = errors.Join(j.w.close(), j.db.Close(), j.read.Close())
	})
	return err
}

// Epoch tells this journal's places from those of another.
func (j *Journal) Epoch() string { return j.epoch }

// First is the oldest entry that can still be read; Last()+1 when there is none.
func (j *Journal) First() tweet.Seq { return tweet.Seq(j.first.Load()) }

// Last is the newest entry.
func (j *Journal) Last() tweet.Seq { return tweet.Seq(j.last.Load()) }

// Wait returns when Last() > after, with ctx's error, or with ErrClosed.
func (j *Journal) Wait(ctx context.Context, after tweet.Seq) error {
	return j.until(ctx, func() bool { return j.Last() > after })
}

// until returns when it is so, or with an error. so is asked under j.mu.
func (j *Journal) until(ctx context.Context, so func() bool) error {
	for {
		j.mu.Lock()
		done, moved, closed := so(), j.moved, j.closed
		j.mu.Unlock()
		switch {
		case done:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// announce wakes all that wait.
func (j *Journal) announce() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wake()
}

// wake: j.mu is held.
func (j *Journal) wake() {
	if !j.closed {
		close(j.moved)
		j.moved = make(chan struct{})
	}
}
