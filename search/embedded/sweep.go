package embedded

import "context"

// unmake ends an index and leaves what FTS5 kept of it to sweep: to drop it at once would put the whole of it into one transaction.
func unmake(name string) string {
	return "ALTER TABLE " + name + "_data RENAME TO swept_data; ALTER TABLE " + name + "_idx RENAME TO swept_idx; ALTER TABLE " +
		name + "_docsize RENAME TO swept_docsize; DROP TABLE " + name
}

// sweeps remove what unmake left, a little each.
var sweeps = []struct{ table, some string }{
	{"swept_idx", "DELETE FROM swept_idx WHERE (segid, term) IN (SELECT segid, term FROM swept_idx LIMIT 5000)"},
	{"swept_docsize", "DELETE FROM swept_docsize WHERE id IN (SELECT id FROM swept_docsize LIMIT 20000)"},
	{"swept_data", "DELETE FROM swept_data WHERE id IN (SELECT id FROM swept_data LIMIT 2000)"},
}

// sweep removes what unmake left, in short transactions.
func (a *Archive) sweep(ctx context.Context) error {
	for _, s := range sweeps {
		for {
			var there bool
			err := a.read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?)", s.table).Scan(&there)
			if err != nil {
				return err
			}
			if !there {
				break
			}
			err = a.write(ctx, func(w *writer) error {
				r, err := w.conn.ExecContext(context.Background(), s.some)
				if err != nil {
					return err
				}
				if n, err := r.RowsAffected(); err != nil || n > 0 {
					return err
				}
				return w.run("DROP TABLE " + s.table)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs statements that are not worth keeping.
func (w *writer) run(texts ...string) error {
	for _, text := range texts {
		if _, err := w.conn.ExecContext(context.Background(), text); err != nil {
			return err
		}
	}
	return nil
}
