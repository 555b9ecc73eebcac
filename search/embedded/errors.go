package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"

	"birdwatch/search"
)

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
