package journal

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

// Snapshot is a journal as it was at one moment, to be copied while it is written. To fit an archive's copy it has to be of the very same
// moment: one that is older ends before the archive's place; in one that is younger imports are confirmed that the archive's copy lacks,
// and so would never be taken again.
type Snapshot struct {
	db   *sql.DB // its own; nil when conn is of an open journal
	conn *sql.Conn
}

// OpenSnapshot fixes the state of a journal's file, which another process may have open.
func OpenSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	db, err := openDB(path, 0, true)
	if err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	return (&Snapshot{db: db}).fix(ctx, db)
}

// Snapshot fixes the state of the journal. All that was acknowledged is in it.
func (j *Journal) Snapshot(ctx context.Context) (*Snapshot, error) {
	return (&Snapshot{}).fix(ctx, j.read)
}

func (s *Snapshot) fix(ctx context.Context, db *sql.DB) (_ *Snapshot, err error) {
	if s.conn, err = db.Conn(ctx); err == nil {
		_, err = s.conn.ExecContext(ctx, "BEGIN")
	}
	if err == nil { // the first read is what fixes it
		var format int
		err = s.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'format'").Scan(&format)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot of journal: %w", err), s.Close())
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

// Backup writes the journal as it is now to a new file. A copy that is used as a journal is to be given a new epoch by Renew. progress, in bytes,
// may be nil.
func (j *Journal) Backup(ctx context.Context, to string, progress func(done, total int64)) error {
	s, err := j.Snapshot(ctx)
	if err != nil {
		return err
	}
	return errors.Join(s.Copy(ctx, to, progress), s.Close())
}

// pagesAtOnce is how many pages are copied before the context is looked at.
const pagesAtOnce = 64

// Copy writes the state to a new file, which is whole and on disk when it has its name. progress, in bytes, may be nil.
func (s *Snapshot) Copy(ctx context.Context, to string, progress func(done, total int64)) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy journal: %w", err)
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
	q := url.Values{"_pragma": {"journal_mode(off)", "synchronous(off)"}}
	backup, err := maker.NewBackup("file:" + (&url.URL{Path: to}).EscapedPath() + "?" + q.Encode())
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
