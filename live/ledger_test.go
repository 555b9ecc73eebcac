package live_test

import (
	"fmt"
	"slices"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// ledger is what truly happened, and what a client was told.
type ledger struct {
	w      *world
	ids    []tweet.ID
	truth  map[tweet.ID]*fate
	events []live.Event
	err    error
}

// fate is what became of a tweet.
type fate struct {
	texts    []string // the first is what live decides on
	first    tweet.Seq
	imported bool
	lost     bool // the journal went before the archive had it
	deleted  tweet.Seq
}

func newLedger(w *world) ledger { return ledger{w: w, truth: map[tweet.ID]*fate{}} }

// id gives a new one; neighbours are not in order.
func (l *ledger) id() tweet.ID {
	id := tweet.ID(len(l.ids)*37%101 + 1 + len(l.ids)/101*101)
	l.ids = append(l.ids, id)
	return id
}

func (l *ledger) tweet(text string) {
	id := l.id()
	l.truth[id] = &fate{texts: []string{text}, first: l.w.tweet(id, text)}
}

func (l *ledger) imports(text string) {
	id := l.id()
	l.truth[id] = &fate{texts: []string{text}, first: l.w.imports(id, text), imported: true}
}

func (l *ledger) merge(n int, text string) {
	if len(l.ids) > 0 {
		if id := l.ids[n%len(l.ids)]; l.w.merge(id, text) {
			l.truth[id].texts = append(l.truth[id].texts, text)
		}
	}
}

func (l *ledger) delete(n int) {
	if len(l.ids) == 0 {
		return
	}
	id := l.ids[n%len(l.ids)]
	if f := l.truth[id]; f.deleted == 0 {
		l.w.delete(id, f.first)
		f.deleted = l.w.Last()
	}
}

func (l *ledger) rebirth(epoch string) {
	for _, f := range l.truth {
		f.lost = f.lost || f.first > l.w.applied
	}
	l.w.rebirth(epoch)
}

func (l *ledger) missed(seq tweet.Seq) bool {
	return slices.ContainsFunc(l.events, func(e live.Event) bool { return e.Kind == live.Gap && seq > e.Since && seq <= e.Until })
}

func (l *ledger) wrong(format string, args ...any) error {
	return fmt.Errorf(format+"\n%v", append(args, show(l.events))...)
}

// judge says what is wrong with what the client was told; nil for nothing.
func (l *ledger) judge(qs []live.Query) error {
	if l.err != nil || len(l.events) == 0 {
		return l.err
	}
	got, told := map[tweet.ID]bool{}, map[tweet.ID]bool{}
	w, at := l.events[0].Place.Seq, tweet.Seq(0)
	oldest, lastID := tweet.ID(1<<62), tweet.ID(0)
	for _, e := range l.events {
		if e.Place.Seq < at {
			return l.wrong("the place went back to %d", e.Place.Seq)
		}
		at = e.Place.Seq
		if e.Kind == live.Delete {
			told[e.ID] = true
		}
		if e.Kind != live.Tweet {
			continue
		}
		switch f := l.truth[e.ID]; {
		case got[e.ID]:
			return l.wrong("%d sent twice", e.ID)
		case e.Place.Tweet == 0 && (f.first != e.Place.Seq || f.imported):
			return l.wrong("%d has place %s, seq %d", e.ID, e.Place, f.first)
		case e.Place.Tweet != 0 && (e.ID <= lastID || f.first > w):
			return l.wrong("history sent %d of seq %d after %d, W is %d", e.ID, f.first, lastID, w)
		case !l.right(qs, f, e):
			return l.wrong("%d %q was sent as a match of %v", e.ID, f.texts, e.Matched)
		}
		got[e.ID] = true
		if e.Place.Tweet != 0 {
			lastID, oldest = e.ID, min(oldest, e.ID)
		}
	}
	return l.complete(qs, w, oldest, got, told)
}

// right reports whether a version of the tweet matches what the event says it does.
func (l *ledger) right(qs []live.Query, f *fate, e live.Event) bool {
	versions := f.texts
	if e.Place.Tweet == 0 {
		versions = versions[:1]
	}
	return slices.ContainsFunc(versions, func(text string) bool { return slices.Equal(matching(qs, text), e.Matched) })
}

// matching are the queries that a text matches.
func matching(qs []live.Query, text string) (matched []int) {
	var target query.Target
	target.Set(payload(1, text))
	for i, q := range qs {
		if query.NewMatcher(q.Expr).Match(&target) {
			matched = append(matched, i)
		}
	}
	return matched
}

// complete says what was left out.
func (l *ledger) complete(qs []live.Query, w tweet.Seq, oldest tweet.ID, got, told map[tweet.ID]bool) error {
	for id, f := range l.truth {
		switch want := len(matching(qs, f.texts[0])) > 0; {
		case want && !f.imported && f.first > w && !got[id] && !l.missed(f.first) && !(f.deleted > 0 && told[id]):
			return l.wrong("%d %q at %d was never sent", id, f.texts, f.first)
		case want && !f.imported && !f.lost && f.first <= w && id > oldest && !got[id] && f.deleted == 0 && len(f.texts) == 1:
			return l.wrong("%d %q of history was never sent", id, f.texts)
		case got[id] && f.deleted > w && !told[id] && !l.missed(f.deleted) && !l.faded(f):
			return l.wrong("%d was sent and deleted at %d, and nobody said so", id, f.deleted)
		}
	}
	return nil
}

// faded reports whether a version of the tweet can not be had any more while another one can: an import replaced what history
// had sent.
func (l *ledger) faded(f *fate) bool { return len(f.texts) > 1 && (f.imported || f.first <= l.w.base) }
