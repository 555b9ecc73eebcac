package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"

	"birdwatch/tweet"
)

// maxRow bounds a row of a table, in bytes. A quote that is opened and never closed costs its own line only.
const maxRow = 1 << 20

// table takes the rows of a table; each is a record, as it stands, without its line end.
func (b *batcher) table(in *bufio.Reader, rd *reading, emit func(framed) bool) (int64, error) {
	skipMark(in)
	f := &rowFramer{framer: framer{r: in, emit: emit}}
	first, pos, err := f.row(0)
	if err != nil {
		return f.line, err
	}
	t := newTable(first, &b.o)
	if t == nil || !t.has(fieldID) && !t.has(fieldURL) {
		emit(framed{raw: first, pos: pos, err: fmt.Errorf("no column has the id or the address of the tweets: a map of columns to fields would say which; the columns are %s", short(string(first), 200))})
		return f.line, nil
	}
	rows := rowParser{t: t, charset: charsetOf(b.o.Charset)}
	rd.parse = rows.parse
	give := func(row []byte, pos int64) bool {
		if !t.has(fieldText) && !t.nested {
			return emit(framed{raw: row, pos: pos, refer: rows.reference})
		}
		return emit(framed{raw: row, pos: pos, parse: rows.parse})
	}
	if t.plain && !give(first, pos) {
		return f.line, nil
	}
	for {
		row, pos, err := f.row(t.comma)
		switch {
		case errors.Is(err, errRow):
			if !emit(framed{raw: row, pos: pos, err: err}) {
				return f.line, nil
			}
		case err != nil:
			return f.line, err
		case len(bytes.TrimSpace(row)) > 0 && !give(row, pos):
			return f.line, nil
		}
	}
}

var errRow = fmt.Errorf("a quote is opened and not closed within %d bytes", maxRow)

// rowFramer parts a table into rows, which may go over several lines inside quotes.
type rowFramer struct {
	framer
	again []byte // lines to be read once more
}

// row gives the next row, and the line where it begins. comma is 0 for the first, where it is not known yet.
func (f *rowFramer) row(comma byte) (row []byte, pos int64, err error) {
	pos = f.line + 1
	var q quotes
	for {
		line, long, err := f.nextLine()
		switch {
		case long:
			return nil, f.line, fmt.Errorf("%w: the line is too long", errRow)
		case err != nil && len(row) > 0: // never closed
			return f.only(row, pos)
		case err != nil:
			return nil, pos, err
		}
		row = append(row, line...)
		if q.over(line, comma); !q.open {
			return trimEnd(row), pos, nil
		}
		if len(row) > maxRow {
			return f.only(row, pos)
		}
	}
}

// only gives up the first line of a row, and puts the others back.
func (f *rowFramer) only(row []byte, pos int64) ([]byte, int64, error) {
	n := bytes.IndexByte(row, '\n') + 1
	if n == 0 {
		n = len(row)
	}
	f.again, f.line = append(row[n:len(row):len(row)], f.again...), pos
	return trimEnd(bytes.Clone(row[:n])), pos, errRow
}

func (f *rowFramer) nextLine() (line []byte, long bool, err error) {
	if len(f.again) == 0 {
		return f.readLine()
	}
	n := bytes.IndexByte(f.again, '\n') + 1
	if n == 0 {
		n = len(f.again)
		rest, _, err := f.readLine() // the line goes on in what was not read yet
		if err == nil {
			f.line--
			f.again = append(f.again, rest...)
			n = len(f.again)
		}
	}
	line, f.again = f.again[:n:n], f.again[n:]
	f.line++
	return line, false, nil
}

// quotes tells whether a row is inside a quoted value, over the pieces of it.
type quotes struct{ open, begun bool }

func (q *quotes) over(line []byte, comma byte) {
	if !q.begun && !q.open && bytes.IndexByte(line, '"') < 0 {
		return
	}
	q.begun = true
	start := !q.open // of a value
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case q.open && c == '"':
			if i+1 < len(line) && line[i+1] == '"' {
				i++
				continue
			}
			// Inside a value a lone quote stands for itself, unless the value ends behind it.
			if i+1 == len(line) || line[i+1] == '\n' || line[i+1] == '\r' || isComma(line[i+1], comma) {
				q.open = false
			}
		case q.open:
		case c == '"' && start:
			q.open = true
		default:
			start = isComma(c, comma)
		}
	}
}

func isComma(c, comma byte) bool {
	return c == comma || comma == 0 && (c == ',' || c == ';' || c == '\t' || c == '|')
}

func charsetOf(name string) encoding.Encoding {
	if name != "" {
		if e, err := htmlindex.Get(name); err == nil {
			return e
		}
	}
	return charmap.Windows1252
}

// decodeText makes a value valid UTF-8, out of the encoding that it is taken to be in.
func decodeText(s string, charset encoding.Encoding) string {
	if utf8.ValidString(s) {
		return s
	}
	if mended, ok := mendMac(s); ok {
		return mended
	}
	out, err := charset.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return out
}

// mendMac undoes what an old spreadsheet does to UTF-8: it takes the bytes for windows-1252 and writes those characters in the Mac's
// encoding. It is certain where what comes out is UTF-8, which no other text would give by chance.
func mendMac(s string) (string, bool) {
	text, err := charmap.Macintosh.NewDecoder().String(s)
	if err != nil {
		return "", false
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		c, ok := charmap.Windows1252.EncodeRune(r)
		switch {
		case r == 'ù': // 0x9D, which windows-1252 does not have, was left as it is; 0xF9 is never in UTF-8
			out = append(out, 0x9D)
		case ok:
			out = append(out, c)
		default:
			return "", false
		}
	}
	return string(out), utf8.Valid(out)
}

// rowParser makes records of rows.
type rowParser struct {
	t       *table
	charset encoding.Encoding
}

func (p *rowParser) parse(raw []byte, from tweet.Provenance, at int64) ([]tweet.Record, *Control, error) {
	v, err := p.values(raw)
	if err != nil {
		return nil, nil, err
	}
	if p.t.nested {
		return p.nested(v, raw, from, at)
	}
	r, err := v.record(at)
	if err != nil {
		return nil, nil, err
	}
	r.Raw, r.Provenance = raw, from
	return []tweet.Record{r}, nil, nil
}

// row is one row, by its table's columns.
type row struct {
	t      *table
	values []string
}

func (p *rowParser) values(raw []byte) (row, error) {
	values, err := splitRow(string(raw), p.t.comma)
	if err != nil {
		return row{}, fmt.Errorf("not a row of a table: %w", err)
	}
	if len(values) != len(p.t.names) && !p.t.plain {
		return row{}, fmt.Errorf("the row has %d values, the table has %d columns", len(values), len(p.t.names))
	}
	for i, v := range values {
		values[i] = clean(decodeText(v, p.charset))
	}
	return row{p.t, values}, nil
}

// of is the value of a field; "" for none, in any of the ways that programs write none.
func (r row) of(field string) string {
	i, ok := r.t.at[field]
	if !ok || i >= len(r.values) {
		return ""
	}
	switch v := r.values[i]; v {
	case "NA", "NaN", "nan", "None", "null", "NULL":
		if field != fieldText {
			return ""
		}
		return v
	default:
		return v
	}
}
