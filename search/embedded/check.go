package embedded

import (
	"context"
	"fmt"

	"birdwatch/search"
	"birdwatch/search/embedded/pack"
)

// checkBodies sees that all content is there and can be read, each tweet's once.
func (v *view) checkBodies(ctx context.Context) error {
	var wrong int
	err := v.tx.QueryRowContext(ctx, `SELECT count(*) FROM docs d LEFT JOIN bodies b ON b.id = d.id
		WHERE (b.id IS NOT NULL) + (d.block IS NOT NULL) <> (d.flags & ? = 0)`, search.FlagTombstone).Scan(&wrong)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d documents have no content, or have it twice", wrong)
	}
	if err != nil {
		return err
	}
	err = v.tx.QueryRowContext(ctx, "SELECT count(*) FROM bodies WHERE id NOT IN (SELECT id FROM docs)").Scan(&wrong)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d frames are of no document", wrong)
	}
	if err != nil {
		return err
	}
	var last int64
	if err := v.tx.QueryRowContext(ctx, "SELECT ifnull(max(n), 0) FROM (SELECT max(n) AS n FROM blocks UNION ALL SELECT max(block) FROM docs)").Scan(&last); err != nil {
		return err
	}
	members, err := v.membersOf(ctx)
	if err != nil {
		return err
	}
	for n := int64(1); n <= last; n++ {
		if err := v.checkBlock(ctx, n, members[n]); err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
	}
	return nil
}

// membersOf gives the ids of the documents of each block.
func (v *view) membersOf(ctx context.Context) (map[int64]map[int64]bool, error) {
	rows, err := v.tx.QueryContext(ctx, "SELECT block, id FROM docs WHERE block IS NOT NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	members := map[int64]map[int64]bool{}
	for rows.Next() {
		var n, id int64
		if err := rows.Scan(&n, &id); err != nil {
			return nil, err
		}
		if members[n] == nil {
			members[n] = map[int64]bool{}
		}
		members[n][id] = true
	}
	return members, rows.Err()
}

func (v *view) checkBlock(ctx context.Context, n int64, members map[int64]bool) error {
	var there bool
	if err := v.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM blocks WHERE n = ?)", n).Scan(&there); err != nil {
		return err
	}
	if !there {
		if len(members) > 0 {
			return fmt.Errorf("missing, with %d tweets", len(members))
		}
		return nil
	}
	front, back, err := readBlock(ctx, v.tx, n)
	if err != nil {
		return err
	}
	tweets, err := pack.Open(front, back, nil)
	if err != nil {
		return err
	}
	if len(tweets) != len(members) {
		return fmt.Errorf("has %d tweets, %d documents are in it", len(tweets), len(members))
	}
	for _, t := range tweets {
		if !members[t.ID] {
			return fmt.Errorf("has tweet %d, which is not in it", t.ID)
		}
	}
	return nil
}
