package journal

import (
	"context"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"birdwatch/tweet"
)

// Verdict says what the journal made of a record.
type Verdict struct {
	Kind VerdictKind
	Seq  tweet.Seq // of its entry; 0 when there is none
	// Record is, after Import, what is to be written to the archive (copies of deleted tweets are cut from it); nil
	// when nothing is.
	Record *tweet.Record
}

// VerdictKind is the kind of a Verdict.
type VerdictKind uint8

// The kinds.
const (
	New      VerdictKind = iota // a tweet's first sighting
	Update                      // a sighting that differs, or may
	Same                        // a sighting that says nothing new: dropped
	Deleted                     // a sighting of a deleted tweet: not kept
	Honoured                    // a notice that has something to act on
	Noted                       // a notice of a tweet that never came: remembered
)

// The states of ids.state; their numbers are stored.
const (
	stateKnown         = 1
	stateDeletedUnseen = 2 // deleted before it came; the archive has no document of it
	stateDeleted       = 3
	stateUserDeleted   = 4 // deleted with its user: when that is taken back, later sightings are let in
	stateRevived       = 5 // known by sightings from after such a deletion
	stateDeletedAgain  = 6
)

// known is a row of the id table.
type known struct {
	firstSeq tweet.Seq
	state    int // 0: no row
	at       int64
	payload  int64
	raw      int64
}

func (k known) gone() bool {
	return k.state == stateDeleted || k.state == stateDeletedUnseen || k.state == stateUserDeleted || k.state == stateDeletedAgain
}

// deletedBy is the state after a deletion.
func (k known) deletedBy(withUser bool) int {
	switch {
	case k.state == stateRevived || k.state == stateDeletedAgain:
		return stateDeletedAgain
	case withUser && k.state != stateDeleted:
		return stateUserDeleted
	}
	return stateDeleted
}

// again reports whether a deletion is, or would be, of what was revived after another.
func (k known) again() bool { return k.state == stateRevived || k.state == stateDeletedAgain }

// sighting is a record with what is computed before the writer has it.
type sighting struct {
	r      tweet.Record
	copies []tweet.Copy
}

