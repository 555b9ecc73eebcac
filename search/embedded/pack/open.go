package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// open reads a half into a book; the front gives the ids.
func (o *opener) open(b *book, half []byte, front bool) (ids []int64, err error) {
	from := len(o.texts)
	if o.texts, err = decoder().DecodeAll(half, o.texts); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	plain := o.texts[from:]
	r := &reader{b: plain}
	if r.bytes(1); r.bad || plain[0] != version {
		return nil, fmt.Errorf("pack: unknown kind of block")
	}
	if front {
		ids = make([]int64, r.count())
		last := int64(0)
		for i := range ids {
			last += int64(r.number())
			ids[i] = last
		}
	}
	shapes := r.counts(r.count())
	n := r.count()
	lens := r.counts(3 * n)
	if r.bad || n < roots {
		return nil, errBroken
	}
	b.reset(front)
	b.grow(n)
	for i := range n {
		b.columns[i].codes = r.bytes(lens[3*i])
	}
	for i := range n {
		b.columns[i].ints = r.bytes(lens[3*i+1])
	}
	for _, n := range shapes {
		b.addShape(r.bytes(n))
	}
	at := len(o.texts) - len(r.b)
	for i := range n {
		r.bytes(lens[3*i+2])
		b.columns[i].textFrom, b.columns[i].textEnd = at, at+lens[3*i+2]
		at += lens[3*i+2]
	}
	if r.bad || len(r.b) > 0 {
		return nil, errBroken
	}
	return ids, nil
}

// reader takes a half's plain bytes apart.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	n, w := binary.Uvarint(r.b)
	if w <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[w:]
	return n
}

// count reads the number of things that take a byte each at least.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) counts(n int) []int {
	if n > len(r.b) {
		r.bad = true
		return nil
	}
	ns := make([]int, n)
	for i := range ns {
		ns[i] = int(r.number())
	}
	return ns
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

func newOpener() *opener {
	o := openers.Get().(*opener)
	o.back, o.texts, o.broken, o.left = nil, o.texts[:0], false, 2*MostBytes
	return o
}

// Payloads gives the payloads of ids, in their order, from the front of a block; nil for those that are not in it.
func Payloads(front []byte, ids []int64) ([][]byte, error) {
	o := newOpener()
	defer openers.Put(o)
	b := &o.books[0]
	all, err := o.open(b, front, true)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(ids))
	left := len(ids)
	for _, id := range all {
		if left == 0 {
			break
		}
		o.next(id)
		at := slices.Index(ids, id)
		if at < 0 {
			o.value(b, rootPayload, nil, 0)
		} else {
			out[at] = bytes.Clone(o.part(partPayload))
			left--
		}
		if o.broken {
			return nil, errBroken
		}
	}
	return out, nil
}

// begin reads both halves of a block.
func (o *opener) begin(front, back []byte) (ids []int64, err error) {
	if ids, err = o.open(&o.books[0], front, true); err != nil {
		return nil, err
	}
	if _, err := o.open(&o.books[1], back, false); err != nil {
		return nil, err
	}
	o.back = &o.books[1]
	return ids, nil
}

// Open gives tweets of a block, those of ids or, where that is nil, all, by id.
func Open(front, back []byte, ids []int64) ([]Tweet, error) {
	o := newOpener()
	defer openers.Put(o)
	all, err := o.begin(front, back)
	if err != nil {
		return nil, err
	}
	left := len(all)
	if ids != nil {
		left = len(ids)
	}
	tweets := make([]Tweet, 0, left)
	for _, id := range all {
		if left == 0 {
			break
		}
		o.next(id)
		if ids == nil || slices.Contains(ids, id) {
			left--
			tweets = append(tweets, Tweet{id, bytes.Clone(o.part(partPayload)), bytes.Clone(o.part(partRaw)), bytes.Clone(o.part(partFigures)), bytes.Clone(o.part(partProvenance))})
		} else {
			for part := range parts {
				b, root := o.rootOf(part)
				o.value(b, root, nil, 0)
			}
		}
		if o.broken {
			return nil, errBroken
		}
	}
	return tweets, nil
}

// part reads the next part of the tweet at hand. It stands until the next one is read.
func (o *opener) part(part int) []byte {
	b, root := o.rootOf(part)
	o.scratch = o.value(b, root, o.scratch[:0], 0)
	return o.scratch
}

func (o *opener) rootOf(part int) (b *book, root int) {
	if part == partPayload {
		return &o.books[0], rootPayload
	}
	return &o.books[1], rootRaw + part - partRaw
}
