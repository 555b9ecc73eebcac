package journal

import (
	"slices"

	"birdwatch/tweet"
)

// takeDelete honours a delete notice, before or after its tweet. One that follows from the deletion of a user (FromUserDelete) is the user's to take back.
func (w *writer) takeDelete(r *tweet.Record) (Verdict, error) {
	k, err := w.known(r.ID)
	if err != nil {
		return Verdict{}, err
	}
	withUser, at := r.Provenance.From == FromUserDelete, r.CapturedAt
	if withUser { // the user's time is not the tweet's: a tombstone that has no author any more would not be told of it
		at = k.at
	}
	switch {
	case k.state == stateDeletedUnseen:
		if at <= k.at {
			return Verdict{Kind: Noted}, nil
		}
		k.at = at
		return Verdict{Kind: Noted}, w.remember(r.ID, k)
	case k.gone():
		was := k
		k.at, k.state = max(k.at, at), k.deletedBy(withUser)
		if k == was {
			return Verdict{Kind: Honoured}, nil
		}
		v := Verdict{Kind: Honoured}
		if k.at > was.at { // only the tombstone's time moves
			if err := w.enter(w.tombstone(r.ID, k)); err != nil {
				return Verdict{}, err
			}
			v.Seq = w.last
		}
		return v, w.remember(r.ID, k)
	}
	seq, err := w.deleteOne(r.ID, k, deletion{at: max(k.at, at), withUser: withUser})
	v := Verdict{Kind: Honoured, Seq: seq}
	if seq == 0 {
		v.Kind = Noted
	}
	return v, err
}

// tombstone is an entry that only tells the archive of a deletion: no subscription was sent the tweet.
func (w *writer) tombstone(id tweet.ID, k known) tweet.Entry {
	return tweet.Entry{Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: k.at, Revived: k.again()}}
}

// deletion is how a tweet is deleted.
type deletion struct {
	at       int64
	withUser bool       // its user is: see stateUserDeleted
	path     []tweet.ID // the deletions that led here
}

// deleteOne deletes a tweet that is not deleted yet: itself, its retweets, and the copies of it inside others. It gives the
// seq of its entry, 0 when the tweet never came, in itself or as a copy.
func (w *writer) deleteOne(id tweet.ID, k known, d deletion) (tweet.Seq, error) {
	d.path = append(d.path, id)
	holders, err := w.ids("SELECT holder FROM refs JOIN ids ON ids.id = holder WHERE target = ? AND repeats = 0 AND state IN (1, 5) ORDER BY holder", int64(id))
	if err != nil {
		return 0, err
	}
	retweets, err := w.ids("SELECT holder FROM refs JOIN ids ON ids.id = holder WHERE target = ? AND repeats = 1 AND state IN (1, 5) ORDER BY holder", int64(id))
	if err != nil {
		return 0, err
	}
	e := tweet.Entry{FirstSeq: k.firstSeq, Unseen: k.state == 0, Cut: holders, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: d.at, Revived: k.again()}}
	k.at = d.at
	switch {
	case k.state == 0 && d.withUser: // what comes of it is refused for its user
		return w.deleteEntry(e, retweets, d)
	case k.state == 0:
		k.state = stateDeletedUnseen
		if len(holders)+len(retweets) == 0 { // else it is no stranger, and never forgotten
			if err := w.exec("INSERT INTO unseen VALUES (?, ?) ON CONFLICT DO NOTHING", int64(id), w.now); err != nil {
				return 0, err
			}
		}
	default:
		k.state = k.deletedBy(d.withUser)
	}
	if err := w.remember(id, k); err != nil {
		return 0, err
	}
	return w.deleteEntry(e, retweets, d)
}

// deleteEntry enters a deletion, where there is anything to do, and deletes the retweets.
func (w *writer) deleteEntry(e tweet.Entry, retweets []tweet.ID, d deletion) (seq tweet.Seq, err error) {
	if !e.Unseen || len(e.Cut) > 0 {
		if err := w.enter(e); err != nil {
			return 0, err
		}
		seq = w.last
		if err := w.exec("INSERT INTO strip VALUES (?, ?, ?)", int64(seq), int64(e.ID), w.now); err != nil {
			return 0, err
		}
		if err := w.auditDeletion(&e, seq, d); err != nil {
			return 0, err
		}
	}
	for _, r := range retweets {
		if slices.Contains(d.path, r) {
			continue
		}
		k, err := w.known(r)
		if err != nil {
			return 0, err
		}
		if k.gone() { // deleted on the way
			continue
		}
		s, err := w.deleteOne(r, k, deletion{at: k.at, withUser: d.withUser, path: d.path})
		if err != nil {
			return 0, err
		}
		if seq == 0 {
			seq = s
		}
	}
	return seq, nil
}
