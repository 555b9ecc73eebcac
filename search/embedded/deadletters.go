package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"birdwatch/search"
	"birdwatch/tweet"
)

// A dead letter is a document that could not be indexed, with its place in the journal and the reason. Its key is its number and its
// tweet: SQLite gives the number of the last one away again when that is gone.

func letterKey(n, id int64) string { return fmt.Sprintf("%012d-%d", n, id) }

// parseLetterKey gives zeros for what is no key: there is no letter of that number.
func parseLetterKey(key string) (n, id int64) {
	number, of, _ := strings.Cut(key, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, 0
	}
	if id, err = strconv.ParseInt(of, 10, 64); err != nil || letterKey(n, id) != key {
		return 0, 0
	}
	return n, id
}

// bury puts what cannot be indexed where it can be looked at, once.
func (w *writer) bury(o *op) error {
	if o.letter != 0 {
		return w.exec("UPDATE dead_letters SET reason = ? WHERE n = ?", o.problem.Error(), o.letter)
	}
	d := o.doc
	c := tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}
	frame, err := c.Pack()
	if err != nil {
		return err
	}
	id, seq := int64(d.ID), int64(o.entry.Seq)
	n, err := w.affected(`INSERT INTO dead_letters (seq, id, reason, frame, first_seq, at, body_at, flags) SELECT ?, ?, ?, ?, ?, ?, ?, ?
		WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE id = ? AND seq = ? AND frame = ?)`,
		seq, id, o.problem.Error(), frame, int64(d.FirstSeq), d.At, d.BodyAt, search.Flags(d), id, seq, frame)
	w.deadLetters += n
	return err
}

// cutLetters takes the copy of a deleted tweet from a holder's dead letters: what they have is gone with it where it cannot be cut.
func (w *writer) cutLetters(holder, id tweet.ID) error {
	letters, err := w.letters("WHERE id = ?", int64(holder))
	if err != nil {
		return err
	}
	for _, l := range letters {
		if l.empty {
			continue
		}
		now, err := l.doc.Without(id)
		if now == l.doc && err == nil {
			continue
		}
		var frame []byte
		if err == nil {
			c := tweet.Content{Payload: now.Payload, Figures: now.Figures, Provenance: now.Provenance}
			if frame, err = c.Pack(); err != nil {
				return err
			}
		}
		if err := w.exec("UPDATE dead_letters SET frame = ?, flags = flags | ? WHERE n = ?", frame, search.FlagRawCut, l.n); err != nil {
			return err
		}
	}
	return nil
}

// letter is a row of dead_letters.
type letter struct {
	n      int64
	seq    tweet.Seq
	reason string
	doc    *tweet.Document
	empty  bool // its content is gone
}

const letterSQL = "SELECT n, seq, reason, id, first_seq, at, body_at, flags, frame FROM dead_letters "

// letters reads those of a condition.
func (w *writer) letters(where string, args ...any) ([]letter, error) {
	s, err := w.stmt(letterSQL + where)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return nil, err
	}
	return scanLetters(rows)
}

func scanLetters(rows *sql.Rows) ([]letter, error) {
	defer rows.Close()
	var letters []letter
	for rows.Next() {
		l := letter{doc: &tweet.Document{}}
		d, flags := l.doc, 0
		var frame sql.RawBytes
		if err := rows.Scan(&l.n, &l.seq, &l.reason, &d.ID, &d.FirstSeq, &d.At, &d.BodyAt, &flags, &frame); err != nil {
			return nil, err
		}
		search.SetFlags(d, flags)
		if l.empty = len(frame) == 0; !l.empty {
			c, err := tweet.Unpack(frame)
			if err != nil {
				return nil, fmt.Errorf("dead letter of %d: %w", d.ID, err)
			}
			d.Payload, d.Raw, d.Figures, d.Provenance = c.Payload, c.Raw, c.Figures, c.Provenance
		}
		letters = append(letters, l)
	}
	return letters, rows.Err()
}

