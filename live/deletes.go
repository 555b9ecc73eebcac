package live

import (
	"context"
	"errors"
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// cutMost is for how many tweets with a copy of a deleted one it is asked who was sent them. Beyond, all are told.
const cutMost = 32

const (
	// patience is for how long a deletion waits for the archive. Everyone at the journal's end waits with it.
	patience = time.Second
	// resting is for how long an archive that did not answer is not asked again.
	resting = 10 * time.Second
)

// deletion reports whether subscriptions may have been sent what the entry deletes, in itself or as a copy inside others.
func deletion(e *tweet.Entry) bool {
	return e.Kind == tweet.KindDelete && (e.FirstSeq > 0 && !e.Unseen || len(e.Cut) > 0) || e.Kind == tweet.KindTweet && e.Stripped
}

// versions are all that can still be had of what a deletion takes away; who matches one of them is told.
type versions struct {
	targets []*query.Target
	first   tweet.Seq // of the tweet
	// sighted: the first sighting is among them, which decided who was sent the tweet live. stored: the archive's document
	// is, which decided who was sent it in history, with what imports had merged into it.
	sighted, stored bool
	all             bool // it cannot be known: all are told
}

// doubt reports whether a subscription that began behind a seq may have been sent the tweet by a version that is gone. One
// told too many does no harm, one too few does.
func (v *versions) doubt(began tweet.Seq) bool {
	return v.all || !v.stored && (!v.sighted || v.first <= began)
}

// versions reads what can be had.
func (h *Hub) versions(ctx context.Context, e *tweet.Entry) (*versions, error) {
	v := &versions{first: e.FirstSeq, all: len(e.Cut) > cutMost}
	if e.FirstSeq > 0 && !e.Unseen {
		var err error
		if v.sighted, v.stored, err = h.addVersions(ctx, v, e.ID); err != nil {
			return nil, err
		}
	} else {
		v.sighted, v.stored = true, true // only copies of it were ever sent
	}
	if v.all {
		return v, nil
	}
	for _, holder := range e.Cut {
		if v.all {
			break
		}
		// A holder of which nothing is left was deleted itself, and that was told.
		if _, _, err := h.addVersions(ctx, v, holder); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (h *Hub) addVersions(ctx context.Context, v *versions, id tweet.ID) (sighted, stored bool, err error) {
	add := func(p *tweet.Payload) {
		t := new(query.Target)
		t.Set(p)
		v.targets = append(v.targets, t)
	}
	// The archive first: it is the sooner one to lose what is deleted.
	p, err := h.stored(ctx, id)
	switch {
	case ctx.Err() != nil:
		return false, false, ctx.Err()
	case err != nil:
		v.all = true
	case p != nil:
		add(p)
		stored = true
	}
	es, err := h.journal.Content(ctx, id)
	if err != nil {
		return false, false, err
	}
	for i := range es {
		p, err := es[i].Decoded()
		if err != nil {
			continue // what cannot be read leaves a doubt
		}
		add(p)
		sighted = sighted || es[i].Kind == tweet.KindTweet
	}
	return sighted, stored, nil
}

// stored asks the archive for a tweet, which is not waited for when it is away.
func (h *Hub) stored(ctx context.Context, id tweet.ID) (*tweet.Payload, error) {
	if h.o.Now().UnixNano() < h.rests.Load() {
		return nil, errAway
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := h.history.Content(asking, id)
	if err != nil && ctx.Err() == nil {
		h.rests.Store(h.o.Now().Add(resting).UnixNano())
	}
	return p, err
}

// errAway stands for an archive that was asked a moment ago and did not answer.
var errAway = errors.New("archive is away")
