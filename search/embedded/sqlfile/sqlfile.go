// Package sqlfile is what the SQLite files of archive and journal have in common: how they are named, and copied while others write them.
package sqlfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"modernc.org/sqlite"
)

// URI names a file to the driver, whatever characters its path has. Pragmas are set in every connection, in their order.
func URI(path string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// Snapshot is a file as it was at one moment, to be copied while others write it. What it sees stays in the write-ahead log until it
// is closed.
type Snapshot struct {
	what string
	db   *sql.DB // closed with it; may be nil
	conn *sql.Conn
}

// Take fixes the state of db, which has a table meta. what is the file's name in errors; owned says that Close closes db, as Take does when it
// fails.
func Take(ctx context.Context, what string, db *sql.DB, owned bool) (*Snapshot, error) {
	s := &Snapshot{what: what}
	if owned {
		s.db = db
	}
	var err error
	if s.conn, err = db.Conn(ctx); err == nil {
		_, err = s.conn.ExecContext(ctx, "BEGIN")
	}
	if err == nil { // the first read is what fixes it
		var format int
		err = s.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&format)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close gives the state up.
func (s *Snapshot) Close() error {
	var errs []error
	if s.conn != nil {
		_, err := s.conn.ExecContext(context.Background(), "ROLLBACK")
		errs = append(errs, err, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// pagesAtOnce is how many pages are copied before the context is looked at.
const pagesAtOnce = 64

// Copy writes the state to a new file, which is whole and on disk when it has its name. progress, in bytes, may be nil.
func (s *Snapshot) Copy(ctx context.Context, to string, progress func(done, total int64)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy %s: %w", s.what, err)
		}
	}()
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s: %w", to, fs.ErrExist))
	}
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	var pageSize int64
	if err := s.conn.QueryRowContext(ctx, "PRAGMA page_size").Scan(&pageSize); err != nil {
		return errors.Join(err, part.Close())
	}
	err = s.conn.Raw(func(c any) error {
		return copyPages(ctx, c, part.Name(), func(done, total int) {
			if progress != nil {
				progress(int64(done)*pageSize, int64(total)*pageSize)
			}
		})
	})
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}

func copyPages(ctx context.Context, from any, to string, progress func(done, total int)) error {
	maker, ok := from.(interface {
		NewBackup(string) (*sqlite.Backup, error)
	})
	if !ok {
		return fmt.Errorf("a connection of type %T cannot be copied", from)
	}
	// Nothing is kept of a copy that is broken off, so it needs no journal; it is synced as a whole.
	backup, err := maker.NewBackup(URI(to, "journal_mode(off)", "synchronous(off)"))
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		if more, err = backup.Step(pagesAtOnce); err == nil {
			progress(backup.PageCount()-backup.Remaining(), backup.PageCount())
			err = ctx.Err()
		}
	}
	return errors.Join(err, backup.Finish())
}

// syncFolder makes a new name last. Windows has no such thing.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