// DeadLetters gives what was refused, in the order in which it was.
func (a *Archive) DeadLetters(ctx context.Context, after string, limit int) ([]search.DeadLetter, error) {
	n, _ := parseLetterKey(after)
	rows, err := a.read.QueryContext(ctx, letterSQL+"WHERE n > ? ORDER BY n LIMIT ?", n, limit)
	if err != nil {
		return nil, fault("dead letters", err)
	}
	letters, err := scanLetters(rows)
	if err != nil {
		return nil, fault("dead letters", err)
	}
	out := make([]search.DeadLetter, len(letters))
	for i, l := range letters {
		d := l.doc
		out[i] = search.DeadLetter{Key: letterKey(l.n, int64(d.ID)), Seq: l.seq, ID: d.ID, Reason: l.reason, At: d.At,
			Content: tweet.Content{Payload: d.Payload, Raw: d.Raw, Figures: d.Figures, Provenance: d.Provenance}}
	}
	return out, nil
}

// lettersAtOnce bounds a transaction of Retry.
const lettersAtOnce = 500

// Retry takes dead letters once more, as what they were when they came.
func (a *Archive) Retry(ctx context.Context, keys ...string) (out search.Outcome, err error) {
	for len(keys) > 0 {
		n := min(len(keys), lettersAtOnce)
		var some search.Outcome
		err := a.write(ctx, func(w *writer) (err error) {
			some, err = w.retry(keys[:n])
			return err
		})
		if err != nil {
			return out, err
		}
		out.Inserted += some.Inserted
		out.Updated += some.Updated
		out.Same += some.Same
		out.Deleted += some.Deleted
		out.Refused += some.Refused
		keys = keys[n:]
	}
	return out, nil
}

func (w *writer) retry(keys []string) (out search.Outcome, err error) {
	letters, err := w.lettersOf(keys)
	if err != nil {
		return out, err
	}
	seq, err := w.seq()
	if err != nil {
		return out, err
	}
	var ops []op
	for _, l := range letters {
		if l.empty {
			if err := w.dropLetter(l.n); err != nil {
				return out, err
			}
			continue
		}
		if l.seq == 0 {
			l.doc.FirstSeq = seq
		}
		o := op{at: len(ops), entry: &tweet.Entry{Seq: l.seq, Record: tweet.Record{ID: l.doc.ID}}, doc: l.doc, letter: l.n}
		o.ready, o.problem = makeReady(l.doc, nil, nil)
		ops = append(ops, o)
	}
	changes := make([]search.Change, len(ops))
	if err := w.merge(ops, changes); err != nil {
		return out, err
	}
	for i, o := range ops {
		if changes[i] != search.Refused {
			if err := w.dropLetter(o.letter); err != nil {
				return out, err
			}
		}
	}
	return outcomeOf(ops, changes), nil
}

// lettersOf reads the letters of keys that there are, each once.
func (w *writer) lettersOf(keys []string) ([]letter, error) {
	type key struct{ n, id int64 }
	asked := map[key]bool{}
	numbers := make([]int64, len(keys))
	for i, k := range keys {
		n, id := parseLetterKey(k)
		numbers[i], asked[key{n, id}] = n, true
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return nil, err
	}
	found, err := w.letters("WHERE n IN (SELECT value FROM json_each(?)) ORDER BY n", string(list))
	if err != nil {
		return nil, err
	}
	var letters []letter
	for _, l := range found {
		if asked[key{l.n, int64(l.doc.ID)}] {
			letters = append(letters, l)
		}
	}
	return letters, nil
}

func (w *writer) dropLetter(n int64) error {
	gone, err := w.affected("DELETE FROM dead_letters WHERE n = ?", n)
	w.deadLetters -= gone
	return err
}

// Drop throws dead letters away.
func (a *Archive) Drop(ctx context.Context, keys ...string) (dropped int, err error) {
	err = a.write(ctx, func(w *writer) error {
		dropped = 0
		for _, key := range keys {
			n, id := parseLetterKey(key)
			gone, err := w.affected("DELETE FROM dead_letters WHERE n = ? AND id = ?", n, id)
			if err != nil {
				return err
			}
			w.deadLetters -= gone
			dropped += int(gone)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}
