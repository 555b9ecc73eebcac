package embedded

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

// Snapshot is an archive as it was at one moment, to be copied while others write it. What it sees stays in the write-ahead log until it
// is closed.
type Snapshot struct {
	db   *sql.DB
	conn *sql.Conn
}

// OpenSnapshot fixes the state of an archive's file, which this process or another may have open. at, which may be nil, is called at that
// moment, while nothing can be written to the archive: a journal's snapshot that is opened there fits. It has all that the archive
// has, and no import is confirmed in it that the archive lacks.
func OpenSnapshot(ctx context.Context, path string, at func() error) (s *Snapshot, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("snapshot of archive: %w", err)
	}
	lock, err := openDB(path, 0, false)
	if err != nil {
		return nil, fmt.Errorf("snapshot of archive: %w", err)
	}
	s = &Snapshot{}
	defer func() {
		err = errors.Join(err, lock.Close())
		if err != nil {
			s, err = nil, errors.Join(fmt.Errorf("snapshot of archive: %w", err), s.Close())
		}
	}()
	writing, err := lock.Conn(ctx)
	if err != nil {
		return s, err
	}
	if err := beginWriting(ctx, writing); err != nil {
		return s, errors.Join(err, writing.Close())
	}
	defer func() {
		_, end := writing.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end, writing.Close())
	}()
	if at != nil {
		if err := at(); err != nil {
			return s, err
		}
	}
	if s.db, err = openDB(path, 0, true); err != nil {
		return s, err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return s, err
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return s, err
	}
	var format int
	return s, s.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&format) // this fixes it
}

// beginWriting waits for its turn to write for as long as it takes: SQLite's own waiting does not hold out against one who writes on and on.
func beginWriting(ctx context.Context, c *sql.Conn) error {
	for {
		_, err := c.ExecContext(ctx, "BEGIN IMMEDIATE")
		var code *sqlite.Error
		if ctx.Err() != nil || !errors.As(err, &code) || code.Code()&0xff != sqliteBusy {
			return err
		}
	}
}

const sqliteBusy = 5

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
			err = fmt.Errorf("copy archive: %w", err)
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
	backup, err := maker.NewBackup(fileURI(to, "journal_mode(off)", "synchronous(off)"))
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

func fileURI(path string, pragmas ...string) string {
	q := url.Values{"_pragma": pragmas}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
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

// Backup writes the archive as it is now to a new file, while it is read and written. The copy is an archive: it is restored by opening
// it. progress, in bytes, may be nil.
func (a *Archive) Backup(ctx context.Context, to string, progress func(done, total int64)) error {
	s, err := OpenSnapshot(ctx, a.path, nil)
	if err != nil {
		return err
	}
	return errors.Join(s.Copy(ctx, to, progress), s.Close())
}
