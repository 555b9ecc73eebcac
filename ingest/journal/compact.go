package journal

import (
	"context"
	"errors"
	"fmt"

	"birdwatch/tweet"
)

// Compact writes a closed journal file anew, so that no page of it, free or in part, keeps anything from before. It needs as much room again.
func Compact(ctx context.Context, path string) (err error) {
	db, err := openDB(path, 0, false)
	if err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("compact journal: %w", err)
		}
	}
	return nil
}

// Gone gives the ids of all deleted tweets, those that never came apart.
func (j *Journal) Gone(ctx context.Context) (map[tweet.ID]bool, error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id FROM ids WHERE state IN (?, ?, ?)", stateDeleted, stateUserDeleted, stateDeletedAgain)
	if err != nil {
		return nil, fmt.Errorf("list deleted tweets: %w", err)
	}
	defer rows.Close()
	gone := map[tweet.ID]bool{}
	for rows.Next() {
		var id tweet.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list deleted tweets: %w", err)
		}
		gone[id] = true
	}
	return gone, rows.Err()
}

// Traces finds what the file may still hold of deleted tweets beside its entries' content.
func (j *Journal) Traces(ctx context.Context) ([]string, error) {
	var traces []string
	if err := j.Check(ctx); err != nil {
		traces = append(traces, err.Error())
	}
	for _, q := range [...]struct{ text, found string }{
		{"SELECT count(*) FROM strip", "the content of %d deletions is still to be taken out"},
		{"SELECT count(*) FROM users WHERE sweep > 0", "the tweets of %d deleted users are still to be deleted"},
		{"SELECT count(*) FROM pending", "%d batches of an import were not finished"},
		{"SELECT freelist_count FROM pragma_freelist_count", "%d free pages"},
	} {
		var n int64
		if err := j.read.QueryRowContext(ctx, q.text).Scan(&n); err != nil {
			return nil, fmt.Errorf("look for traces: %w", err)
		}
		if n > 0 {
			traces = append(traces, "journal.db: "+fmt.Sprintf(q.found, n))
		}
	}
	return traces, nil
}
