package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"birdwatch/tweet"
)

// FromUserDelete is where the delete records of a deleted user's tweets come from (Provenance.From).
const FromUserDelete = "user_delete"

// never is before all times, unknown ones too.
const never = -1

// userState is a row of the table of users: those that were ever deleted, or restored.
type userState struct {
	deleted, restored int64 // the newest of each; never
}

func (u userState) known() bool { return u.deleted != never }

// gone reports whether the user is deleted now; on equal times the deletion holds.
func (u userState) gone() bool { return u.known() && u.deleted >= u.restored }

// refuses reports whether a sighting of the user's is not let in: none while the user is deleted, and of one who was restored what was
// captured since.
func (u userState) refuses(capturedAt int64) bool {
	return u.gone() || u.known() && capturedAt <= u.restored
}

func (w *writer) user(id tweet.ID) (userState, error) {
	u := userState{never, never}
	if id == 0 || !w.users {
		return u, nil
	}
	err := w.query("SELECT deleted, restored FROM users WHERE id = ?", []any{int64(id)}, &u.deleted, &u.restored)
	if errors.Is(err, sql.ErrNoRows) {
		return u, nil
	}
	return u, err
}

// takeNotice takes a notice that is about many tweets, or takes no content away. One that came before changes nothing.
func (w *writer) takeNotice(r *tweet.Record) (Verdict, error) {
	fresh, err := w.noteNotice(r)
	if err != nil {
		return Verdict{}, err
	}
	if !fresh {
		return Verdict{Kind: Honoured}, nil
	}
	e := tweet.Entry{Record: *r}
	if r.Kind == tweet.KindGeo && r.UserID == 0 {
		if e.Cut, err = w.ids("SELECT holder FROM refs JOIN ids ON ids.id = holder WHERE target = ? AND state IN (1, 5) ORDER BY holder", int64(r.ID)); err != nil {
			return Verdict{}, err
		}
	}
	if err := w.enter(e); err != nil {
		return Verdict{}, err
	}
	v := Verdict{Kind: Honoured, Seq: w.last}
	event := eventOf(r)
	if err := w.auditNotice(r, event, w.last); err != nil {
		return Verdict{}, err
	}
	return v, w.takeUser(r, event)
}

