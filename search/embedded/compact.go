package embedded

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"birdwatch/search"
)

// Compact takes for good what was deleted: packs all tweets, merges the index into one segment without what is not there any more, and writes the
// file anew, so that no page of it, free or in part, keeps anything from before. Blocks are made as small as they can be. It needs as much room again,
// and nothing else is written meanwhile.
func (a *Archive) Compact(ctx context.Context) error {
	if err := a.Optimize(ctx); err != nil {
		return err
	}
	broken := a.squeeze(ctx) // a block that cannot be read keeps nothing else in the file
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := a.conn.ExecContext(ctx, text); err != nil {
			return errors.Join(broken, fmt.Errorf("compact archive: %w", err))
		}
	}
	return broken
}

// Traces finds what the file may still hold of deleted tweets beside its documents: whether anything is in bodies and blocks that no document
// has, terms of the index that no tweet has, segments that name deleted tweets, free pages, a write-ahead log.
func (a *Archive) Traces(ctx context.Context) ([]string, error) {
	var traces []string
	if err := a.Check(ctx); err != nil {
		traces = append(traces, err.Error())
	}
	terms, err := a.hashTerms(ctx)
	if err != nil {
		return nil, fmt.Errorf("terms of the tweets: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// A tombstone page of FTS5 has a number above all segments' pages: it says which rows of a segment do not count any more, though their terms are there.
	for _, q := range [...]struct{ text, found string }{
		{"SELECT count(*) FROM terms_data WHERE id >= 1 << 53", "%d pages of the index name rows that are deleted but not taken out"},
		{"SELECT count(DISTINCT id >> 37) FROM terms_data WHERE id > 10 AND id < 1 << 53 AND (id >> 37) NOT IN (SELECT segid FROM terms_idx)", "%d segments lie in the file that are of no index"},
		{"SELECT freelist_count FROM pragma_freelist_count", "%d free pages"},
		{"SELECT count(*) FROM sqlite_schema WHERE name LIKE 'swept%' OR name LIKE 'terms_next%'", "%d tables of an index that is being made or removed"},
	} {
		var n int64
		if err := a.conn.QueryRowContext(ctx, q.text).Scan(&n); err != nil {
			return nil, fmt.Errorf("look for traces: %w", err)
		}
		if n > 0 {
			traces = append(traces, "archive.db: "+fmt.Sprintf(q.found, n))
		}
	}
	strange, err := a.strangeTerms(ctx, terms)
	if err != nil {
		return nil, fmt.Errorf("vocabulary of the index: %w", err)
	}
	return append(traces, strange...), nil
}

// hashTerms gives digests of all terms of the tweets that are here.
func (a *Archive) hashTerms(ctx context.Context) (map[uint64]struct{}, error) {
	terms := map[uint64]struct{}{}
	for d, err := range search.Documents(ctx, a) {
		if err != nil {
			return nil, err
		}
		if d.Tombstone {
			continue
		}
		r, err := makeReady(d, nil, nil)
		if err != nil {
			return nil, err
		}
		for term := range strings.FieldsSeq(lower(r.text)) {
			terms[xxhash.Sum64String(term)] = struct{}{}
		}
	}
	return terms, nil
}

// lower folds what FTS5's ascii tokenizer does.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// strangeTerms finds terms of the index that are none of the tweets'. They are not told: they may be a deleted tweet's.
func (a *Archive) strangeTerms(ctx context.Context, terms map[uint64]struct{}) ([]string, error) {
	if _, err := a.conn.ExecContext(ctx, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'terms', 'row')"); err != nil {
		return nil, err
	}
	rows, err := a.conn.QueryContext(ctx, "SELECT term FROM temp.vocabulary")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	strange := 0
	for rows.Next() {
		var term string
		if err := rows.Scan(&term); err != nil {
			return nil, err
		}
		if _, ok := terms[xxhash.Sum64String(term)]; !ok && !strings.HasPrefix(term, search.HiddenTerm) {
			strange++
		}
	}
	if strange > 0 {
		return []string{fmt.Sprintf("archive.db: %d terms of the index are of no tweet that is here", strange)}, rows.Err()
	}
	return nil, rows.Err()
}
