package coverage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"birdwatch/tweet"
)

// backfill is one that a server was asked for when a gap closed.
type backfill struct {
	span  *Span
	gap   *Span
	until int64 // when it counts as over
}

// backfillTime is how long a server takes, at most, to send what it was asked for once more.
const backfillTime = time.Minute

// reach notes that the server was asked for what it sent since back before now. A gap that is longer than that is parted: its
// first part stays. l.mu is held.
func (s *Source) reach(gap *Span, now int64, back time.Duration) {
	from := max(gap.Begin, now-back.Milliseconds())
	if from > gap.Begin {
		rest := s.l.add(Span{Source: s.name, Kind: Gap, Begin: from, End: gap.End, Cause: gap.Cause, Before: gap.Before,
			Note: "the end of the gap before it, which the server was asked for again"})
		gap.End = from
		gap, s.closed = rest, append(s.closed, rest)
	}
	span := s.l.add(Span{Source: s.name, Kind: Backfill, Begin: from, End: now, Note: fmt.Sprintf("asked for the last %v", back)})
	s.back = &backfill{span, gap, now + backfillTime.Milliseconds()}
}

func (b *backfill) took(id tweet.ID) {
	if t, ok := id.Time(); ok && t.UnixMilli() >= b.gap.Begin && t.UnixMilli() < b.gap.End {
		b.span.Count++
	}
}

// settle decides whether a backfill filled its gap; l.mu is held.
func (s *Source) settle() {
	b := s.back
	if s.back = nil; b == nil {
		return
	}
	s.l.touch(b.span)
	if b.span.Count > 0 {
		b.gap.Filled = &Filled{By: "backfill", Span: b.span.ID, Count: b.span.Count,
			Evidence: fmt.Sprintf("the server was asked for this time again, and sent %d tweets that were made in it; that it sent all is its word", b.span.Count)}
		s.l.touch(b.gap)
	}
}

// Watch looks for gaps that an import fills: a file that holds the tweets which the source delivered just before and just after
// a gap holds the same stream, and so what lies between.
type Watch struct {
	gaps      []watched  // by their beginning
	reach     []tweet.ID // how far the gaps up to each one reach
	low, high tweet.ID
	sides     map[tweet.ID][]int // neighbour: 2 × gap, +1 behind it
}

type watched struct {
	span        Span
	begin, end  tweet.ID
	found, want [2]int
	inside      int64
	declared    bool // the files are said to be a record of its source
}

// watchMost bounds what a Watch holds: of more gaps, the newest.
const watchMost = 2000

// NewWatch watches for all gaps that are over and not filled. declared is a source of which the files are said to be a record; or "".
func NewWatch(spans []Span, declared string) *Watch {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Kind != Gap || s.End == 0 || s.Filled != nil })
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Begin, b.Begin) })
	spans = spans[max(0, len(spans)-watchMost):]
	w := &Watch{sides: map[tweet.ID][]int{}, low: 1<<63 - 1}
	var reach tweet.ID
	for i, s := range spans {
		g := watched{span: s, begin: tweet.IDAt(time.UnixMilli(s.Begin)), end: tweet.IDAt(time.UnixMilli(s.End)), declared: s.Source == declared}
		for side, ids := range [2][]tweet.ID{s.Before, s.After} {
			g.want[side] = len(ids)
			for _, id := range ids {
				w.sides[id] = append(w.sides[id], 2*i+side)
				w.low, w.high = min(w.low, id), max(w.high, id)
			}
		}
		reach = max(reach, g.end)
		w.low, w.high = min(w.low, g.begin), max(w.high, g.end)
		w.gaps, w.reach = append(w.gaps, g), append(w.reach, reach)
	}
	return w
}

// Tweet looks at a tweet of the import.
func (w *Watch) Tweet(id tweet.ID) {
	if id < w.low || id > w.high {
		return
	}
	for _, at := range w.sides[id] {
		w.gaps[at/2].found[at%2]++
	}
	delete(w.sides, id)
	behind, _ := slices.BinarySearchFunc(w.gaps, id+1, func(g watched, id tweet.ID) int { return cmp.Compare(g.begin, id) })
	for i := behind - 1; i >= 0 && w.reach[i] > id; i-- {
		if g := &w.gaps[i]; id < g.end {
			g.inside++
		}
	}
}

// enough is the share of a gap's neighbours, on each side, that a file must hold.
const enough = 0.9

// Filled gives the gaps that were filled, with the evidence. from and to are the ids between which the import's tweets lie.
func (w *Watch) Filled(from, to tweet.ID) []Span {
	var filled []Span
	for _, g := range w.gaps {
		f := Filled{By: "import", Count: g.inside}
		holds := func(side int) bool {
			return g.want[side] > 0 && float64(g.found[side]) >= enough*float64(g.want[side])
		}
		switch {
		case holds(0) && holds(1):
			f.Evidence = fmt.Sprintf("of the %d tweets that the source delivered just before it and the %d just after it, the import holds %d and %d",
				g.want[0], g.want[1], g.found[0], g.found[1])
		case g.declared && from <= g.begin && to >= g.end:
			f.Evidence = "the import was declared to be a record of this source, and its tweets reach over the gap"
		default:
			continue
		}
		g.span.Filled = &f
		filled = append(filled, g.span)
	}
	return filled
}

// Imported writes an import's files into the account, and closes the gaps that it filled (Watch.Filled).
func (l *Ledger) Imported(ctx context.Context, files []Span, filled []Span) error {
	l.mu.Lock()
	first := l.next
	for _, f := range files {
		f.Source, f.Kind = "import", Import
		l.add(f)
	}
	l.mu.Unlock()
	for _, f := range filled {
		if err := l.fill(ctx, f, first); err != nil {
			return fmt.Errorf("close the gap %d: %w", f.ID, err)
		}
	}
	return l.Flush(ctx)
}

// fill marks a gap, as it is now.
func (l *Ledger) fill(ctx context.Context, f Span, by int64) error {
	if f.Filled == nil {
		return nil
	}
	now, err := l.Spans(ctx, Query{Begin: f.Begin, End: f.Begin + 1, Source: f.Source, Kinds: []Kind{Gap}})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range now {
		s := l.live(&now[i])
		if s.ID == f.ID && s.End != 0 && s.Filled == nil {
			s.Filled = f.Filled
			s.Filled.Span = by
			l.touch(s)
		}
	}
	return nil
}

// live is the span itself where it may still be written, else what was read of it. l.mu is held.
func (l *Ledger) live(read *Span) *Span {
	if s := l.dirty[read.ID]; s != nil {
		return s
	}
	for _, source := range l.sources {
		if source.gap != nil && source.gap.ID == read.ID {
			return source.gap
		}
		for _, s := range source.closed {
			if s.ID == read.ID {
				return s
			}
		}
	}
	return read
}
