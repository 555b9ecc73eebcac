package embedded

import (
	"context"
	"database/sql"
	"fmt"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// Versions of the file. A newer format is not opened; an older one, or another analysis, wants the index made again.
const (
	formatVersion   = 3
	analysisVersion = tweet.AnalysisVersion
)

// upgrades[n] makes tables of format n those of format n+1. New columns are filled when the index is made again.
var upgrades = map[int]string{
	1: `ALTER TABLE docs ADD COLUMN relevancy INTEGER NOT NULL DEFAULT -1;
		ALTER TABLE docs ADD COLUMN west INTEGER; ALTER TABLE docs ADD COLUMN south INTEGER;
		ALTER TABLE docs ADD COLUMN east INTEGER; ALTER TABLE docs ADD COLUMN north INTEGER;
		ALTER TABLE docs ADD COLUMN block INTEGER;
		ALTER TABLE dead_letters ADD COLUMN first_seq INTEGER NOT NULL DEFAULT 0;
		ALTER TABLE dead_letters ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
		ALTER TABLE dead_letters ADD COLUMN body_at INTEGER NOT NULL DEFAULT 0;
		ALTER TABLE dead_letters ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
		UPDATE dead_letters SET first_seq = seq;`,
	2: `ALTER TABLE docs RENAME COLUMN west TO longitude; ALTER TABLE docs RENAME COLUMN south TO latitude;
		ALTER TABLE docs DROP COLUMN east; ALTER TABLE docs DROP COLUMN north;`,
}

// figuresSince are the figures whose columns came with a format.
var figuresSince = map[int][]query.Figure{
	2: {query.Relevancy},
	3: {query.Longitude, query.Latitude},
}

// checkFormat makes the tables of a new file. A file of a newer format it leaves alone, one that is stale too unless that is allowed.
func (a *Archive) checkFormat(ctx context.Context, stale bool) error {
	tx, err := a.db.BeginTx(ctx, nil) // a file is whole or empty
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var tables int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").Scan(&tables); err != nil {
		return err
	}
	if tables == 0 {
		err = create(ctx, tx)
	} else {
		err = check(ctx, tx, Options{Stale: stale})
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, schema+`INSERT OR IGNORE INTO meta VALUES ('tweets', 0), ('tombstones', 0), ('dead_letters', 0), ('highest', 0), ('strays', 0), ('hidden', 0)`)
	if err != nil {
		return err
	}
	return tx.Commit()
}

func create(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, schema+fullText("terms")+`INSERT INTO meta VALUES ('format', ?), ('analysis', ?), ('epoch', ''), ('seq', 0);`, formatVersion, analysisVersion)
	return err
}

// executor is a database or a transaction.
type executor interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}

// check refuses what this program cannot use. What is stale and may be it brings up to date.
func check(ctx context.Context, tx executor, o Options) error {
	var format, analysis, filled int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'format'), (SELECT value FROM meta WHERE key = 'analysis'),
		ifnull((SELECT value FROM meta WHERE key = 'filled'), ?)`, formatVersion).Scan(&format, &analysis, &filled)
	switch {
	case err != nil:
		return err
	case format > formatVersion:
		return fmt.Errorf("the file has format %d, this program knows up to %d: use a newer one", format, formatVersion)
	case o.Stale && format < formatVersion && !o.ReadOnly:
		return upgrade(ctx, tx, format)
	case o.Stale && format == formatVersion:
		return nil
	case format < formatVersion || filled < formatVersion:
		return fmt.Errorf("the file has format %d, this program has %d, and the index has to be made again: run: birdwatch reindex", min(format, filled), formatVersion)
	case analysis != analysisVersion:
		return fmt.Errorf("the index was made by analysis %d, this program has %d, and it has to be made again: run: birdwatch reindex", analysis, analysisVersion)
	}
	return nil
}

// upgrade brings the tables up to date, in seconds however large they are: what takes long is to make the index again.
func upgrade(ctx context.Context, tx executor, from int) error {
	for n := from; n < formatVersion; n++ {
		if _, err := tx.ExecContext(ctx, upgrades[n]); err != nil {
			return fmt.Errorf("format %d to %d: %w", n, n+1, err)
		}
	}
	// An older program must not write the new tables.
	if _, err := tx.ExecContext(ctx, "UPDATE meta SET value = ? WHERE key = 'format'", formatVersion); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO meta VALUES ('filled', ?)", from)
	return err
}

// planOf is the plan of a request, or an error where it asks for figures that the old rows of an archive lack.
func (v *view) planOf(r *search.Request) (*plan, error) {
	p := planOf(r, v.now.strays)
	if v.now.hidden && !r.Hidden {
		p.leaveOut(v.Archive.hidden)
	}
	for format := v.now.filled + 1; format <= formatVersion; format++ {
		for _, f := range figuresSince[format] {
			asked := r.Sort == f
			for i := range p.parts {
				asked = asked || p.parts[i].ranges[f] != whole
			}
			if asked {
				return nil, fmt.Errorf("the index is older than what the query asks for: %w until it is made again (birdwatch reindex)", search.ErrUnavailable)
			}
		}
	}
	return p, nil
}
