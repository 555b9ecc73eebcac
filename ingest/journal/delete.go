package journal

import (
	"slices"

	"birdwatch/tweet"
)

// takeDelete honours a delete notice, before or after its tweet.
func (w *writer) takeDelete(r *tweet.Record) (Verdict, error) {
	k, err := w.known(r.ID)
	if err != nil {
		return Verdict{}, err
	}
	switch {
	case k.state == stateDeletedUnseen && r.CapturedAt > k.at:
		k.at = r.CapturedAt
		return Verdict{Kind: Noted}, w.remember(r.ID, k)
	case k.state == stateDeleted && r.CapturedAt > k.at: // only the tombstone's time moves
		k.at = r.CapturedAt
		if err := w.enter(tweet.Entry{Record: tweet.Record{Kind: tweet.KindDelete, ID: r.ID, CapturedAt: k.at}}); err != nil {
			return Verdict{}, err
		}
		return Verdict{Kind: Honoured, Seq: w.last}, w.remember(r.ID, k)
	case k.state == stateDeletedUnseen:
		return Verdict{Kind: Noted}, nil
	case k.state == stateDeleted:
		return Verdict{Kind: Honoured}, nil
	}
	seq, err := w.deleteOne(r.ID, k, max(k.at, r.CapturedAt), nil)
	v := Verdict{Kind: Honoured, Seq: seq}
	if seq == 0 {
		v.Kind = Noted
	}
	return v, err
}

// deleteOne deletes a tweet that is not deleted yet: itself, its retweets, and the copies of it inside others. It gives the
// seq of its entry, 0 when the tweet never came, in itself or as a copy. path are the deletions that led here.
func (w *writer) deleteOne(id tweet.ID, k known, at int64, path []tweet.ID) (tweet.Seq, error) {
	path = append(path, id)
	holders, err := w.ids("SELECT holder FROM refs JOIN ids ON ids.id = holder WHERE target = ? AND repeats = 0 AND state = 1 ORDER BY holder", int64(id))
	if err != nil {
		return 0, err
	}
	retweets, err := w.ids("SELECT holder FROM refs JOIN ids ON ids.id = holder WHERE target = ? AND repeats = 1 AND state = 1 ORDER BY holder", int64(id))
	if err != nil {
		return 0, err
	}
	e := tweet.Entry{FirstSeq: k.firstSeq, Unseen: k.state == 0, Cut: holders, Record: tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}}
	k.at = at
	if k.state == 0 {
		k.state = stateDeletedUnseen
		if len(holders)+len(retweets) == 0 { // else it is no stranger, and never forgotten
			if err := w.exec("INSERT INTO unseen VALUES (?, ?) ON CONFLICT DO NOTHING", int64(id), w.now); err != nil {
				return 0, err
			}
		}
	} else {
		k.state = stateDeleted
	}
	if err := w.remember(id, k); err != nil {
		return 0, err
	}
	var seq tweet.Seq
	if !e.Unseen || len(e.Cut) > 0 {
		if err := w.enter(e); err != nil {
			return 0, err
		}
		seq = w.last
		if err := w.exec("INSERT INTO strip VALUES (?, ?, ?)", int64(seq), int64(id), w.now); err != nil {
			return 0, err
		}
	}
	for _, r := range retweets {
		if slices.Contains(path, r) {
			continue
		}
		k, err := w.known(r)
		if err != nil {
			return 0, err
		}
		if k.state != stateKnown { // deleted on the way
			continue
		}
		s, err := w.deleteOne(r, k, k.at, path)
		if err != nil {
			return 0, err
		}
		if seq == 0 {
			seq = s
		}
	}
	return seq, nil
}
