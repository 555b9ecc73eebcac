package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"
)

// MaxRecord bounds one record, in bytes: a tweet has some thousands.
const MaxRecord = 8 << 20

// framed is one record's bytes, or what stands in its place.
type framed struct {
	raw []byte // its own memory
	pos int64  // line; in arrays and envelopes the number of the record
	err error
}

// framer parts a stream into records: JSON lines, with or without v1.1's length lines; objects over several lines; arrays;
// search envelopes.
type framer struct {
	r    *bufio.Reader
	line int64
	held []byte // a line that was read and not used
	emit func(framed) bool
	nth  int64 // records of arrays and envelopes so far
}

var errStop = errors.New("stopped")

// frame gives all records of r to emit until it returns false. The error is one of reading.
func frame(r io.Reader, emit func(framed) bool) error {
	f := &framer{r: bufio.NewReaderSize(r, 256<<10), emit: emit}
	err := f.run()
	if errors.Is(err, errStop) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (f *framer) run() error {
	if bom, err := f.r.Peek(3); err == nil && string(bom) == "\xEF\xBB\xBF" {
		_, _ = f.r.Discard(3)
	}
	for {
		line, long, err := f.readLine()
		if len(line) == 0 && err != nil {
			return err
		}
		trimmed := bytes.TrimSpace(line)
		switch {
		case long:
			if err := f.give(framed{pos: f.line, err: fmt.Errorf("the line is longer than %d bytes", MaxRecord)}); err != nil {
				return err
			}
		case len(trimmed) == 0 || digits(trimmed): // keep-alive, or the length of the next message
		case trimmed[0] == '[':
			if err := f.array(line); err != nil {
				return err
			}
		default:
			if err := f.object(line); err != nil {
				return err
			}
		}
	}
}

func (f *framer) give(x framed) error {
	if !f.emit(x) {
		return errStop
	}
	return nil
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// readLine gives the next line without its end; long says that it was too long and is not given. The bytes
// are the caller's.
func (f *framer) readLine() (line []byte, long bool, err error) {
	if f.held != nil {
		line, f.held = f.held, nil
		f.line++
		return line, false, nil
	}
	f.line++
	for {
		part, err := f.r.ReadSlice('\n')
		if !long {
			if line = append(line, part...); len(line) > MaxRecord {
				line, long = nil, true
			}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if err != nil && len(line) > 0 && errors.Is(err, io.EOF) {
			err = nil
		}
		return line, long, err
	}
}

// object takes a record that begins with this line and may go on over further ones.
func (f *framer) object(line []byte) error {
	start := f.line
	if json.Valid(line) {
		return f.whole(line, start)
	}
	var n nesting
	if bytes.TrimSpace(line)[0] != '{' || !n.open(line) {
		return f.give(framed{raw: line, pos: start, err: jsonError(line)})
	}
	text := line
	for {
		next, long, err := f.readLine()
		if err != nil && len(next) == 0 {
			if !errors.Is(err, io.EOF) {
				return err
			}
			if err := f.give(framed{raw: line, pos: start, err: jsonError(text)}); err != nil {
				return err
			}
			return io.EOF
		}
		// A line that is a message by itself means that the one before it was cut.
		if !long && len(next) > 0 && next[0] == '{' && json.Valid(next) {
			if err := f.give(framed{raw: line, pos: start, err: jsonError(line)}); err != nil {
				return err
			}
			f.held, f.line = next, f.line-1
			return nil
		}
		if long || len(text)+len(next) > MaxRecord {
			return f.give(framed{raw: line, pos: start, err: fmt.Errorf("the record is longer than %d bytes", MaxRecord)})
		}
		text = append(append(text, '\n'), next...)
		if !n.open(next) {
			if text = bytes.TrimSpace(text); json.Valid(text) {
				return f.whole(text, start)
			}
			return f.give(framed{raw: line, pos: start, err: jsonError(text)})
		}
	}
}

// nesting follows brackets and strings over the pieces of a text.
type nesting struct {
	depth    int
	inString bool
}

// open takes the next piece and reports whether the text so far wants more: a bracket or a string is not closed.
func (n *nesting) open(b []byte) bool {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case n.inString && c == '\\':
			i++
		case c == '"':
			n.inString = !n.inString
		case n.inString:
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			n.depth--
		}
	}
	return n.depth > 0 || n.inString
}

func jsonError(b []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(b, &v)
	if err == nil {
		err = errors.New("more than one value")
	}
	return fmt.Errorf("not JSON: %w", err)
}

// envelopes are the keys under which search answers hold their tweets.
var envelopes = []string{"statuses", "results"}

// whole takes a sound value: a message, or an envelope of messages.
func (f *framer) whole(b []byte, line int64) error {
	for _, key := range envelopes {
		list := gjson.GetBytes(b, key)
		if !list.IsArray() || gjson.GetBytes(b, "id_str").Exists() {
			continue
		}
		var err error
		list.ForEach(func(_, v gjson.Result) bool {
			f.nth++
			err = f.give(framed{raw: []byte(v.Raw), pos: f.nth})
			return err == nil
		})
		return err
	}
	return f.give(framed{raw: b, pos: line})
}

// array takes the elements of an array one by one, so that its length does not matter. The line is its beginning.
func (f *framer) array(line []byte) error {
	rest := io.MultiReader(bytes.NewReader(line[bytes.IndexByte(line, '[')+1:]), bytes.NewReader([]byte("\n")), f.r)
	d := &elements{r: bufio.NewReaderSize(rest, 64<<10)}
	for {
		raw, err := d.next()
		if errors.Is(err, errArrayEnd) {
			f.r = d.r
			return nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the array is cut off")
			}
			if err := f.give(framed{pos: f.nth + 1, err: err}); err != nil {
				return err
			}
			return io.EOF
		}
		f.nth++
		x := framed{raw: raw, pos: f.nth}
		if !json.Valid(raw) {
			x.err = jsonError(raw)
		}
		if x.err != nil {
			err = f.give(x)
		} else {
			err = f.whole(raw, f.nth)
		}
		if err != nil {
			return err
		}
	}
}

var errArrayEnd = errors.New("end of array")

// elements reads what stands between the brackets of an array.
type elements struct{ r *bufio.Reader }

// next gives an element's exact bytes.
func (d *elements) next() ([]byte, error) {
	var raw []byte
	depth, inString := 0, false
	for {
		c, err := d.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if depth == 0 && !inString {
			switch {
			case c == ']' && len(raw) == 0:
				return nil, errArrayEnd
			case c == ']':
				return bytes.TrimSpace(raw), d.r.UnreadByte()
			case c == ',' && len(raw) > 0:
				return bytes.TrimSpace(raw), nil
			case c == ',' || len(raw) == 0 && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
				continue
			}
		}
		if raw = append(raw, c); len(raw) > MaxRecord {
			return nil, fmt.Errorf("an element of the array is longer than %d bytes", MaxRecord)
		}
		switch {
		case inString && c == '\\':
			if c, err = d.r.ReadByte(); err != nil {
				return nil, err
			}
			raw = append(raw, c)
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
}
