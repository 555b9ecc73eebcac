package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"os"

	"birdwatch/search/embedded/sqlfile"
	"birdwatch/tweet"
)

// Audited is a line of the audit log: what was removed or hidden, when and why, without its content.
type Audited struct {
	N    int64     `json:"n"`
	At   int64     `json:"at"`                      // when it was done, Unix milliseconds
	What string    `json:"what"`                    // removed, cut, place_removed, hidden, shown, user_removed, user_restored
	ID   tweet.ID  `json:"id,string"`               // the tweet's; 0 for a user's notice
	User tweet.ID  `json:"user_id,omitzero,string"` // 0, and left out, where it is not known
	Seq  tweet.Seq `json:"seq"`                     // of the journal's entry
	// Why is the notice's name, with the tweet whose deletion led to this one's: "delete", "user_delete", "delete of 5 that it repeats".
	Why       string           `json:"why"`
	NoticedAt int64            `json:"noticed_at"` // the notice's own time; 0 unknown
	Origin    tweet.Provenance `json:"origin"`     // of the notice, or of the sighting that was refused
}

// The numbers of audit.what; they are stored.
var audited = [...]string{1: "removed", 2: "cut", 3: "place_removed", 4: "hidden", 5: "shown", 6: "user_removed", 7: "user_restored"}

const (
	auditRemoved = 1
	auditCut     = 2
	auditPlace   = 3
	auditHidden  = 4
	auditShown   = 5
	auditUser    = 6
	auditBack    = 7
)

// cause is the record that is being taken in.
type cause struct{ r *tweet.Record }

func (w *writer) audit(what int, id, user tweet.ID, seq tweet.Seq, why string) error {
	var at int64
	var from tweet.Provenance
	if r := w.cause.r; r != nil {
		at, from = r.CapturedAt, r.Provenance
	}
	return w.exec("INSERT INTO audit (at, what, id, user_id, seq, why, noticed_at, origin, file, pos) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		w.now, what, int64(id), int64(user), int64(seq), why, at, from.From, from.File, from.Pos)
}

// auditDeletion notes a deletion and the copies that go with it.
func (w *writer) auditDeletion(e *tweet.Entry, seq tweet.Seq, d deletion) error {
	why, user, r := "delete", tweet.ID(0), w.cause.r
	switch {
	case d.withUser:
		why = FromUserDelete
	case r != nil && r.Kind == tweet.KindTweet:
		why = "sighting of what is deleted"
	}
	if r != nil && r.ID == e.ID {
		user = r.UserID
	}
	if len(d.path) > 1 {
		why = fmt.Sprintf("%s of %d, which it repeats", why, d.path[len(d.path)-2])
	}
	if !e.Unseen {
		if err := w.audit(auditRemoved, e.ID, user, seq, why); err != nil {
			return err
		}
	}
	for _, holder := range e.Cut {
		if err := w.audit(auditCut, holder, 0, seq, fmt.Sprintf("%s of %d, of which it holds a copy", why, e.ID)); err != nil {
			return err
		}
	}
	return nil
}

// auditNotice notes a notice that is about many tweets, or takes no content away.
func (w *writer) auditNotice(r *tweet.Record, event string, seq tweet.Seq) error {
	what := auditHidden
	switch event {
	case "scrub_geo":
		what = auditPlace
	case "user_delete":
		what = auditUser
	case "user_undelete":
		what = auditBack
	case "user_unprotect", "user_unsuspend", "tweet_undrop":
		what = auditShown
	}
	return w.audit(what, r.ID, r.UserID, seq, event)
}

// auditMost is how many lines are read at once.
const auditMost = 1000

// Audit gives the lines of a journal file's audit log behind a number, in order. The journal may be in use by another process.
func Audit(ctx context.Context, path string, after int64) iter.Seq2[Audited, error] {
	return func(yield func(Audited, error) bool) {
		fail := func(err error) { yield(Audited{}, fmt.Errorf("read audit log: %w", err)) }
		if _, err := os.Stat(path); err != nil {
			fail(err)
			return
		}
		db, err := sql.Open("sqlite", sqlfile.URI(path, fmt.Sprintf("busy_timeout(%d)", busyTimeout), "query_only(1)"))
		if err != nil {
			fail(err)
			return
		}
		defer db.Close()
		for more := true; more; {
			page, err := auditPage(ctx, db, after)
			if err != nil {
				fail(err)
				return
			}
			for _, a := range page {
				if after = a.N; !yield(a, nil) {
					return
				}
			}
			more = len(page) == auditMost
		}
	}
}

func auditPage(ctx context.Context, db *sql.DB, after int64) (page []Audited, err error) {
	var there bool
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'audit')").Scan(&there)
	if err != nil || !there { // nothing was written since an older program had it
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT n, at, what, id, user_id, seq, why, noticed_at, origin, file, pos FROM audit WHERE n > ? ORDER BY n LIMIT ?", after, auditMost)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a Audited
		var what int
		if err := rows.Scan(&a.N, &a.At, &what, &a.ID, &a.User, &a.Seq, &a.Why, &a.NoticedAt, &a.Origin.From, &a.Origin.File, &a.Origin.Pos); err != nil {
			return nil, err
		}
		if what < len(audited) {
			a.What = audited[what]
		}
		page = append(page, a)
	}
	return page, rows.Err()
}
