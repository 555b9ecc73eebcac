package pack

import "encoding/binary"

// The least that is looked for elsewhere: smaller ones are written as fast.
const (
	leastNumber = 1 << 13
	smallNumber = 1 << 4 // twins of those from here on are looked for a few times in each column
	mostTries   = 2
	leastText   = 3
	leastAffix  = 12
	affixKey    = 8
)

// isSmall reports whether a value is not worth looking for elsewhere.
func (v value) isSmall() bool {
	if v.isText {
		return v.n&0xFFFFFFFF-v.n>>32 < leastText
	}
	return v.n < leastNumber
}

func (s *sealer) scalar(b *book, n int, form uint8, v value) {
	c := &b.columns[n]
	source := s.source(c, form, v)
	c.codes = append(c.codes, firstScalar+form*sources+source)
	s.enter(b, n, v, source)
}

// source writes v in the shortest of the ways.
func (s *sealer) source(c *column, form uint8, v value) uint8 {
	if w, ok := lookup(&s.front, &s.back, c.twin, len(c.now)); ok && s.texts.equal(w, v) {
		return fromSamePos
	}
	if c.hasLast && s.texts.equal(c.last, v) {
		return fromLast
	}
	if v.isSmall() && (v.isText || v.n < smallNumber) {
		return s.here(c, v)
	}
	if v.isSmall() {
		if c.tries++; c.tries > mostTries {
			return s.here(c, v)
		}
	}
	hash := s.hash(v)
	if at, ok := s.values.find(hash, func(at int) bool { return s.texts.equal(s.all[at].value, v) }); ok {
		s.pointTo(c, at)
		return fromTwin
	}
	if v.isSmall() {
		return s.here(c, v)
	}
	for i := len(c.hashes) - 1; i >= 0; i-- {
		if c.hashes[i] == uint32(hash>>32) && s.texts.equal(c.seen[i], v) {
			c.ints = binary.AppendUvarint(c.ints, uint64(i))
			return fromSeen
		}
	}
	if !v.isText {
		if d := v.n - s.own[ownOf(form)]; d < v.n/128 && -d < v.n/128 {
			c.ints = binary.AppendVarint(c.ints, d)
			return fromNear
		}
		return s.here(c, v)
	}
	return s.affix(c, s.texts.of(v))
}

func (s *sealer) here(c *column, v value) uint8 {
	if v.isText {
		return s.textHere(c, s.texts.of(v))
	}
	c.ints = binary.AppendUvarint(c.ints, uint64(v.n))
	return fromHere
}

func (s *sealer) textHere(c *column, text []byte) uint8 {
	c.ints = binary.AppendUvarint(c.ints, uint64(len(text)))
	c.text = append(c.text, text...)
	return fromHere
}

// affix writes a text by another one that begins or ends alike.
func (s *sealer) affix(c *column, text []byte) uint8 {
	if len(text) < leastAffix {
		return s.textHere(c, text)
	}
	if at, ok := s.tails.find(tailKey(text), nil); ok {
		other := s.texts.of(s.all[at].value)
		if k := commonTail(other, text); k >= leastAffix {
			same := s.pointTo(c, at)
			c.ints = binary.AppendUvarint(c.ints, uint64(len(other)-k))
			s.textHere(c, text[:len(text)-k])
			return fromTail + same
		}
	}
	if at, ok := s.heads.find(headKey(text), nil); ok {
		other := s.texts.of(s.all[at].value)
		if k := commonHead(other, text); k >= leastAffix {
			same := s.pointTo(c, at)
			c.ints = binary.AppendUvarint(c.ints, uint64(len(other)-k))
			s.textHere(c, text[k:])
			return fromHead + same
		}
	}
	return s.textHere(c, text)
}

// pointTo makes a value the column's twin, and gives what to add to a source that uses it where it was that before.
func (s *sealer) pointTo(c *column, at int) (same uint8) {
	f := &s.all[at]
	now := twin{f.column, f.place - len(c.now)}
	if now == c.twin {
		return fromSameHead - fromHead
	}
	c.twin = now
	c.ints = binary.AppendUvarint(c.ints, uint64(f.column))
	c.ints = binary.AppendVarint(c.ints, int64(c.twin.ahead))
	return 0
}

// enter keeps the value for those that come.
func (s *sealer) enter(b *book, n int, v value, source uint8) {
	c := &b.columns[n]
	place := len(c.now)
	b.keep(n, v, source)
	var hash uint64
	if len(c.hashes) < len(c.seen) {
		hash = s.hash(v)
		c.hashes = append(c.hashes, uint32(hash>>32))
	}
	if source == fromSamePos || source == fromTwin || v.isSmall() && (v.isText || v.n < smallNumber) {
		return
	}
	column := n << 1
	if b.front {
		column |= 1
	}
	if hash == 0 {
		hash = s.hash(v)
	}
	at := len(s.all)
	s.all = append(s.all, found{v, column, place})
	s.values.put(hash, at)
	if !v.isText {
		return
	}
	if text := s.texts.of(v); len(text) >= leastAffix {
		s.heads.put(headKey(text), at)
		s.tails.put(tailKey(text), at)
	}
}
