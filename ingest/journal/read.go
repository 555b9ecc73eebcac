package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"birdwatch/tweet"
)

const columns = "SELECT seq, kind, entries.id, user_id, first_seq, arrived, captured_at, flags, cut, frame FROM entries "

// pageBytes bounds the content of one page, for records can be large.
const pageBytes = 32 << 20

// Since gives up to limit entries after the place, in order; fewer when they are large, but none only when there is none. What retention
// cut off is not among them (compare First). Content of deleted tweets may be stripped. Their bytes are shared, not to be changed.
func (j *Journal) Since(ctx context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	if after >= j.Last() {
		return nil, nil
	}
	if es, ok := j.recent.since(after, limit); ok {
		return es, nil
	}
	return j.entries(ctx, columns+"WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", int64(after), int64(j.Last()), limit)
}

// Losses counts how often content was stripped or purged since the journal was opened. What was read before it rose may hold some.
func (j *Journal) Losses() uint64 { return j.losses.Load() }

// Content gives the sightings of a tweet that the journal still holds, those of a deleted one until they are stripped.
func (j *Journal) Content(ctx context.Context, id tweet.ID) ([]tweet.Entry, error) {
	return j.entries(ctx, columns+"WHERE entries.id = ? AND kind IN (1, 2) AND frame IS NOT NULL ORDER BY seq", int64(id))
}

func (j *Journal) entries(ctx context.Context, query string, args ...any) ([]tweet.Entry, error) {
	rows, err := j.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer rows.Close()
	var es []tweet.Entry
	for bytes := 0; bytes < pageBytes && rows.Next(); {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		es = append(es, e)
		bytes += size(&e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	return es, nil
}

func scanEntry(rows *sql.Rows) (e tweet.Entry, err error) {
	var flags int
	var cut []byte
	if err := rows.Scan(&e.Seq, &e.Kind, &e.ID, &e.UserID, &e.FirstSeq, &e.Arrived, &e.CapturedAt, &flags, &cut, &e.Frame); err != nil {
		return e, err
	}
	e.Partial, e.RawCut, e.Stripped, e.Unseen = flags&flagPartial != 0, flags&flagRawCut != 0, flags&flagStripped != 0, flags&flagUnseen != 0
	e.Revived = flags&flagRevived != 0
	if len(cut) > 0 {
		if e.Cut, err = decodeIDs(cut); err != nil {
			return e, err
		}
	}
	if e.Frame == nil {
		return e, nil
	}
	c, err := tweet.Unpack(e.Frame)
	if err != nil {
		return e, fmt.Errorf("entry %d: %w", e.Seq, err)
	}
	e.Payload, e.Raw, e.Provenance = c.Payload, c.Raw, c.Provenance
	return e, nil
}

// Deleted says of each id whether the id table has it as deleted.
func (j *Journal) Deleted(ctx context.Context, ids ...tweet.ID) ([]bool, error) {
	return j.states(ctx, ids, known.gone)
}

// DeletedAgain says of each id whether it was deleted, let in later, and deleted once more: its tombstone is Revived.
func (j *Journal) DeletedAgain(ctx context.Context, ids ...tweet.ID) ([]bool, error) {
	return j.states(ctx, ids, func(k known) bool { return k.state == stateDeletedAgain })
}

func (j *Journal) states(ctx context.Context, ids []tweet.ID, is func(known) bool) ([]bool, error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id, state FROM ids WHERE id IN (SELECT value FROM json_each(?))", string(encodeIDs(ids)))
	if err != nil {
		return nil, fmt.Errorf("read id table: %w", err)
	}
	defer rows.Close()
	yes := map[tweet.ID]bool{}
	for rows.Next() {
		var id tweet.ID
		var k known
		if err := rows.Scan(&id, &k.state); err != nil {
			return nil, fmt.Errorf("read id table: %w", err)
		}
		yes[id] = is(k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read id table: %w", err)
	}
	out := make([]bool, len(ids))
	for i, id := range ids {
		out[i] = yes[id]
	}
	return out, nil
}

// State gives a value that SetState kept; nil when there is none.
func (j *Journal) State(ctx context.Context, key string) ([]byte, error) {
	var v []byte
	err := j.read.QueryRowContext(ctx, "SELECT value FROM state WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return v, err
}

// States gives the keys that begin with prefix, in order.
func (j *Journal) States(ctx context.Context, prefix string) (keys []string, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT key FROM state WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key", prefix)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, fmt.Errorf("read state: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// Before gives the place of the last entry that came before t; that before the first one when there is none. Where the clock was set back, about.
func (j *Journal) Before(ctx context.Context, t time.Time) (tweet.Seq, error) {
	low, high := j.First()-1, j.Last() // low came before
	for low < high {
		middle := low + (high-low+1)/2
		var arrived int64
		var seq tweet.Seq
		err := j.read.QueryRowContext(ctx, "SELECT seq, arrived FROM entries WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT 1", int64(middle), int64(high)).Scan(&seq, &arrived)
		switch {
		case errors.Is(err, sql.ErrNoRows): // a hole
			high = middle - 1
		case err != nil:
			return 0, fmt.Errorf("read journal: %w", err)
		case arrived < t.UnixMilli():
			low = seq
		default:
			high = middle - 1
		}
	}
	return low, nil
}

// SetState keeps a small value that the server's parts share, and forgets it where it is nil; it is on disk when this returns nil.
func (j *Journal) SetState(ctx context.Context, key string, value []byte) error {
	return j.do(ctx, 0, func(w *writer) error {
		if value == nil {
			return w.exec("DELETE FROM state WHERE key = ?", key)
		}
		return w.exec("INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	})
}

// Stats describe a journal.
type Stats struct {
	Epoch      string               `json:"epoch"`
	First      tweet.Seq            `json:"first"`
	Last       tweet.Seq            `json:"last"`
	Entries    int64                `json:"entries"`
	Bytes      int64                `json:"bytes"` // of the file
	IDs        int64                `json:"ids"`
	Tombstones int64                `json:"tombstones"` // of them deleted, those that never came included
	Followers  map[string]tweet.Seq `json:"followers"`
	Full       bool                 `json:"full,omitempty"` // larger than it should be, since a follower is slow
}

// Stats counts; it reads the whole id table.
func (j *Journal) Stats(ctx context.Context) (Stats, error) {
	s := Stats{Epoch: j.epoch, First: j.First(), Last: j.Last(), Full: j.full.Load(), Followers: map[string]tweet.Seq{}}
	err := j.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM ids), (SELECT count(*) FROM ids WHERE state NOT IN (1, 5)),
		(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)`).Scan(&s.Entries, &s.IDs, &s.Tombstones, &s.Bytes)
	if err != nil {
		return s, fmt.Errorf("count journal: %w", err)
	}
	rows, err := j.read.QueryContext(ctx, "SELECT name, seq FROM followers")
	if err != nil {
		return s, fmt.Errorf("count journal: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var seq tweet.Seq
		if err := rows.Scan(&name, &seq); err != nil {
			return s, fmt.Errorf("count journal: %w", err)
		}
		s.Followers[name] = seq
	}
	return s, rows.Err()
}

// Check runs SQLite's own checks over the file; nil when it is sound.
func (j *Journal) Check(ctx context.Context) error {
	var found string
	if err := j.read.QueryRowContext(ctx, "PRAGMA quick_check").Scan(&found); err != nil {
		return fmt.Errorf("check journal: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("check journal: %s", found)
	}
	return nil
}