// Append takes records in, in order. When it returns nil they are on disk; after an error none of them is. Verdicts are in the
// order of recs. The records' bytes are not to be changed afterwards: the newest entries are served from memory.
func (j *Journal) Append(ctx context.Context, recs []tweet.Record) ([]Verdict, error) {
	in, err := prepare(recs, true)
	if err != nil {
		return nil, err
	}
	out := make([]Verdict, len(in))
	err = j.do(ctx, len(in), func(w *writer) error {
		if err := w.look(idsIn(in)); err != nil {
			return err
		}
		defer w.lookAway()
		for i := range in {
			var err error
			if out[i], err = w.take(&in[i], true); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// prepare does in the caller's goroutine what does not need the writer.
func prepare(recs []tweet.Record, pack bool) ([]sighting, error) {
	in := make([]sighting, len(recs))
	for i, r := range recs {
		in[i].r = r
		switch r.Kind {
		case tweet.KindGeo, tweet.KindWithheld, tweet.KindUser:
			continue
		case tweet.KindTweet, tweet.KindDelete:
		default:
			return nil, fmt.Errorf("journal: record %d is of kind %s, which is not taken in", i, r.Kind)
		}
		if r.ID <= 0 {
			return nil, fmt.Errorf("journal: record %d has no id", i)
		}
		if r.Kind == tweet.KindDelete {
			continue
		}
		p, err := r.Decoded()
		if err != nil {
			return nil, fmt.Errorf("journal: record %d: %w", i, err)
		}
		in[i].copies = p.Copies()
		if pack && r.Frame == nil {
			c := r.Content()
			if in[i].r.Frame, err = c.Pack(); err != nil {
				return nil, fmt.Errorf("journal: record %d: %w", i, err)
			}
		}
	}
	return in, nil
}

// take decides on one record, by the id table alone, and enters it.
func (w *writer) take(s *sighting, enter bool) (Verdict, error) {
	w.cause = cause{r: &s.r}
	switch s.r.Kind {
	case tweet.KindTweet:
		return w.takeSighting(s, enter)
	case tweet.KindDelete:
		return w.takeDelete(&s.r)
	}
	return w.takeNotice(&s.r)
}

func (w *writer) takeSighting(s *sighting, enter bool) (Verdict, error) {
	r := s.r
	k, err := w.known(r.ID)
	if err != nil {
		return Verdict{}, err
	}
	u, err := w.user(r.UserID)
	if err != nil {
		return Verdict{}, err
	}
	switch {
	case u.refuses(r.CapturedAt):
		return w.refuseOfUser(&r, k, u)
	case k.gone() && k.state != stateUserDeleted:
		return w.refuse(&r, k, false)
	}
	for _, c := range s.copies {
		deleted, withUser, err := w.copied(c, r.CapturedAt)
		if err != nil {
			return Verdict{}, err
		}
		if !deleted.gone() {
			if err := w.refer(c, r.ID); err != nil {
				return Verdict{}, err
			}
			continue
		}
		if c.Repeats {
			return w.refuse(&r, k, withUser)
		}
		if err := cutCopy(&r, c.ID); err != nil {
			return Verdict{}, err
		}
	}
	if r.Revived = u.known() || k.state == stateUserDeleted || k.state == stateRevived; k.state == stateUserDeleted {
		k = known{} // that was taken back
	}
	return w.admit(&r, k, enter)
}

// admit compares a sighting with what is known of its tweet.
func (w *writer) admit(r *tweet.Record, k known, enter bool) (Verdict, error) {
	payload, raw := sums(r)
	v := Verdict{Kind: Update}
	switch {
	case k.state == 0:
		v.Kind = New
	case w.pend[r.ID] > 0: // the archive may lack it
	case payload == k.payload && (r.CapturedAt < k.at || r.CapturedAt == k.at && raw == k.raw):
		return Verdict{Kind: Same}, nil
	}
	e := tweet.Entry{FirstSeq: k.firstSeq, Record: *r}
	switch {
	case enter && v.Kind == New:
		k.firstSeq = w.last + 1
	case enter:
		e.Kind = tweet.KindUpdate
	case v.Kind == New:
		k.firstSeq = max(w.last, 1)
	}
	if enter {
		if err := w.enter(e); err != nil {
			return Verdict{}, err
		}
		v.Seq = w.last
	} else {
		v.Record = r
	}
	if v.Kind == New || r.CapturedAt >= k.at {
		k.at, k.payload, k.raw = r.CapturedAt, payload, raw
	}
	if k.state = stateKnown; r.Revived {
		k.state = stateRevived
	}
	return v, w.remember(r.ID, k)
}

// refuse drops a sighting of a deleted tweet, or a retweet of one. The archive is told by a delete entry, so that the tombstone
// stands there whatever came first; nobody was sent the tweet, so FirstSeq is 0 and no subscription is told.
func (w *writer) refuse(r *tweet.Record, k known, withUser bool) (Verdict, error) {
	v := Verdict{Kind: Deleted}
	if k.gone() && k.state != stateDeletedUnseen && r.CapturedAt <= k.at {
		return v, nil
	}
	if !k.gone() { // a retweet whose original is deleted: it is deleted as by a notice, with what carries or repeats it
		if k.state == 0 {
			k.state = stateKnown
		}
		seq, err := w.deleteOne(r.ID, k, deletion{at: max(k.at, r.CapturedAt), withUser: withUser})
		return Verdict{Kind: Deleted, Seq: seq}, err
	}
	if k.at = max(k.at, r.CapturedAt); k.state == stateDeletedUnseen {
		k.state = stateDeleted
	}
	if err := w.enter(w.tombstone(r.ID, k)); err != nil {
		return v, err
	}
	v.Seq = w.last
	if err := w.exec("DELETE FROM unseen WHERE id = ?", int64(r.ID)); err != nil {
		return v, err
	}
	return v, w.remember(r.ID, k)
}

// refer remembers that a tweet carries another, or repeats it.
func (w *writer) refer(c tweet.Copy, holder tweet.ID) error {
	return w.exec("INSERT INTO refs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET repeats = 1 WHERE excluded.repeats > repeats", int64(c.ID), int64(holder), c.Repeats)
}

// cutCopy takes a deleted tweet's copy out of a sighting.
func cutCopy(r *tweet.Record, id tweet.ID) error {
	p, err := r.Decoded()
	if err != nil {
		return err
	}
	r.Tweet = p.Without(id)
	r.Raw, r.RawCut, r.Frame = nil, true, nil
	r.Payload, err = tweet.Encode(r.Tweet)
	return err
}

// sums are digests of what a sighting says and of where its bytes came from.
func sums(r *tweet.Record) (payload, raw int64) {
	d := xxhash.New()
	d.Write(r.Raw)
	fmt.Fprintf(d, "\x00%s\x00%s\x00%d", r.Provenance.From, r.Provenance.File, r.Provenance.Pos)
	p := xxhash.Sum64(r.Payload)
	if r.Partial {
		p++
	}
	return int64(p), int64(d.Sum64())
}
