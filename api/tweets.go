package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/search"
	"birdwatch/tweet"
)

// lookupMost is how many tweets one look-up gives, as in X's API.
const lookupMost = 100

// one answers GET /2/tweets/:id.
func (s *Server) one(c echo.Context) error {
	if id := c.Param("id"); id == "ingest" || id == "import" { // paths of POST
		return fromEcho(echo.ErrMethodNotAllowed).with("Allow", "OPTIONS, POST")
	}
	p, err := parseParams(c.Request().URL.RawQuery, fieldParameters...)
	if err != nil {
		return err
	}
	sel, err := selectFields(p)
	if err != nil {
		return err
	}
	d, err := s.document(c)
	if err != nil {
		return err
	}
	var in includes
	out := sel.document([]byte(`{"data":`), d, &in)
	return c.JSONBlob(http.StatusOK, append(in.append(out), '}'))
}

// provenanceField is the field of ours that says where a tweet came from. Look-ups by id have it: it is not in what a search reads.
const provenanceField = "provenance"

// document is tweet for a stored document.
func (sel *selection) document(dst []byte, d *tweet.Document, in *includes) []byte {
	dst = sel.tweet(dst, d.Payload, nil, in)
	if !sel.fields[tweets][provenanceField] {
		return dst
	}
	shown := struct {
		From       string `json:"from,omitempty"`
		File       string `json:"file,omitempty"`
		Position   int64  `json:"position,omitempty"`
		CapturedAt string `json:"captured_at,omitempty"`
	}{From: d.Provenance.From, File: d.Provenance.File, Position: d.Provenance.Pos}
	if d.BodyAt > 0 {
		shown.CapturedAt = time.UnixMilli(d.BodyAt).UTC().Format(tweet.TimeLayout)
	}
	b, err := json.Marshal(shown)
	if err != nil { // it is of strings and numbers
		return dst
	}
	return append(append(append(dst[:len(dst)-1], `,"provenance":`...), b...), '}')
}

// document is the tweet of the path, with its content.
func (s *Server) document(c echo.Context) (*tweet.Document, error) {
	id, err := parseID("id", c.Param("id"))
	if err != nil {
		return nil, err
	}
	docs, err := s.Reader.Get(c.Request().Context(), id)
	switch {
	case err != nil:
		return nil, err
	case len(docs) == 0:
		return nil, notFound(id.String())
	case docs[0].Tombstone:
		return nil, search.ErrDeleted
	}
	return docs[0], nil
}

// lookup answers GET /2/tweets?ids=: what is not there is named in errors, beside the rest.
func (s *Server) lookup(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, append([]string{"ids"}, fieldParameters...)...)
	if err != nil {
		return err
	}
	sel, err := selectFields(p)
	if err != nil {
		return err
	}
	texts := list(p.get("ids"))
	if len(texts) == 0 || len(texts) > lookupMost {
		return invalid("ids", p.get("ids"), "[ids] takes from 1 to %d ids, with commas between them.", lookupMost)
	}
	ids := make([]tweet.ID, len(texts))
	for i, t := range texts {
		if ids[i], err = parseID("ids", strings.TrimSpace(t)); err != nil {
			return err
		}
	}
	docs, err := s.Reader.Get(c.Request().Context(), ids...)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, sel.found(ids, docs))
}

func (sel *selection) found(ids []tweet.ID, docs []*tweet.Document) []byte {
	there := map[tweet.ID]bool{}
	var in includes
	var data, missing []byte
	for _, d := range docs {
		if d.Tombstone || there[d.ID] {
			continue
		}
		there[d.ID] = true
		if len(data) > 0 {
			data = append(data, ',')
		}
		data = sel.document(data, d, &in)
	}
	for _, id := range ids {
		if there[id] {
			continue
		}
		there[id] = true // named once
		if len(missing) > 0 {
			missing = append(missing, ',')
		}
		missing = fmt.Appendf(missing, `{"resource_id":"%d","resource_type":"tweet","parameter":"ids","value":"%d","title":"Not Found Error","detail":"Could not find tweet with ids: [%d].","type":"%sresource-not-found"}`, id, id, id, problemTypes)
	}
	out := []byte("{")
	if len(data) > 0 {
		out = append(append(append(out, `"data":[`...), data...), ']')
		out = in.append(out)
	}
	if len(missing) > 0 {
		if len(data) > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `"errors":[`...), missing...), ']')
	}
	return append(out, '}')
}

// raw answers GET /2/tweets/:id/raw: the bytes as they came.
func (s *Server) raw(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	d, err := s.document(c)
	if err != nil {
		return err
	}
	if d.RawCut || len(d.Raw) == 0 {
		return problem(http.StatusGone, "The original bytes are gone: they held another tweet that was deleted, or a place that was withdrawn.")
	}
	h := c.Response().Header()
	if d.BodyAt > 0 {
		h.Set("X-Captured-At", time.UnixMilli(d.BodyAt).UTC().Format(tweet.TimeLayout))
	}
	for name, value := range map[string]string{"X-Provenance-From": d.Provenance.From, "X-Provenance-File": d.Provenance.File} {
		if value != "" {
			h.Set(name, strconv.QuoteToASCII(value))
		}
	}
	if d.Provenance.Pos > 0 {
		h.Set("X-Provenance-Pos", strconv.FormatInt(d.Provenance.Pos, 10))
	}
	if !json.Valid(d.Raw) { // a row of a CSV, say: not for a browser to guess at
		return c.Blob(http.StatusOK, echo.MIMEOctetStream, d.Raw)
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, d.Raw)
}

// remove answers DELETE /2/tweets/:id.
func (s *Server) remove(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	id, err := parseID("id", c.Param("id"))
	if err != nil {
		return err
	}
	if _, err := s.Intake.Delete(c.Request().Context(), []tweet.ID{id}, ""); err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, []byte(`{"data":{"deleted":true}}`))
}
