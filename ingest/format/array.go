package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errTooLong = fmt.Errorf("an element of the array is longer than %d bytes", MaxRecord)
	errElement = errors.New("not JSON: the element of the array is broken")
)

// array takes the elements one by one, so that neither the array's length nor that of its line matters.
func (f *framer) array() error {
	if _, err := f.r.Discard(1); err != nil {
		return err
	}
	for {
		c, err := f.begin()
		if err == nil && (c == ',' || c == ']') {
			if _, err = f.r.Discard(1); c == ']' || err != nil {
				return err
			}
			continue
		}
		indent := f.indent
		var raw []byte
		if err == nil {
			raw, err = f.element()
		}
		if errors.Is(err, io.EOF) {
			return f.cutOff(raw)
		}
		if err != nil && !errors.Is(err, errTooLong) && !errors.Is(err, errElement) {
			return err
		}
		f.nth++
		if err != nil {
			if err := f.give(framed{raw: raw, pos: f.nth, nth: true, err: err}); err != nil {
				return err
			}
			if err = f.skipLine(); err == nil {
				err = f.resync(indent, "{[]")
			}
		} else if n, st, k := scan(raw); st != done {
			err = f.give(framed{raw: raw, pos: f.nth, nth: true, err: jsonError(raw, n, st)})
		} else {
			err = f.member(raw, k)
		}
		if err != nil {
			return err
		}
	}
}

// cutOff takes what an array ends with that does not end; its last element may be whole.
func (f *framer) cutOff(raw []byte) error {
	cut := framed{raw: raw, pos: f.nth + 1, nth: true, err: errors.New("the array is cut off")}
	if last := bytes.TrimRight(raw, " \t\r\n\x00"); len(last) > 0 {
		if _, st, k := scan(last); st == done {
			f.nth++
			if err := f.member(last, k); err != nil {
				return err
			}
			cut.raw, cut.pos = nil, f.nth+1
		}
	}
	return f.give(cut)
}

// member takes an element, whose number is f.nth; those of an envelope count instead of it.
func (f *framer) member(raw []byte, k keys) error {
	f.nth--
	pos := f.nth + 1
	if err := f.whole(raw, k, pos); err != nil {
		return err
	}
	f.nth = max(f.nth, pos)
	return nil
}

// element gives the exact bytes up to the comma or bracket behind an element, which stays unread.
func (f *framer) element() ([]byte, error) {
	var raw []byte
	var w walk
	for {
		if _, err := f.r.Peek(1); err != nil {
			return raw, err
		}
		part, _ := f.r.Peek(f.r.Buffered())
		n, at := w.over(part)
		raw = append(raw, part[:n]...)
		f.line += int64(bytes.Count(part[:n], []byte("\n")))
		if _, err := f.r.Discard(n); err != nil {
			return raw, err
		}
		switch {
		case at == walkBroken:
			return raw, errElement
		case len(raw) > MaxRecord:
			return nil, errTooLong
		case at == walkEnd:
			return bytes.TrimRight(raw, " \t\r\n"), nil
		}
	}
}

// What a walk has come to.
const (
	walkOn = iota
	walkEnd
	walkBroken
)

// walk finds the end of an element over the pieces of a text, which may end anywhere.
type walk struct {
	depth             int
	inString, escaped bool
}

// over takes the next piece and gives how much of it belongs to the element.
func (w *walk) over(b []byte) (n, at int) {
	for i, c := range b {
		switch {
		case w.inString:
			switch {
			case c == '\n':
				return i, walkBroken
			case w.escaped:
				w.escaped = false
			case c == '\\':
				w.escaped = true
			case c == '"':
				w.inString = false
			}
		case c == '"':
			w.inString = true
		case c == '{' || c == '[':
			if w.depth++; w.depth > maxDepth {
				return i, walkBroken
			}
		case w.depth == 0 && (c == ',' || c == ']'):
			return i, walkEnd
		case c == '}' || c == ']':
			if w.depth--; w.depth < 0 {
				return i, walkBroken
			}
		}
	}
	return len(b), walkOn
}
