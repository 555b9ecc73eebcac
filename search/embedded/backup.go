package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"modernc.org/sqlite"

	"birdwatch/search/embedded/sqlfile"
)

// Snapshot is an archive as it was at one moment, to be copied while others write it.
type Snapshot = sqlfile.Snapshot

// OpenSnapshot fixes the state of an archive's file, which this process or another may have open. at, which may be nil, is called at that
// moment, while nothing can be written to the archive: a journal's snapshot that is opened there fits. It has all that the archive
// has, and no import is confirmed in it that the archive lacks.
func OpenSnapshot(ctx context.Context, path string, at func() error) (*Snapshot, error) {
	s, err := openSnapshot(ctx, path, at)
	if err != nil {
		return nil, fmt.Errorf("snapshot of archive: %w", err)
	}
	return s, nil
}

// openSnapshot holds the archive's lock for writing meanwhile.
func openSnapshot(ctx context.Context, path string, at func() error) (s *Snapshot, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	lock, err := openDB(path, 0, false)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err = errors.Join(err, lock.Close()); err != nil && s != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	writing, err := lock.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := beginWriting(ctx, writing); err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	defer func() {
		_, end := writing.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end, writing.Close())
	}()
	return takeSnapshot(ctx, path, at)
}

// takeSnapshot fixes the state while nothing can be written.
func takeSnapshot(ctx context.Context, path string, at func() error) (*Snapshot, error) {
	if at != nil {
		if err := at(); err != nil {
			return nil, err
		}
	}
	db, err := openDB(path, 0, true)
	if err != nil {
		return nil, err
	}
	return sqlfile.Take(ctx, "archive", db, true)
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

// Backup writes the archive as it is now to a new file, while it is read and written. The copy is an archive: it is restored by opening
// it. progress, in bytes, may be nil.
func (a *Archive) Backup(ctx context.Context, to string, progress func(done, total int64)) error {
	s, err := OpenSnapshot(ctx, a.path, nil)
	if err != nil {
		return err
	}
	return errors.Join(s.Copy(ctx, to, progress), s.Close())
}
