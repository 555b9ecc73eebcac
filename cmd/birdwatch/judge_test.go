package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"birdwatch/ingest/journal"
	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// truth is what journal and archive hold in the end.
type truth struct {
	entries map[tweet.Seq]tweet.ID // first sightings
	seqs    []tweet.Seq            // of them, ascending
	deletes map[tweet.ID]tweet.Seq
	docs    map[tweet.ID]search.Identity
	matches map[string]*matching
}

// matching is what one query matches.
type matching struct {
	seqs []tweet.Seq // ascending
	ids  map[tweet.ID]bool
}

func judgeCrowd(t *testing.T, f dataFlags, c *crowd, acknowledged []tweet.ID) {
	n, err := openNode(t.Context(), f, journal.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	// What the server had not written yet when it was stopped is written now, as by the next server.
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error { return n.follow(ctx) })
	if err := n.caughtUp(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if a, ok := n.archive.(interface{ Check(context.Context) error }); ok {
		if err := a.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := n.journal.Check(t.Context()); err != nil {
		t.Error(err)
	}
	w := readTruth(t, n, c)
	for _, id := range acknowledged {
		if d, ok := w.docs[id]; !ok || d.Tombstone {
			t.Errorf("acknowledged %d is not in the archive", id)
		}
	}
	lost := 0
	for _, seq := range w.seqs {
		id := w.entries[seq]
		if d, ok := w.docs[id]; (!ok || d.FirstSeq != seq) && lost < 5 {
			lost++
			t.Errorf("entry %d of tweet %d: the archive has it %v, first_seq %d", seq, id, ok, d.FirstSeq)
		}
	}
	events, deletes, bad := 0, 0, 0
	for i, ch := range c.chains {
		events += len(ch.events)
		for _, e := range ch.events {
			if e.Kind == live.Delete {
				deletes++
			}
		}
		if err := w.judge(ch); err != nil {
			if bad++; bad <= 5 {
				t.Errorf("client %d, query %q, backfill %d: %v", i, ch.query, ch.backfill, err)
			}
		}
	}
	t.Logf("%d entries, %d tweets, %d deleted; %d clients in %d connections (%d resumed) were sent %d events, %d of them deletes; %d posts acknowledged; %d clients wrong",
		n.journal.Last(), len(w.docs), len(w.deletes), len(c.chains), c.connects, c.resumes, events, deletes, len(acknowledged), bad)
	if events < len(c.chains) || deletes == 0 && !testing.Short() {
		t.Errorf("only %d events and %d deletes: the test had no load", events, deletes)
	}
}

func readTruth(t *testing.T, n *node, c *crowd) *truth {
	w := &truth{entries: map[tweet.Seq]tweet.ID{}, deletes: map[tweet.ID]tweet.Seq{}, docs: map[tweet.ID]search.Identity{}, matches: map[string]*matching{}}
	match := w.matchers(t, c)
	for at := tweet.Seq(0); ; {
		es, err := n.journal.Since(t.Context(), at, 5000)
		if err != nil {
			t.Fatal(err)
		}
		if len(es) == 0 {
			break
		}
		for i := range es {
			e := &es[i]
			at = e.Seq
			switch {
			case e.Kind == tweet.KindTweet:
				w.entries[e.Seq] = e.ID
				w.seqs = append(w.seqs, e.Seq)
				if err := match(e); err != nil {
					t.Fatal(err)
				}
			case e.Kind == tweet.KindDelete && e.FirstSeq > 0:
				w.deletes[e.ID] = e.Seq
			}
		}
	}
	for d, err := range n.archive.Identities(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		w.docs[d.ID] = d
	}
	return w
}

// matchers gives what decides a tweet against every query by the Matcher alone.
func (w *truth) matchers(t *testing.T, c *crowd) func(*tweet.Entry) error {
	matchers := map[string]*query.Matcher{}
	for _, text := range slices.Concat(crowdQueries, c.rare, []string{""}) {
		if text == "#*" {
			continue
		}
		q, err := query.Parse(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		matchers[text] = query.NewMatcher(q.Expr)
		w.matches[text] = &matching{nil, map[tweet.ID]bool{}}
	}
	var target query.Target
	return func(e *tweet.Entry) error {
		if e.Stripped {
			return nil
		}
		p, err := e.Decoded()
		if err != nil {
			return err
		}
		target.Set(p)
		for text, m := range matchers {
			if m.Match(&target) {
				found := w.matches[text]
				found.seqs, found.ids[e.ID] = append(found.seqs, e.Seq), true
			}
		}
		return nil
	}
}

// judge says what is wrong with what a client was sent; nil for nothing.
func (w *truth) judge(ch *chain) error {
	if len(ch.events) == 0 {
		return nil
	}
	m := w.matches[ch.query]
	start := ch.events[0].Place.Seq
	if ch.events[0].Place.Tweet == 0 && ch.events[0].Kind != live.Live {
		start = ch.events[0].Place.Seq - 1
	}
	got := map[tweet.ID]bool{}
	told := map[tweet.ID]bool{}
	reached := false // history was sent whole
	var last live.Place
	history := 0
	oldest := tweet.ID(1<<63 - 1)
	for i, e := range ch.events {
		switch {
		case e.Kind == live.Gap:
			return fmt.Errorf("a gap at %s: the journal reaches back to the start", e.Place)
		case cmp.Or(cmp.Compare(e.Place.Seq, last.Seq), cmp.Compare(e.Place.Tweet, last.Tweet)) <= 0 && i > 0 && e.Kind == live.Tweet && last.Tweet != 0 && e.Place.Tweet != 0,
			e.Place.Seq < last.Seq, e.Place.Seq == last.Seq && last.Tweet == 0 && i > 0 && e.Kind != live.Live:
			return fmt.Errorf("event %d at %s after %s", i, e.Place, last)
		case e.Kind == live.Tweet && got[e.ID]:
			return fmt.Errorf("%d was sent twice, again at %s", e.ID, e.Place)
		case e.Kind == live.Live:
			reached = true
		case e.Kind == live.Delete:
			told[e.ID] = true
		case e.Kind == live.Tweet:
			got[e.ID] = true
			if e.Place.Tweet != 0 {
				history++
				oldest = min(oldest, e.ID)
			}
			if err := w.rightly(m, e); err != nil {
				return err
			}
		}
		last = e.Place
	}
	after, _ := slices.BinarySearch(m.seqs, start+1)
	for _, seq := range m.seqs[after:] {
		if id := w.entries[seq]; seq <= last.Seq && last.Tweet == 0 && !got[id] && ch.events[0].Kind == live.Live {
			return fmt.Errorf("%d of seq %d was never sent, between %s and %s", id, seq, ch.events[0].Place, last)
		}
	}
	if reached && ch.backfill > 0 {
		if err := w.whole(ch, m, start, history, oldest, got); err != nil {
			return err
		}
	}
	for id := range got {
		if d := w.deletes[id]; d > start && d <= last.Seq && last.Tweet == 0 && !told[id] {
			return fmt.Errorf("%d was sent and deleted at seq %d, which the client passed untold", id, d)
		}
	}
	return nil
}

// rightly checks one tweet that was sent.
func (w *truth) rightly(m *matching, e live.Event) error {
	d, ok := w.docs[e.ID]
	switch {
	case !ok:
		return fmt.Errorf("%d was sent and is nowhere", e.ID)
	case e.Place.Tweet != 0 && d.FirstSeq > e.Place.Seq:
		return fmt.Errorf("history up to %d sent %d, whose first_seq is %d", e.Place.Seq, e.ID, d.FirstSeq)
	case e.Place.Tweet == 0 && w.entries[e.Place.Seq] != e.ID:
		return fmt.Errorf("%d was sent with place %s, where %d is", e.ID, e.Place, w.entries[e.Place.Seq])
	case !d.Tombstone && !m.ids[e.ID]:
		return fmt.Errorf("%d does not match and was sent", e.ID)
	}
	return nil
}

// whole checks that history left nothing out between its oldest tweet and W, and live nothing after W.
func (w *truth) whole(ch *chain, m *matching, start tweet.Seq, history int, oldest tweet.ID, got map[tweet.ID]bool) error {
	last := ch.events[len(ch.events)-1].Place
	for _, at := range w.deletes {
		if at > start { // it may have been one of the newest, and was deleted before it was sent
			history++
		}
	}
	for id := range m.ids {
		d, ok := w.docs[id]
		if !ok || d.Tombstone || got[id] {
			continue
		}
		if d.FirstSeq <= start && (id > oldest || history < ch.backfill) {
			return fmt.Errorf("history of %d up to %d left out %d, first_seq %d", history, start, id, d.FirstSeq)
		}
		if d.FirstSeq > start && d.FirstSeq <= last.Seq && last.Tweet == 0 {
			return fmt.Errorf("%d of seq %d was never sent after history up to %d", id, d.FirstSeq, start)
		}
	}
	return nil
}
