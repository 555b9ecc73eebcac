package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// framer cuts a stream into messages. A message ends with "\r\n"; or with "\n" alone where its JSON is
// complete, or cannot become so (a line break inside a string): between the tokens of a message a bare
// "\n" is a blank. The borders of chunks and reads mean nothing.
type framer struct {
	r       io.Reader
	most    int // bytes in a message
	buf     []byte
	start   int // of the message, in buf
	scanned int // no line end before it
	nest    nesting
}

var errTooLong = errors.New("a message is longer than allowed")

// fill reads once. The buffer grows while a message does.
func (f *framer) fill() error {
	if f.start > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.start:])]
		f.scanned -= f.start
		f.start = 0
	}
	if len(f.buf) > f.most {
		return errTooLong
	}
	if cap(f.buf)-len(f.buf) < readSize/2 {
		f.buf = append(make([]byte, 0, 2*len(f.buf)+readSize), f.buf...)
	}
	n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	return err
}

// next gives the next message that is whole, without its end; empty for a keep-alive. The bytes are
// valid until fill.
func (f *framer) next() ([]byte, bool) {
	for {
		i := bytes.IndexByte(f.buf[f.scanned:], '\n')
		if i < 0 {
			f.scanned = len(f.buf)
			return nil, false
		}
		end := f.scanned + i
		f.scanned = end + 1
		line, crlf := bytes.CutSuffix(f.buf[f.start:end], []byte("\r"))
		if !crlf && object(line) && f.nest.inside(line) {
			continue
		}
		f.start, f.nest = f.scanned, nesting{}
		if len(bytes.TrimSpace(line)) == 0 {
			line = nil
		}
		return line, true
	}
}

// empty reports whether no part of a message waits for the rest of it.
func (f *framer) empty() bool { return f.start == len(f.buf) }

// rest is what stands after the last line end when the stream is over, and whether it is a whole
// message that lacks only its end.
func (f *framer) rest() ([]byte, bool) {
	line := bytes.TrimRight(f.buf[f.start:], "\r\n")
	return line, object(line) && json.Valid(line)
}

// object tells what may be JSON from noise, which ends with its line.
func object(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}

// nesting follows a message's JSON as far as it has come.
type nesting struct {
	at       int
	depth    int
	inString bool
	escaped  bool
}

// inside takes in b, the message so far, and says whether a line break after it is inside the
// message. Each byte is looked at once, however many breaks there are.
func (n *nesting) inside(b []byte) bool {
	for ; n.at < len(b); n.at++ {
		c := b[n.at]
		switch {
		case n.escaped:
			n.escaped = false
		case n.inString:
			n.escaped, n.inString = c == '\\', c != '"'
		case c == '"':
			n.inString = true
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			n.depth--
		}
	}
	return n.depth > 0 && !n.inString
}
