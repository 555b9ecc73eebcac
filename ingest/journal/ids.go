package journal

import (
	"database/sql"
	"errors"

	"birdwatch/tweet"
)

// lookLeast is how many rows of the id table are worth being read in one go.
const lookLeast = 8

// look reads the rows of ids at once, which takes a fraction of what one question for each does. Until lookAway nothing may change the
// table but remember.
func (w *writer) look(ids []tweet.ID) error {
	if len(ids) < lookLeast {
		return nil
	}
	s, err := w.stmt("SELECT id, first_seq, state, at, payload_sum, raw_sum FROM ids WHERE id IN (SELECT value FROM json_each(?))")
	if err != nil {
		return err
	}
	rows, err := s.Query(string(encodeIDs(ids)))
	if err != nil {
		return err
	}
	defer rows.Close()
	seen := make(map[tweet.ID]known, len(ids))
	for _, id := range ids {
		seen[id] = known{}
	}
	for rows.Next() {
		var id tweet.ID
		var k known
		if err := rows.Scan(&id, &k.firstSeq, &k.state, &k.at, &k.payload, &k.raw); err != nil {
			return err
		}
		seen[id] = k
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.seen = seen
	return nil
}

// lookAway forgets what look read.
func (w *writer) lookAway() { w.seen = nil }

// idsIn are the tweets that sightings are of, or carry.
func idsIn(in []sighting) []tweet.ID {
	ids := make([]tweet.ID, 0, 2*len(in))
	for i := range in {
		ids = append(ids, in[i].r.ID)
		for _, c := range in[i].copies {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (w *writer) known(id tweet.ID) (k known, err error) {
	if k, ok := w.seen[id]; ok {
		return k, nil
	}
	err = w.query("SELECT first_seq, state, at, payload_sum, raw_sum FROM ids WHERE id = ?", []any{int64(id)}, &k.firstSeq, &k.state, &k.at, &k.payload, &k.raw)
	if errors.Is(err, sql.ErrNoRows) {
		return known{}, nil
	}
	return k, err
}

func (w *writer) remember(id tweet.ID, k known) error {
	if _, ok := w.seen[id]; ok {
		w.seen[id] = k
	}
	return w.exec("INSERT INTO ids VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET first_seq = excluded.first_seq, state = excluded.state, at = excluded.at, payload_sum = excluded.payload_sum, raw_sum = excluded.raw_sum",
		int64(id), int64(k.firstSeq), k.state, k.at, k.payload, k.raw)
}
