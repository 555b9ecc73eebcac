package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"birdwatch/query"
	"birdwatch/search"
	"birdwatch/tweet"
)

// exportFormat is how an export is written.
type exportFormat struct {
	mime, suffix string
	first        []byte                                 // before all rows
	rows         exportRows                             // nil where raw is set
	raw          bool                                   // the original bytes
	last         func(*exportMeta) []byte               // behind all rows; nil where the format has no room for it
	failed       func(p *Problem, m *exportMeta) []byte // instead of last
}

// exportFormat reads the parameters that say what is written.
func (p params) exportFormat() (f exportFormat, err error) {
	format, err := p.choice("format", "jsonl", "csv", "ids")
	if err != nil {
		return f, err
	}
	content, err := p.choice("content", "payload", "raw")
	if err != nil {
		return f, err
	}
	sel, err := selectFields(p)
	if err != nil {
		return f, err
	}
	selected := slices.ContainsFunc(fieldParameters, p.has)
	for _, bad := range []struct {
		given     bool
		name, why string
	}{
		{content == "raw" && format != "jsonl", "content", "The original bytes come with format=jsonl only."},
		{content == "raw" && selected, "content", "The original bytes come whole: no fields can be selected."},
		{format != "jsonl" && selected, "format", "Fields are selected with format=jsonl only; a CSV has [columns]."},
		{format != "csv" && p.has("columns"), "columns", "Only a CSV has [columns]."},
		{format != "csv" && p.has("header"), "header", "Only a CSV has a [header]."},
	} {
		if bad.given {
			return f, invalid(bad.name, p.get(bad.name), "%s", bad.why)
		}
	}
	switch {
	case format == "csv":
		return p.csvFormat()
	case format == "ids":
		return exportFormat{mime: "text/plain; charset=utf-8", suffix: "txt", rows: idRows}, nil
	}
	f = exportFormat{mime: "application/x-ndjson", suffix: "jsonl", rows: payloadRows, raw: content == "raw", last: (*exportMeta).line, failed: failedLine}
	if selected {
		f.rows = sel.rows
	}
	return f, nil
}

func idRows(hits []search.Hit, _ query.Expr) (rows []byte, _ error) {
	for _, h := range hits {
		rows = append(strconv.AppendInt(rows, int64(h.ID), 10), '\n')
	}
	return rows, nil
}

// payloadRows are the payloads as the archive has them: all there is, which can be taken in elsewhere.
func payloadRows(hits []search.Hit, _ query.Expr) (rows []byte, _ error) {
	for _, h := range hits {
		rows = append(append(rows, h.Payload...), '\n')
	}
	return rows, nil
}

func (sel *selection) rows(hits []search.Hit, of query.Expr) (rows []byte, _ error) {
	for _, h := range hits {
		rows = append(append(append(rows, '{'), sel.line(h.Payload, of)...), "}\n"...)
	}
	return rows, nil
}

// oneLine puts blanks for line ends, which JSON has between its parts only.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// rawLine is a document's original bytes as a line of JSON. What is no JSON, such as a row of a CSV, comes in base64.
func rawLine(dst []byte, d *tweet.Document) []byte {
	switch {
	case !json.Valid(d.Raw):
		dst = fmt.Appendf(dst, `{"id":"%d","raw_base64":"`, d.ID)
		return append(base64.StdEncoding.AppendEncode(dst, d.Raw), `"}`...)
	case bytes.ContainsAny(d.Raw, "\r\n"):
		return append(dst, oneLine.Replace(string(d.Raw))...)
	}
	return append(dst, d.Raw...)
}

// The names under which head or trailers tell what an export held.
const (
	headCount  = "X-Result-Count"
	headOut    = "X-Left-Out"
	headNewest = "X-Newest-Id"
	headOldest = "X-Oldest-Id"
	headMore   = "X-More"
	trailers   = headCount + ", " + headOut + ", " + headNewest + ", " + headOldest + ", " + headMore
)

// tell puts the figures into head or trailers.
func (m *exportMeta) tell(h http.Header) {
	h.Set(headCount, strconv.Itoa(m.Count))
	h.Set(headOut, strconv.Itoa(m.Out))
	h.Set(headMore, strconv.FormatBool(m.More))
	if m.Newest != 0 {
		h.Set(headNewest, m.Newest.String())
		h.Set(headOldest, m.Oldest.String())
	}
}

// line is the last line of what is whole.
func (m *exportMeta) line() []byte { return append(m.append([]byte("{"), true), "}\n"...) }

func (m *exportMeta) append(dst []byte, complete bool) []byte {
	dst = fmt.Appendf(dst, `"meta":{"complete":%t,"result_count":%d,"left_out":%d,"more":%t`, complete, m.Count, m.Out, m.More)
	if m.Newest != 0 {
		dst = fmt.Appendf(dst, `,"newest_id":"%d","oldest_id":"%d"`, m.Newest, m.Oldest)
	}
	return append(dst, '}')
}

// failedLine is the last line of what is not.
func failedLine(p *Problem, m *exportMeta) []byte {
	b, err := encodeJSON(p)
	if err != nil {
		panic(err) // numbers and strings can always be written
	}
	dst := append(append([]byte(`{"errors":[`), b...), "],"...)
	return append(m.append(dst, false), "}\n"...)
}
