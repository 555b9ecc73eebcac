package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// MaxRecord bounds one record, in bytes: a tweet has some thousands.
const MaxRecord = 8 << 20

// framed is one record's bytes, or what stands in its place.
type framed struct {
	raw   []byte // its own memory
	pos   int64  // line; in arrays and envelopes the number of the record
	nth   bool   // it is the number
	err   error
	parse parser                         // nil: Parse
	keys  keys                           // of a sound object, where they are known
	refer func([]byte) (tweet.ID, error) // where it names a tweet only
	of    *reading
}

// framer parts a stream into records: JSON lines, with or without v1.1's length lines; objects over several lines; arrays;
// search envelopes. What is broken costs itself only: reading goes on at the next line that can begin a record.
type framer struct {
	r      *bufio.Reader
	emit   func(framed) bool
	held   []byte // a line that was read, but begins the next record
	line   int64  // lines that were read whole
	indent int    // how many blanks stand before the record that begins
	nth    int64  // records of arrays and envelopes so far
	inside bool   // an array is being read
	parse  parser // of every record; nil: Parse, when its shape has been seen
	script bool   // it is a script: its value may end with a semicolon
}

var errStop = errors.New("stopped")

// frame gives all records of r to emit until it returns false. The error is one of reading, behind line at.
func frame(r io.Reader, parse parser, emit func(framed) bool) (at int64, err error) {
	f := &framer{r: framerReaders.get(r), emit: emit, parse: parse}
	defer framerReaders.put(f.r)
	return f.all()
}

func (f *framer) all() (at int64, err error) {
	err = f.run()
	if errors.Is(err, errStop) || errors.Is(err, io.EOF) {
		err = nil
	}
	return f.line, err
}

func (f *framer) run() error {
	if bom, err := f.r.Peek(3); err == nil && string(bom) == "\xEF\xBB\xBF" {
		_, _ = f.r.Discard(3)
	}
	for {
		c, err := f.begin()
		switch {
		case err != nil:
			return err
		case c == '[':
			f.inside = true
			err = f.array()
			f.inside = false
		case c == '{':
			err = f.object()
		default:
			err = f.other()
		}
		if err != nil {
			return err
		}
	}
}

func (f *framer) give(x framed) error {
	if !f.emit(x) {
		return errStop
	}
	return nil
}

// begin passes over blanks and empty lines (a stream's keep-alive) and gives the byte that comes then.
func (f *framer) begin() (byte, error) {
	if f.held != nil {
		return f.held[0], nil
	}
	f.indent = 0
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			f.line++
			f.indent = 0
		case ' ', '\t', '\r':
			f.indent++
		default:
			return c, f.r.UnreadByte()
		}
	}
}

// readLine gives the next line with its end; long says that it was too long and is not given. The bytes
// are the caller's.
func (f *framer) readLine() (line []byte, long bool, err error) {
	if f.held != nil {
		line, f.held = f.held, nil
		f.line++
		return line, false, nil
	}
	for {
		part, err := f.r.ReadSlice('\n')
		if long = long || len(line)+len(part) > MaxRecord; !long {
			line = append(line, part...)
		}
		switch {
		case err == nil:
			f.line++
			return line, long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (long || len(line) > 0):
			f.line++
			return line, long, nil
		default:
			return nil, false, err
		}
	}
}

func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// other takes a line that begins no record: the length of the next message, or what does not belong here.
func (f *framer) other() error {
	line, _, err := f.readLine()
	if err != nil {
		return err
	}
	line = trimEnd(line)
	if text := bytes.TrimSpace(line); len(text) > 0 && skipDigits(text, 0) == len(text) {
		return nil
	}
	if f.script && string(bytes.TrimSpace(line)) == ";" {
		return nil
	}
	n, st, _ := scan(line)
	if st == done {
		return f.give(framed{raw: line, pos: f.line, err: errors.New("not a JSON object")})
	}
	return f.give(framed{raw: line, pos: f.line, err: jsonError(line, n, st)})
}

// object takes a record, on one line or over several.
func (f *framer) object() error {
	var s scanner
	var text []byte
	pos, indent := f.line+1, f.indent
	for {
		line, long, err := f.readLine()
		if errors.Is(err, io.EOF) {
			return f.give(framed{raw: trimEnd(text), pos: pos, err: jsonError(nil, 0, more)})
		}
		if err != nil {
			return err
		}
		first := text == nil
		if long || len(text)+len(line) > MaxRecord {
			if err := f.give(framed{pos: pos, err: fmt.Errorf("the record is longer than %d bytes", MaxRecord)}); err != nil || first {
				return err
			}
			return f.resync(indent, "{[")
		}
		n, st := s.feed(line)
		if first {
			text = line
		} else if st == more || st == done {
			text = append(text, line...)
		}
		if st == more {
			continue
		}
		if st == done {
			rest := bytes.TrimLeft(line[n:], " \t\r\n")
			if len(rest) == 0 {
				return f.whole(trimEnd(text), s.keys, pos)
			}
			n, st = len(line)-len(rest), broken
		}
		wrong := jsonError(line, n, st)
		if !first {
			wrong = fmt.Errorf("line %d: %w", f.line, wrong)
		}
		if err := f.give(framed{raw: trimEnd(text), pos: pos, err: wrong}); err != nil || first {
			return err
		}
		if line[0] == '{' { // the record before it was cut
			f.held, f.line, f.indent = line, f.line-1, 0
			return nil
		}
		return f.resync(indent, "{[")
	}
}

// resync passes over the lines that remain of a broken record: up to one that begins as
// far in as the record did, with one of these bytes.
func (f *framer) resync(indent int, begins string) error {
	if indent > 256 {
		indent = 0
	}
	for {
		head, err := f.r.Peek(indent + 1)
		if len(head) == 0 {
			return err
		}
		if head = bytes.TrimLeft(head, " \t"); len(head) > 0 && strings.IndexByte(begins, head[0]) >= 0 {
			return nil
		}
		if err := f.skipLine(); err != nil {
			return err
		}
	}
}

func (f *framer) skipLine() error {
	for {
		_, err := f.r.ReadSlice('\n')
		if err == nil {
			f.line++
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// whole takes a sound value: a message, or an envelope of messages.
func (f *framer) whole(b []byte, k keys, pos int64) error {
	x := framed{raw: b, pos: pos, nth: f.inside, parse: f.parse, keys: k}
	if b[0] == '{' {
		x.keys |= keySound
	}
	if f.parse != nil {
		return f.give(x)
	}
	switch k.shape() {
	case shapeEnvelope:
		for _, key := range [...]string{"statuses", "results"} {
			if list := gjson.GetBytes(b, key); list.IsArray() {
				return f.members(list, nil)
			}
		}
	case shapeV2Answer:
		if list := gjson.GetBytes(b, "data"); list.IsArray() && len(list.Raw) > 2 {
			return f.members(list, newPage(b).parse)
		}
	}
	return f.give(x)
}

// members takes the records of an envelope or page. Each is copied, as they may outlive it.
func (f *framer) members(list gjson.Result, parse parser) (err error) {
	list.ForEach(func(_, v gjson.Result) bool {
		f.nth++
		err = f.give(framed{raw: []byte(v.Raw), pos: f.nth, nth: true, parse: parse})
		return err == nil
	})
	return err
}
