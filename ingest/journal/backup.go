package journal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"birdwatch/search/embedded/sqlfile"
)

// Snapshot is a journal as it was at one moment, to be copied while it is written. To fit an archive's copy it has to be of the very same
// moment: one that is older ends before the archive's place; in one that is younger imports are confirmed that the archive's copy lacks,
// and so would never be taken again.
type Snapshot = sqlfile.Snapshot

// OpenSnapshot fixes the state of a journal's file, which another process may have open.
func OpenSnapshot(ctx context.Context, path string) (*Snapshot, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	db, err := openDB(path, 0, true)
	if err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	s, err := sqlfile.Take(ctx, "journal", db, true)
	if err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	return s, nil
}

// Snapshot fixes the state of the journal. All that was acknowledged is in it.
func (j *Journal) Snapshot(ctx context.Context) (*Snapshot, error) {
	s, err := sqlfile.Take(ctx, "journal", j.read, false)
	if err != nil {
		return nil, fmt.Errorf("snapshot of journal: %w", err)
	}
	return s, nil
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
