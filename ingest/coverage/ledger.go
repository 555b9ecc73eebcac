package coverage

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Ledger writes the account of one data folder. What is told to it is in memory at once and on disk a moment later (Run); what a
// process that is killed had not written makes the account say less than was covered, never more.
type Ledger struct {
	store Store
	now   func() time.Time
	log   *slog.Logger
	wake  chan struct{}

	flushing sync.Mutex // held while spans are written

	mu      sync.Mutex // guards what follows
	next    int64
	dirty   map[int64]*Span
	sources map[string]*Source
}

// Open begins where the account ends: what an earlier process left open, as it was killed, is closed at the last sign of life
// of its source, and a gap opened there.
func Open(ctx context.Context, store Store, now func() time.Time, log *slog.Logger) (*Ledger, error) {
	l := &Ledger{store: store, now: now, log: log, wake: make(chan struct{}, 1), dirty: map[int64]*Span{}, sources: map[string]*Source{}}
	last, err := store.LastSpan(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the ledger of coverage: %w", err)
	}
	l.next = last + 1
	open, err := store.Spans(ctx, Query{Open: true})
	if err != nil {
		return nil, fmt.Errorf("open the ledger of coverage: %w", err)
	}
	connected := map[string][]*Span{}
	for i := range open {
		switch s := &open[i]; s.Kind {
		case Gap:
			l.source(s.Source).gap = s
		case Connected:
			connected[s.Source] = append(connected[s.Source], s)
		default:
			s.End = max(s.Begin, s.Seen)
			l.touch(s)
		}
	}
	for name, spans := range connected {
		if err := l.recover(ctx, name, spans); err != nil {
			return nil, fmt.Errorf("close what was left open of %s: %w", name, err)
		}
	}
	return l, l.Flush(ctx)
}

// recover closes the connections of a source that stood when the process was killed: all at the same moment.
func (l *Ledger) recover(ctx context.Context, name string, spans []*Span) error {
	as, err := l.store.Arrivals(ctx, name, spans[0].Seq, neighbours)
	if err != nil {
		return err
	}
	var r ring
	r.add(as...)
	end := r.sure(0)
	for _, s := range spans {
		end = max(end, s.Begin, s.Seen)
	}
	for _, s := range spans {
		s.End, s.Cause = end, CauseKilled
		l.touch(s)
	}
	if src := l.source(name); src.gap == nil {
		src.gap = l.add(Span{Source: name, Kind: Gap, Begin: end, Cause: CauseKilled, Before: r.ids()})
	}
	return nil
}

// Source is the account of one source, by its name in provenance.
func (l *Ledger) Source(name string) *Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.source(name)
}

// source: l.mu is held, or nobody else has l.
func (l *Ledger) source(name string) *Source {
	s := l.sources[name]
	if s == nil {
		s = &Source{l: l, name: name, open: map[int64]*Span{}, limits: map[int64]*Span{}}
		l.sources[name] = s
	}
	return s
}

// add makes a span; l.mu is held.
func (l *Ledger) add(s Span) *Span {
	s.ID = l.next
	l.next++
	l.touch(&s)
	return &s
}

// touch has a span written; l.mu is held.
func (l *Ledger) touch(s *Span) {
	l.dirty[s.ID] = s
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// beat is how often the signs of life of what is open are written.
const beat = 5 * time.Second

// Run writes what changed until ctx ends, and then once more. What cannot be written (a full disk) is written later.
func (l *Ledger) Run(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return l.Flush(context.WithoutCancel(ctx))
		case <-l.wake:
			if failing { // the tick tries again
				continue
			}
		case <-tick.C:
			l.alive()
		}
		err := l.Flush(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			l.log.Error("the ledger of coverage is held up; it is tried again until it works", "error", err)
		}
		failing = err != nil
	}
}

// alive notes the signs of life of open connections.
func (l *Ledger) alive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sources {
		s.beat()
	}
}

// Flush writes what changed.
func (l *Ledger) Flush(ctx context.Context) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	was := l.dirty
	l.dirty = map[int64]*Span{}
	spans := make([]Span, 0, len(was))
	for _, s := range was {
		spans = append(spans, *s)
	}
	l.mu.Unlock()
	if len(spans) == 0 {
		return nil
	}
	err := l.store.PutSpans(ctx, spans)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		for id, s := range was {
			l.dirty[id] = s
		}
	}
	return err
}

// Spans reads the account as it is now.
func (l *Ledger) Spans(ctx context.Context, q Query) ([]Span, error) {
	if err := l.Flush(ctx); err != nil {
		return nil, fmt.Errorf("write the ledger of coverage: %w", err)
	}
	return l.store.Spans(ctx, q)
}
