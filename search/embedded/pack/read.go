package pack

import (
	"encoding/binary"
	"errors"
	"strconv"
	"sync"
)

var errBroken = errors.New("pack: broken block")

// opener reads the tweets of one block one after another.
type opener struct {
	books   [2]book // front and back
	back    *book   // nil where only the front is read
	texts   texts   // the halves' plain bytes, and texts put together
	own     [3]int64
	broken  bool
	scratch []byte // the part that was read last
	left    int    // bytes that may still come: a broken block must not make work without end
}

var openers = sync.Pool{New: func() any { return &opener{scratch: []byte{}} }}

// next goes to the tweet with the id: what it says of itself is where all else begins.
func (o *opener) next(id int64) {
	o.books[0].next()
	if o.back != nil {
		o.back.next()
	}
	o.own = ownNumbers(id)
	for _, n := range o.own {
		o.books[0].keep(rootOwn, value{n: n}, fromHere)
	}
}

// value reads one value of column n and writes it behind dst; where dst is nil it is only read.
func (o *opener) value(b *book, n int, dst []byte, depth int) []byte {
	c := &b.columns[n]
	if o.left--; len(c.codes) == 0 || depth > deepest+1 || o.left < 0 {
		o.broken = true
	}
	if o.broken {
		return dst
	}
	code := c.codes[0]
	c.codes = c.codes[1:]
	switch code {
	case codeNull:
		return add(dst, "null")
	case codeTrue:
		return add(dst, "true")
	case codeFalse:
		return add(dst, "false")
	case codeList, codeSameList:
		if code == codeList {
			c.length = o.count(c)
		}
		return o.list(b, n, c.length, dst, depth)
	case codePair:
		dst = o.value(b, b.insideOf(n, 0), add(dst, "["), depth+1)
		dst = o.value(b, b.insideOf(n, 1), add(dst, ","), depth+1)
		return add(dst, "]")
	case codeForm, codeSameForm:
		if code == codeForm {
			shape := o.count(c)
			if shape >= len(b.shapes) {
				o.broken = true
				return dst
			}
			at := b.holesOf(n, shape)
			c = &b.columns[n]
			c.shape, c.holes = shape, at
		}
		return o.form(b, c.shape, c.holes, dst, depth)
	}
	form, source := (code-firstScalar)/sources, (code-firstScalar)%sources
	if int(form) >= forms {
		o.broken = true
		return dst
	}
	v := o.scalar(b, n, form, source)
	if dst == nil {
		return nil
	}
	return o.append(dst, v, form)
}

func add(dst []byte, s string) []byte {
	if dst == nil {
		return nil
	}
	return append(dst, s...)
}

func (o *opener) list(b *book, n, length int, dst []byte, depth int) []byte {
	dst = add(dst, "[")
	for i := range length {
		if i > 0 {
			dst = add(dst, ",")
		}
		if dst = o.value(b, b.insideOf(n, inLists), dst, depth+1); o.broken {
			return dst
		}
	}
	return add(dst, "]")
}

func (o *opener) form(b *book, shape, at int, dst []byte, depth int) []byte {
	if shape < 0 {
		o.broken = true
		return dst
	}
	parts := b.shapes[shape].parts
	o.left -= len(b.shapes[shape].text)
	last := len(parts) - 1
	if dst == nil {
		for i := range last {
			o.value(b, b.holes[at+i], nil, depth+1)
		}
		return nil
	}
	for i := range last {
		dst = append(dst, parts[i]...)
		dst = o.value(b, b.holes[at+i], dst, depth+1)
	}
	return append(dst, parts[last]...)
}

// scalar reads a value and keeps it for those that come.
func (o *opener) scalar(b *book, n int, form, source uint8) (v value) {
	c := &b.columns[n]
	v.isText = form >= formOther
	switch source {
	case fromHere:
		v = o.here(c, v.isText)
	case fromLast:
		v = c.last
		o.broken = o.broken || !c.hasLast
	case fromSeen:
		if i := o.count(c); i < len(c.seen) {
			v = c.seen[i]
		} else {
			o.broken = true
		}
	case fromTwin:
		v = o.twin(c)
	case fromSamePos:
		v = o.samePos(c)
	case fromNear:
		v.n = o.own[ownOf(form)] + o.signed(c)
	case fromHead, fromTail, fromSameHead, fromSameTail:
		v = o.affixed(c, source)
	}
	if v.isText {
		o.left -= len(o.texts.of(v))
	}
	if v.isText != (form >= formOther) || o.left < 0 {
		o.broken = true
	}
	b.keep(n, v, source)
	return v
}

// affixed puts a text together of another one's part and its own.
func (o *opener) affixed(c *column, source uint8) value {
	var w value
	if source == fromSameHead || source == fromSameTail {
		w = o.samePos(c)
	} else {
		w = o.twin(c)
	}
	less := o.count(c)
	more := o.texts.of(o.here(c, true))
	if !w.isText || o.broken || less > len(o.texts.of(w)) {
		o.broken = true
		return value{isText: true}
	}
	from, other := len(o.texts), o.texts.of(w)
	if source == fromHead || source == fromSameHead {
		o.texts = append(append(o.texts, other[:len(other)-less]...), more...)
	} else {
		o.texts = append(append(o.texts, more...), other[less:]...)
	}
	return textAt(from, len(o.texts))
}

func (o *opener) here(c *column, isText bool) value {
	if !isText {
		return value{n: int64(o.unsigned(c))}
	}
	n := o.count(c)
	if n > c.textEnd-c.textFrom {
		o.broken = true
		return value{isText: true}
	}
	c.textFrom += n
	return textAt(c.textFrom-n, c.textFrom)
}

func (o *opener) twin(c *column) value {
	c.twin.column = o.count(c)
	c.twin.ahead = int(o.signed(c))
	return o.samePos(c)
}

func (o *opener) samePos(c *column) value {
	v, ok := lookup(&o.books[0], o.back, c.twin, len(c.now))
	if !ok {
		o.broken = true
	}
	return v
}

func (o *opener) unsigned(c *column) uint64 {
	n, w := binary.Uvarint(c.ints)
	if w <= 0 {
		o.broken = true
		return 0
	}
	c.ints = c.ints[w:]
	return n
}

func (o *opener) signed(c *column) int64 {
	n, w := binary.Varint(c.ints)
	if w <= 0 {
		o.broken = true
		return 0
	}
	c.ints = c.ints[w:]
	return n
}

// count reads a number that counts something in memory.
func (o *opener) count(c *column) int {
	n := o.unsigned(c)
	if n > 1<<30 {
		o.broken = true
		return 0
	}
	return int(n)
}

// append writes a value in a form.
func (o *opener) append(dst []byte, v value, form uint8) []byte {
	switch form {
	case formNumber:
		return strconv.AppendUint(dst, uint64(v.n), 10)
	case formDigits:
		return append(strconv.AppendUint(append(dst, '"'), uint64(v.n), 10), '"')
	case formLongTime:
		return append(appendLong(append(dst, '"'), v.n), '"')
	case formShortTime:
		return append(appendShort(append(dst, '"'), v.n*1000), '"')
	case formMillis:
		return append(appendShort(append(dst, '"'), v.n), '"')
	case formOther, formPlain:
		return append(dst, o.texts.of(v)...)
	case formVerbatim:
		return append(append(append(dst, '"'), o.texts.of(v)...), '"')
	}
	return append(appendEscaped(append(dst, '"'), o.texts.of(v), int(form-formString)), '"')
}
