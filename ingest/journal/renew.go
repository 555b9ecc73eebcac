package journal

import (
	"context"
	"errors"
	"fmt"
)

// Renew gives the closed journal file a new epoch. A journal that was put back to an older state must have one: the places that it
// gives out from then on are others than those it gave out before.
func Renew(ctx context.Context, path string) (err error) {
	db, err := openDB(path, 0, false)
	if err != nil {
		return fmt.Errorf("renew journal: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	result, err := db.ExecContext(ctx, "UPDATE meta SET value = ? WHERE key = 'epoch'", newEpoch())
	if err != nil {
		return fmt.Errorf("renew journal: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("renew journal: %s is no journal: %w", path, err)
	}
	return nil
}
