package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"birdwatch/ingest/coverage"
	"birdwatch/tweet"
)

// coverageSchema is made in files of any age.
const coverageSchema = `
CREATE TABLE IF NOT EXISTS coverage (id INTEGER PRIMARY KEY, source TEXT NOT NULL, kind TEXT NOT NULL, begins INTEGER NOT NULL, ends INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS coverage_begins ON coverage (begins, id);
CREATE INDEX IF NOT EXISTS coverage_open ON coverage (id) WHERE ends = 0;
`

// Spans gives what the account of coverage has, by beginning and id. It is never cut.
func (j *Journal) Spans(ctx context.Context, q coverage.Query) ([]coverage.Span, error) {
	text, args := "SELECT body FROM coverage WHERE (begins, id) > (?, ?)", []any{q.After.Begin, q.After.ID}
	and := func(condition string, values ...any) { text, args = text+" AND "+condition, append(args, values...) }
	if q.Begin != 0 {
		and("(ends = 0 OR ends >= ?)", q.Begin)
	}
	if q.End != 0 {
		and("begins < ?", q.End)
	}
	if q.Source != "" {
		and("source = ?", q.Source)
	}
	if q.Open {
		and("ends = 0")
	}
	if len(q.Kinds) > 0 {
		var kinds []any
		for _, k := range q.Kinds {
			kinds = append(kinds, string(k))
		}
		and("kind IN (?"+strings.Repeat(", ?", len(kinds)-1)+")", kinds...)
	}
	text += " ORDER BY begins, id"
	if q.Limit > 0 {
		text, args = text+" LIMIT ?", append(args, q.Limit)
	}
	rows, err := j.read.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, fmt.Errorf("read coverage: %w", err)
	}
	defer rows.Close()
	var spans []coverage.Span
	for rows.Next() {
		var body []byte
		var s coverage.Span
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read coverage: %w", err)
		}
		if err := json.Unmarshal(body, &s); err != nil {
			return nil, fmt.Errorf("read coverage: %w", err)
		}
		spans = append(spans, s)
	}
	return spans, rows.Err()
}

// PutSpans keeps spans of coverage, each in place of the one with its id. They are on disk when it returns nil.
func (j *Journal) PutSpans(ctx context.Context, spans []coverage.Span) error {
	bodies := make([][]byte, len(spans))
	for i := range spans {
		var err error
		if bodies[i], err = json.Marshal(spans[i]); err != nil {
			return fmt.Errorf("keep coverage: %w", err)
		}
	}
	return j.do(ctx, 0, func(w *writer) error {
		for i, s := range spans {
			err := w.exec("INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?, ?)", s.ID, s.Source, string(s.Kind), s.Begin, s.End, bodies[i])
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// LastSpan is the highest id in the account of coverage.
func (j *Journal) LastSpan(ctx context.Context) (int64, error) {
	var last sql.NullInt64
	err := j.read.QueryRowContext(ctx, "SELECT max(id) FROM coverage").Scan(&last)
	return last.Int64, err
}

// Arrivals gives the newest n tweets behind a place that came from a source, oldest first, as far as the journal reaches.
func (j *Journal) Arrivals(ctx context.Context, source string, after tweet.Seq, n int) ([]coverage.Arrival, error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id, arrived FROM entries WHERE seq > ? AND kind IN (?, ?) AND source = (SELECT id FROM sources WHERE name = ?) ORDER BY seq DESC LIMIT ?",
		int64(after), tweet.KindTweet, tweet.KindUpdate, source, n)
	if err != nil {
		return nil, fmt.Errorf("read arrivals: %w", err)
	}
	defer rows.Close()
	var all []coverage.Arrival
	for rows.Next() {
		var a coverage.Arrival
		if err := rows.Scan(&a.ID, &a.At); err != nil {
			return nil, fmt.Errorf("read arrivals: %w", err)
		}
		all = append(all, a)
	}
	slices.Reverse(all)
	return all, rows.Err()
}

var _ coverage.Store = (*Journal)(nil)
