package journal

import (
	"context"
	"fmt"

	"birdwatch/tweet"
)

// wantedSchema is made in files of any age.
const wantedSchema = `CREATE TABLE IF NOT EXISTS wanted (id INTEGER PRIMARY KEY);`

// missing is the condition under which a wanted tweet is not there, and not known to be deleted.
const missing = "NOT EXISTS (SELECT 1 FROM ids WHERE ids.id = wanted.id) AND NOT EXISTS (SELECT 1 FROM unseen WHERE unseen.id = wanted.id)"

// Want notes tweets that are known by their ids alone, but for those that are here or deleted. It is on disk when it returns nil.
func (j *Journal) Want(ctx context.Context, ids []tweet.ID) error {
	return j.do(ctx, len(ids), func(w *writer) error {
		for _, id := range ids {
			err := w.exec("INSERT OR IGNORE INTO wanted SELECT wanted.id FROM (SELECT ? AS id) AS wanted WHERE "+missing, int64(id))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Wanted gives up to limit of the tweets that are wanted still, in the order of ids, above one.
func (j *Journal) Wanted(ctx context.Context, after tweet.ID, limit int) ([]tweet.ID, error) {
	ids, err := idsOf(j.read.QueryContext(ctx, "SELECT id FROM wanted WHERE id > ? AND "+missing+" ORDER BY id LIMIT ?", int64(after), limit))
	if err != nil {
		return nil, fmt.Errorf("read wanted tweets: %w", err)
	}
	return ids, nil
}
