package format

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"

	"birdwatch/tweet"
)

// sniffed bounds how much of a text is looked at to tell what it is.
const sniffed = 64 << 10

// The names of Options.Format.
const (
	formatJSON   = "json"
	formatCSV    = "csv"
	formatIDs    = "ids"
	formatExport = "export"
)

// guess tells the format by the first bytes of a text. sure is false while more of them might say otherwise.
func guess(head []byte, o *Options) (format string, sure bool) {
	b := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if len(b) == 0 { // a stream's keep-alives
		return formatJSON, false
	}
	if b[0] == '{' || b[0] == '[' {
		return formatJSON, true
	}
	first, rest, whole := bytes.Cut(b, []byte("\n"))
	if assignment.Match(b) {
		return formatExport, true
	}
	if isReference(first) {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		switch {
		case len(rest) == 0:
			return formatIDs, false
		case rest[0] == '{' || rest[0] == '[': // the length of a message
			return formatJSON, true
		}
		return formatIDs, true
	}
	if !whole {
		return guessTable(first, o), false
	}
	if f := guessTable(first, o); f != "" {
		return f, true
	}
	if recordLine.Match(rest) {
		return formatJSON, true
	}
	return "", false
}

// recordLine is a line that begins a record, behind others that do not.
var recordLine = regexp.MustCompile(`(?m)^[ \t]*(?:\{[ \t]*"|\[[ \t]*\{)`)

// guessTable is the format of a table by its first line; "" for none.
func guessTable(first []byte, o *Options) string {
	if t := newTable(bytes.TrimRight(first, "\r"), o); t != nil {
		return formatCSV
	}
	return ""
}

// formatOf looks at as much of a text as it takes.
func formatOf(in *bufio.Reader, o *Options) (format string, first []byte) {
	n := 1
	for {
		head, err := in.Peek(n)
		if len(head) < in.Buffered() {
			head, _ = in.Peek(min(in.Buffered(), sniffed))
		}
		format, sure := guess(head, o)
		if sure || err != nil || len(head) >= sniffed {
			first, _, _ = bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
			return format, first
		}
		n = len(head) + 1
	}
}

// reading is what the records of one text have in common.
type reading struct {
	parse parser            // of every record; nil: Parse
	wide  encoding.Encoding // of the text as it is stored, where that is no UTF-8
	at    int64             // when the file was written, by what lies beside it; 0 unknown
	grab  int64             // the minute of a stream that the file holds, by its name; 0: none
}

// text takes all records of a text, in whatever format it is.
func (b *batcher) text(at site, in *bufio.Reader) {
	rd := &reading{grab: grabTime(at.path)}
	if head, _ := in.Peek(4); utf16Of(head) != nil {
		rd.wide = utf16Of(head)
		in = bufio.NewReaderSize(rd.wide.NewDecoder().Reader(in), 128<<10)
	}
	format, first := b.o.Format, []byte(nil)
	if found, line := formatOf(in, &b.o); format == "" {
		format, first = found, line
	}
	var line int64
	var err error
	emit := func(x framed) bool {
		x.of = rd
		return b.add(at.name, x)
	}
	switch format {
	case formatJSON:
		if b.besides(at, rd, emit) {
			line, err = frame(in, rd.parse, emit)
		}
	case formatExport:
		line, err = b.export(at, in, rd, emit)
	case formatCSV:
		line, err = b.table(in, rd, emit)
	case formatIDs:
		line, err = references(in, emit)
	default:
		if len(first) == 0 || b.ctx.Err() != nil {
			_, err = in.ReadByte() // its error, if it has one
			break
		}
		if at.base() == "query" && at.folder.find("data_") != "" { // what a store was searched for
			emit(framed{parse: passedOver("query", string(first))})
			return
		}
		emit(framed{raw: bytes.Clone(first), pos: 1, err: fmt.Errorf("neither JSON nor a table with tweets nor a list of ids nor an export: it begins with %q", short(string(first), 40))})
	}
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() == nil {
		b.add(at.name, framed{pos: line, err: fmt.Errorf("after line %d: %w", line, plain(err))})
	}
}

// passedOver makes a record that is only counted.
func passedOver(name, detail string) parser {
	c := &Control{Name: name, Detail: short(detail, maxDetail)}
	return func([]byte, tweet.Provenance, int64) ([]tweet.Record, *Control, error) { return nil, c, nil }
}

// utf16Of is the encoding of a text that is UTF-16, by its mark or by a first character that is ASCII; else nil.
func utf16Of(head []byte) encoding.Encoding {
	if len(head) < 4 {
		return nil
	}
	ascii := func(c byte) bool { return ' ' <= c && c < 0x7F }
	switch {
	case head[0] == 0xFF && head[1] == 0xFE:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case head[0] == 0xFE && head[1] == 0xFF:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case ascii(head[0]) && head[1] == 0 && ascii(head[2]) && head[3] == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case head[0] == 0 && ascii(head[1]) && head[2] == 0 && ascii(head[3]):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// grabNames are how grabs of the stream are named, a file a minute: 2011/09/28/02/35.json.bz2, twitter_stream_2019_07_03.tar/06/29.json.bz2,
// 20190703063900.json.gz. A path may hold the day twice.
var grabNames = [...]*regexp.Regexp{
	regexp.MustCompile(`(?:^|\D)(20\d\d)[/_-](\d\d)[/_-](\d\d)(?:\.[a-z]+)?/(?:(?:20\d\d/)?(?:\d\d/)?\d\d/)?(\d\d)/(\d\d)\.json(?:\.\w+)?$`),
	regexp.MustCompile(`(?:^|/)(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d\d\.json(?:\.\w+)?$`),
}

// grabTime is the minute that a file's name tells; 0 for none.
func grabTime(path string) int64 {
	for _, e := range grabNames {
		if m := e.FindStringSubmatch(path); m != nil {
			if at, err := time.Parse("200601021504", strings.Join(m[1:], "")); err == nil {
				return at.UnixMilli()
			}
		}
	}
	return 0
}

// finish gives the bytes back as they are stored, and records that tell no time of their own the one that is known of
// their file. A tweet of a grab was captured when it was made.
func (rd *reading) finish(it *Item, o *Options) {
	if rd != nil && rd.wide != nil {
		it.Raw = narrowed(it.Raw, rd.wide)
		for i := range it.Records {
			it.Records[i].Raw = narrowed(it.Records[i].Raw, rd.wide)
		}
	}
	for i := range it.Records {
		r := &it.Records[i]
		if r.CapturedAt != 0 {
			continue
		}
		switch r.CapturedAt = o.CapturedAt; {
		case rd == nil:
		case rd.at != 0:
			r.CapturedAt = rd.at
		case rd.grab != 0:
			r.CapturedAt = rd.grab
			if r.Tweet != nil {
				if made := r.Tweet.Data.Time(); made > rd.grab-grabSlack && made < rd.grab+grabSlack {
					r.CapturedAt = made
				}
			}
		}
	}
}

// narrowed is the text as the file has it: what decoding took away is put back, the mark of the encoding apart.
func narrowed(text []byte, wide encoding.Encoding) []byte {
	if len(text) == 0 {
		return text
	}
	b, err := wide.NewEncoder().Bytes(text)
	if err != nil {
		return text
	}
	if wide == unicode.UTF16(unicode.LittleEndian, unicode.UseBOM) || wide == unicode.UTF16(unicode.BigEndian, unicode.UseBOM) {
		b = b[2:]
	}
	return b
}

// grabSlack is how far a tweet of a grab may lie from its file's minute: the zone of the name is never in doubt.
const grabSlack = 10 * 60 * 1000