// noteNotice writes a notice down and reports whether it is new.
func (w *writer) noteNotice(r *tweet.Record) (fresh bool, err error) {
	detail := r.Payload
	if detail == nil {
		detail = []byte{}
	}
	var kind int
	err = w.query("INSERT INTO notices VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING kind", []any{int64(r.Kind), int64(r.ID), int64(r.UserID), r.CapturedAt, detail}, &kind)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// eventOf is a notice's name.
func eventOf(r *tweet.Record) string {
	var n tweet.Notice
	if r.Kind == tweet.KindGeo || json.Unmarshal(r.Payload, &n) != nil {
		return "scrub_geo"
	}
	return n.Event
}

// takeUser remembers that a user was deleted, or restored, where a notice says so. Those of the user's tweets that are here are deleted by
// whoever asks for Sweeps.
func (w *writer) takeUser(r *tweet.Record, event string) error {
	deleted := event == "user_delete"
	if r.Kind != tweet.KindUser || !deleted && event != "user_undelete" {
		return nil
	}
	w.users = true
	u, err := w.user(r.UserID)
	if err != nil {
		return err
	}
	sweep := 0
	switch {
	case deleted && r.CapturedAt > u.deleted:
		u.deleted, sweep = max(r.CapturedAt, 0), 1
	case !deleted && r.CapturedAt > u.restored:
		u.restored = r.CapturedAt
	default:
		return nil
	}
	if err := w.exec("INSERT INTO users VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET deleted = excluded.deleted, restored = excluded.restored, sweep = sweep + excluded.sweep",
		int64(r.UserID), u.deleted, u.restored, sweep); err != nil {
		return err
	}
	return w.countSweeps()
}

func (w *writer) countSweeps() error {
	var n int64
	if err := w.query("SELECT count(*) FROM users WHERE sweep > 0", nil, &n); err != nil {
		return err
	}
	w.after = append(w.after, func() { w.j.sweeps.Store(n); w.j.announce() })
	return nil
}

// refuseOfUser drops a sighting of a deleted user's tweet. It leaves a tombstone, unless a later sighting is known.
func (w *writer) refuseOfUser(r *tweet.Record, k known, u userState) (Verdict, error) {
	switch {
	case k.state == stateRevived && !u.gone():
		return Verdict{Kind: Deleted}, nil
	case k.gone():
		return w.refuse(r, k, true)
	case k.state == 0:
		k.state = stateKnown
	}
	seq, err := w.deleteOne(r.ID, k, deletion{at: max(k.at, r.CapturedAt), withUser: true})
	return Verdict{Kind: Deleted, Seq: seq}, err
}

// copied is what is known of a tweet inside another: one of a deleted user is deleted, whether it was ever seen itself or not.
func (w *writer) copied(c tweet.Copy, capturedAt int64) (k known, withUser bool, err error) {
	if k, err = w.known(c.ID); err != nil || k.gone() {
		return k, k.state == stateUserDeleted, err
	}
	u, err := w.user(c.Author)
	if err == nil && u.refuses(capturedAt) {
		return known{state: stateUserDeleted}, true, nil
	}
	return k, false, err
}

// Sweep says that the tweets of a deleted user are to be deleted, one by one.
type Sweep struct {
	User tweet.ID
	At   int64 // when the user was deleted
	// Until bounds the capture times of the documents to delete, where the user was restored since: MaxInt64 without.
	Until int64
	round int64
}

// Sweeps gives what is to be swept.
func (j *Journal) Sweeps(ctx context.Context) ([]Sweep, error) {
	if j.sweeps.Load() == 0 {
		return nil, nil
	}
	rows, err := j.read.QueryContext(ctx, "SELECT id, deleted, CASE WHEN restored > deleted THEN restored ELSE 9223372036854775807 END, sweep FROM users WHERE sweep > 0 LIMIT 1000")
	if err != nil {
		return nil, fmt.Errorf("list sweeps: %w", err)
	}
	defer rows.Close()
	var all []Sweep
	for rows.Next() {
		var s Sweep
		if err := rows.Scan(&s.User, &s.At, &s.Until, &s.round); err != nil {
			return nil, fmt.Errorf("list sweeps: %w", err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// ToSweep gives the tweets to delete of which the journal itself has content, whatever became of them in the archive.
func (j *Journal) ToSweep(ctx context.Context, s Sweep) ([]tweet.ID, error) {
	ids, err := idsOf(j.read.QueryContext(ctx, `SELECT DISTINCT ids.id FROM entries JOIN ids ON ids.id = entries.id
		WHERE user_id = ? AND kind IN (1, 2) AND frame IS NOT NULL AND state IN (?, ?) AND at <= ?`, int64(s.User), stateKnown, stateRevived, s.Until))
	if err != nil {
		return nil, fmt.Errorf("list tweets of user %d: %w", s.User, err)
	}
	return ids, nil
}

// Swept says that a sweep is done. Where the user was deleted anew meanwhile there is another.
func (j *Journal) Swept(ctx context.Context, s Sweep) error {
	return j.do(ctx, 0, func(w *writer) error {
		if err := w.exec("UPDATE users SET sweep = 0 WHERE id = ? AND sweep = ?", int64(s.User), s.round); err != nil {
			return err
		}
		return w.countSweeps()
	})
}

// WaitSweep returns when there is something to sweep, with ctx's error, or with ErrClosed.
func (j *Journal) WaitSweep(ctx context.Context) error {
	return j.until(ctx, func() bool { return j.sweeps.Load() > 0 })
}

// findUsers finds whether any user was ever deleted, and what is still to be swept. After a batch that was not confirmed all deleted users
// are swept again: a sweep may have missed what the batch brought.
func (w *writer) findUsers(again bool) error {
	if again {
		if err := w.exec("UPDATE users SET sweep = sweep + 1 WHERE deleted >= 0"); err != nil {
			return err
		}
	}
	if err := w.query("SELECT EXISTS (SELECT 1 FROM users)", nil, &w.users); err != nil {
		return err
	}
	return w.countSweeps()
}

// Notices gives all notices that were taken in, of deletions apart.
func (j *Journal) Notices(ctx context.Context) iter.Seq2[tweet.Record, error] {
	return func(yield func(tweet.Record, error) bool) {
		rows, err := j.read.QueryContext(ctx, "SELECT kind, id, user_id, at, detail FROM notices")
		if err != nil {
			yield(tweet.Record{}, fmt.Errorf("read notices: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var r tweet.Record
			err := rows.Scan(&r.Kind, &r.ID, &r.UserID, &r.CapturedAt, &r.Payload)
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tweet.Record{}, fmt.Errorf("read notices: %w", err))
		}
	}
}

// RebuildNotices tells a new journal of an archive's notices: of users who are deleted, and of what need not be told again.
func (j *Journal) RebuildNotices(ctx context.Context, notices []tweet.Record) error {
	return j.do(ctx, len(notices), func(w *writer) error {
		for i := range notices {
			r := &notices[i]
			if _, err := w.noteNotice(r); err != nil {
				return err
			}
			if err := w.takeUser(r, eventOf(r)); err != nil {
				return err
			}
		}
		return nil
	})
}
