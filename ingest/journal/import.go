package journal

import (
	"cmp"
	"context"
	"slices"

	"birdwatch/tweet"
)

// Batch is what Import claimed: Confirm it when the archive has the records.
type Batch struct {
	Verdicts []Verdict // in the order of the records
	number   int64
	ids      []tweet.ID
	held     []held
	authors  []authored
}

// authored says who wrote a tweet.
type authored struct {
	id, user   tweet.ID
	capturedAt int64
}

// held says that a tweet carries another.
type held struct{ target, holder tweet.ID }

// Import claims the ids of sightings that go straight to the archive: they are not entered, and no subscription is sent
// them. Notices, and what follows from them, are entered as by Append. Until Confirm, no further sighting
// of these ids is taken for Same, so that a crash before the archive wrote them is mended by importing again.
func (j *Journal) Import(ctx context.Context, recs []tweet.Record) (*Batch, error) {
	in, err := prepare(recs, false)
	if err != nil {
		return nil, err
	}
	b := &Batch{Verdicts: make([]Verdict, len(in))}
	err = j.do(ctx, len(in), func(w *writer) error {
		b.ids, b.held, b.authors = nil, nil, nil
		if err := w.look(idsIn(in)); err != nil {
			return err
		}
		defer w.lookAway()
		for i := range in {
			v, err := w.take(&in[i], false)
			if err != nil {
				return err
			}
			if b.Verdicts[i] = v; v.Record == nil {
				continue
			}
			b.ids = append(b.ids, v.Record.ID)
			b.authors = append(b.authors, authored{v.Record.ID, v.Record.UserID, v.Record.CapturedAt})
			for _, c := range in[i].copies {
				b.held = append(b.held, held{c.ID, v.Record.ID})
			}
		}
		return w.claim(b)
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// claim remembers, in the file too, that the archive may lack what a batch is to bring.
func (w *writer) claim(b *Batch) error {
	if len(b.ids) == 0 {
		return nil
	}
	ids := b.ids
	w.after = append(w.after, func() {
		for _, id := range ids {
			w.pend[id]++
		}
	})
	if err := w.exec("INSERT INTO pending (ids) VALUES (?)", encodeIDs(ids)); err != nil {
		return err
	}
	return w.query("SELECT last_insert_rowid()", nil, &b.number)
}

// Confirm says that the archive has what the batch brought.
func (j *Journal) Confirm(ctx context.Context, b *Batch) error {
	if len(b.ids) == 0 {
		return nil
	}
	return j.do(ctx, 0, func(w *writer) error {
		w.after = append(w.after, func() {
			for _, id := range b.ids {
				if w.pend[id]--; w.pend[id] <= 0 {
					delete(w.pend, id)
				}
			}
		})
		w.cause = cause{}
		if err := w.cutAgain(b.held); err != nil {
			return err
		}
		if err := w.deleteAgain(b.authors); err != nil {
			return err
		}
		return w.exec("DELETE FROM pending WHERE batch = ?", b.number)
	})
}

// deleteAgain deletes tweets whose users were deleted between their claim and now: who deleted that user's tweets may not have seen them.
func (w *writer) deleteAgain(all []authored) error {
	if !w.users {
		return nil
	}
	for _, a := range all {
		u, err := w.user(a.user)
		if err != nil {
			return err
		}
		if !u.refuses(a.capturedAt) {
			continue
		}
		k, err := w.known(a.id)
		if err != nil {
			return err
		}
		if k.gone() || k.state == stateRevived && !u.gone() {
			continue
		}
		if _, err := w.deleteOne(a.id, k, deletion{at: max(k.at, a.capturedAt), withUser: true}); err != nil {
			return err
		}
	}
	return nil
}

// cutAgain has copies cut whose tweets were deleted between the claim of their holders and now. Their delete entries named the holders, but
// the archive may have met those entries before it had the holders.
func (w *writer) cutAgain(all []held) error {
	targets := make([]tweet.ID, len(all))
	for i, h := range all {
		targets[i] = h.target
	}
	if err := w.look(targets); err != nil {
		return err
	}
	defer w.lookAway()
	var cuts []held
	for _, h := range all {
		target, err := w.known(h.target)
		if err != nil {
			return err
		}
		if !target.gone() {
			continue
		}
		holder, err := w.known(h.holder)
		if err != nil {
			return err
		}
		if !holder.gone() && holder.state != 0 {
			cuts = append(cuts, h)
		}
	}
	slices.SortFunc(cuts, func(a, b held) int { return cmp.Or(cmp.Compare(a.target, b.target), cmp.Compare(a.holder, b.holder)) })
	cuts = slices.Compact(cuts)
	for len(cuts) > 0 {
		target := cuts[0].target
		n := slices.IndexFunc(cuts, func(h held) bool { return h.target != target })
		if n < 0 {
			n = len(cuts)
		}
		k, err := w.known(target)
		if err != nil {
			return err
		}
		// Unseen and FirstSeq 0: the holders are all that this entry is about.
		e := tweet.Entry{Unseen: true, Record: tweet.Record{Kind: tweet.KindDelete, ID: target, CapturedAt: k.at}}
		for _, h := range cuts[:n] {
			e.Cut = append(e.Cut, h.holder)
		}
		if err := w.enter(e); err != nil {
			return err
		}
		cuts = cuts[n:]
	}
	return nil
}

// recover ends the batches that a process left behind unconfirmed. The archive may lack what they brought: the next sighting of
// each of their ids counts as one that differs.
func (w *writer) recover() error {
	batches, err := w.ids("SELECT batch FROM pending")
	if err == nil {
		err = w.findUsers(len(batches) > 0)
	}
	if err != nil || len(batches) == 0 {
		return err
	}
	var ids []tweet.ID
	for _, batch := range batches {
		var list []byte
		if err := w.query("SELECT ids FROM pending WHERE batch = ?", []any{int64(batch)}, &list); err != nil {
			return err
		}
		some, err := decodeIDs(list)
		if err != nil {
			return err
		}
		ids = append(ids, some...)
	}
	for _, id := range ids {
		if err := w.exec("UPDATE ids SET payload_sum = 0, raw_sum = 0 WHERE id = ?", int64(id)); err != nil {
			return err
		}
	}
	all, err := w.heldBy(ids)
	if err != nil {
		return err
	}
	if err := w.cutAgain(all); err != nil {
		return err
	}
	return w.exec("DELETE FROM pending")
}

// heldBy finds the deleted tweets that some tweets carry. It reads the whole table, which has no index that way round.
func (w *writer) heldBy(ids []tweet.ID) (all []held, err error) {
	s, err := w.stmt("SELECT target, holder FROM refs JOIN ids ON ids.id = target WHERE state NOT IN (?, ?) AND holder IN (SELECT value FROM json_each(?))")
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(stateKnown, stateRevived, string(encodeIDs(ids)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h held
		if err := rows.Scan(&h.target, &h.holder); err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, rows.Err()
}
