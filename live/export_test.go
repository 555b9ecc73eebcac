package live

import (
	"hash/maphash"

	"birdwatch/query"
	"birdwatch/tweet"
)

// Index is the hub's, for tests.
type Index struct{ *index }

// NewIndex makes an empty one.
func NewIndex() *Index { return &Index{newIndex()} }

// Keys gives the normal forms of the queries that match.
func (x *Index) Keys(t *query.Target) (keys []string) {
	for _, id := range x.match(t) {
		keys = append(keys, x.group(id).expr.String())
	}
	return keys
}

// Learnt makes the index learn from one in so many tweets only, as later on in a stream.
func (x *Index) Learnt() {
	x.common = sketch{seed: maphash.MakeSeed(), counts: make([]uint32, sketchSize), beginnings: make([]uint32, beginningsSize), learnt: learntAll}
}

// KeysOf is Keys of a tweet whose terms are not made yet.
func (x *Index) KeysOf(p *tweet.Payload, t *query.Target) (keys []string) {
	for _, id := range x.matchTweet(p, t) {
		keys = append(keys, x.group(id).expr.String())
	}
	return keys
}

// MatchTweet gives how many groups match.
func (x *Index) MatchTweet(p *tweet.Payload, t *query.Target) int { return len(x.matchTweet(p, t)) }

// IDs are the numbers of the groups that match: in an index from which none was removed, the order in which they came.
func (x *Index) IDs(t *query.Target) []uint32 { return x.match(t) }

// Match gives how many groups match.
func (x *Index) Match(t *query.Target) int { return len(x.match(t)) }

// Tune posts groups anew.
func (x *Index) Tune(n int) { x.tune(n) }

// Seal seals what is loose, however little it is; the next match takes it over. A hub that seals by itself is not woken: one at a time does.
func (x *Index) Seal() {
	x.settle()
	if x.sealing.Load() == nil {
		x.leave()
	}
	x.seal()
}

// Count is how many groups there are, how many terms are in use, and how many groups are tried always.
func (x *Index) Count() (groups, terms, always int) {
	x.settle()
	return x.table.used, x.terms.words.used + x.terms.prefixes.used, len(x.always)
}

// Sealed is how many posts are sealed, and how many are loose.
func (x *Index) Sealed() (sealed, loose int) {
	x.settle()
	return len(x.root.posts), len(x.loose.nodes) - 1
}

// Take registers a query and gives what removes it again.
func (x *Index) Take(e query.Expr) (remove func()) {
	key, _ := x.add(e)
	return func() { x.remove(key) }
}

// Pivots are the terms under which a query is posted, once all is sealed.
func (x *Index) Pivots(e query.Expr) (texts []string) {
	x.Seal()
	x.settle()
	for n := range len(x.root.start) - 1 {
		for _, p := range x.root.posts[x.root.start[n]:x.root.start[n+1]] {
			if id := idOf(p, x.root.code); !x.gone.has(id) && x.group(id).expr.String() == e.String() {
				texts = append(texts, string(x.terms.texts.of(uint32(n))))
			}
		}
	}
	return texts
}

// IndexOf gives a hub's, for when it does nothing.
func IndexOf(h *Hub) *Index { return &Index{h.index} }

// FanOut hands a tweet to its subscriptions as Run does, for when the hub does nothing.
func (h *Hub) FanOut(t *query.Target, seq tweet.Seq) {
	groups := h.index.match(t)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fanOut(groups, boxed{seq: seq, kind: Tweet})
}

// Empty takes out of all boxes what waits there, and gives how much it was.
func (h *Hub) Empty() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		n += len(s.box)
		s.box = s.box[:0]
	}
	return n
}

// Slots are a table of numbers, for tests.
type Slots struct{ slots }

// NewSlots makes an empty one.
func NewSlots(full int) *Slots { return &Slots{newSlots(full)} }

// Has looks for a number.
func (s *Slots) Has(number, hash uint32) bool {
	for i := s.home(hash); s.at[i] != 0; i = s.next(i) {
		if s.number(s.at[i], hash) == number {
			return true
		}
	}
	return false
}

// Put adds one that is not there.
func (s *Slots) Put(number uint32, hashOf func(uint32) uint32) { s.put(number, hashOf(number), hashOf) }

// Drop takes one out that is there.
func (s *Slots) Drop(number uint32, hashOf func(uint32) uint32) {
	s.drop(number, hashOf(number), hashOf)
}

// Texts are by number, for tests.
type Texts struct{ texts }

// NewTexts makes empty ones.
func NewTexts() *Texts { return &Texts{newTexts()} }

// Of gives a number's text.
func (t *Texts) Of(n uint32) string { return string(t.of(n)) }

// Is compares it.
func (t *Texts) Is(n uint32, text string) bool { return t.is(n, []byte(text)) }

// Set gives a number that has none a text.
func (t *Texts) Set(n uint32, text string) { t.set(n, text) }

// Drop takes it away.
func (t *Texts) Drop(n uint32) { t.drop(n) }

// Size is how many bytes there are.
func (t *Texts) Size() int { return len(t.bytes) }

// Members are those of groups, for tests.
type Members struct{ members }

// Member is one of them.
type Member struct{ member }

// Add puts one into a group.
func (s *Members) Add(group uint32) *Member {
	m := new(Member)
	s.add(group, &m.member)
	return m
}

// Remove takes it out.
func (s *Members) Remove(group uint32, m *Member) { s.remove(group, &m.member) }

// Has counts how often a group has one, and how many it has.
func (s *Members) Has(group uint32, m *Member) (times, all int) {
	for at := s.of(group); at != nil; at = at.next {
		if all++; at == &m.member {
			times++
		}
	}
	return times, all
}
