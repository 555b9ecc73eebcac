package live

import (
	"time"

	"birdwatch/query"
	"birdwatch/tweet"
)

// setsKept is how many former sets of queries a subscription keeps. It is told of the deletions of all tweets that came before them.
const setsKept = 8

// setsMost is how many a subscription can have that it still has to read entries by.
const setsMost = 1024

// set is a subscription's queries during a part of the journal.
type set struct {
	queries []Query
	groups  []groupKey // of the queries with the request's bounds
	members []member
	until   time.Time // when none can match any more; zero: never
}

// window is a set and up to where it is in force; the last one's end is not known.
type window struct {
	set   *set
	until tweet.Seq
}

// newSet takes queries with the request's bounds in them.
func (s *Subscription) newSet(qs []Query) *set {
	out := &set{queries: make([]Query, len(qs)), groups: make([]groupKey, len(qs))}
	forever := false
	for i, q := range qs {
		es := []query.Expr{q.Expr}
		if !s.r.Start.IsZero() {
			es = append(es, query.Since(s.r.Start))
		}
		if !s.r.End.IsZero() {
			es = append(es, query.Until(s.r.End))
			if q.Until.IsZero() || s.r.End.Before(q.Until) {
				q.Until = s.r.End
			}
		}
		g, shared := s.hub.index.add(query.And(es...))
		if q.Like = g; len(es) == 1 {
			q.Expr = shared
		}
		out.queries[i], out.groups[i] = q, g
		forever = forever || q.Until.IsZero()
		if q.Until.After(out.until) {
			out.until = q.Until
		}
	}
	if forever {
		out.until = time.Time{}
	}
	return out
}

// windowAt is the window that an entry lies in.
func windowAt(sets []window, seq tweet.Seq) int {
	last := len(sets) - 1
	for i, w := range sets[:last] {
		if seq <= w.until {
			return i
		}
	}
	return last
}

// setAt is the set in force at an entry.
func setAt(sets []window, seq tweet.Seq) *set { return sets[windowAt(sets, seq)].set }

// setAt: hub.mu is held.
func (s *Subscription) setAt(seq tweet.Seq) *set { return setAt(s.sets, seq) }

// windows are the sets now. Entries that were read before are matched by the right ones: what replaces a set begins behind the
// journal's end.
func (s *Subscription) windows() (sets []window, forgot tweet.Seq) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.sets, s.forgot
}

// queriesBetween are all queries that were in force somewhere behind since up to until.
func (s *Subscription) queriesBetween(since, until tweet.Seq) (qs []Query) {
	sets, _ := s.windows()
	begin := tweet.Seq(0)
	for i, w := range sets {
		if i == len(sets)-1 {
			w.until = lastSet
		}
		if begin < until && w.until > since {
			qs = append(qs, w.set.queries...)
		}
		begin = w.until
	}
	if len(qs) == 0 { // nothing lies between
		qs = sets[len(sets)-1].set.queries
	}
	return qs
}

// SetQueries replaces the queries of open subscriptions. They are in force for entries behind the place it gives; up to it those before hold,
// also for what a subscription has still to read. lagged are those that have not yet come to what too many changes are for: theirs stay.
// Subscriptions that are over are passed over.
func (h *Hub) SetQueries(qs []Query, of ...*Subscription) (after Place, lagged []*Subscription) {
	next := make([]*set, len(of))
	for i, s := range of {
		next[i] = s.newSet(qs)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	// Whatever the journal has may have been matched already, by the hub or by a subscription itself.
	after.Epoch, after.Seq = h.journal.Epoch(), max(h.begun, h.journal.Last())
	for i, s := range of {
		switch _, open := h.subs[s]; {
		case !open:
			h.release(next[i])
		case len(s.sets) >= setsMost:
			h.release(next[i])
			lagged = append(lagged, s)
		default:
			s.replace(next[i], after.Seq)
		}
	}
	return after, lagged
}

// replace: hub.mu is held.
func (s *Subscription) replace(next *set, after tweet.Seq) {
	h := s.hub
	h.admit(s, next)
	h.stats.Replaced++
	last := len(s.sets) - 1
	sets := append([]window(nil), s.sets...)
	sets[last].until = after
	sets = append(sets, window{set: next})
	// A set is needed for as long as entries of its time were not handed out, or are still to be read.
	for len(sets) > setsKept+1 && s.joined && sets[0].until <= h.last {
		if s.forgot == 0 {
			h.forgot++
		}
		s.forgot = max(s.forgot, sets[0].until, 1)
		h.dismiss(sets[0].set)
		sets = sets[1:]
	}
	s.sets = sets
}

// Reach is what the journal has: its epoch and its first and last entry.
func (h *Hub) Reach() (epoch string, first, last tweet.Seq) {
	return h.journal.Epoch(), h.journal.First(), h.journal.Last()
}
