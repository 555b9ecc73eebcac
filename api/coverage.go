package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/tweet"
)

// Coverage is the account of when the archive listened to what, and what it missed. cmd fills it.
type Coverage interface {
	// Spans gives spans by their beginning, then id.
	Spans(ctx context.Context, r CoverageRequest) ([]CoverageSpan, error)
	// Imported writes an import that a client made into the account.
	Imported(ctx context.Context, i CoverageImport) error
}

// CoverageRequest selects spans that touch a stretch of time; zero values select all.
type CoverageRequest struct {
	Start, End time.Time
	Source     string
	Kinds      []string
	AfterTime  int64 // Unix milliseconds and id of the span behind which the page begins
	AfterID    int64
	Limit      int
	Neighbors  bool // with the tweets around gaps
}

// CoverageSpan is a stretch of time, as GET /2/coverage gives it.
type CoverageSpan struct {
	ID     int64  `json:"id,string"`
	Source string `json:"source"`
	Kind   string `json:"kind"`
	Start  string `json:"start"`
	End    string `json:"end,omitempty"`
	// Open says that it lasts still; Seen is then up to when nothing is missing.
	Open     bool             `json:"open,omitempty"`
	Seen     string           `json:"seen,omitempty"`
	Cause    string           `json:"cause,omitempty"`
	Note     string           `json:"note,omitempty"`
	Count    int64            `json:"count"`
	Refusals map[string]int64 `json:"refusals,omitempty"`
	Asked    string           `json:"asked,omitempty"`
	File     *CoverageFile    `json:"file,omitempty"`
	FilledBy *CoverageFill    `json:"filled_by,omitempty"`
	Before   []string         `json:"before,omitempty"`
	After    []string         `json:"after,omitempty"`
}

// CoverageFile is the file of an import.
type CoverageFile struct {
	Run        string   `json:"run"`
	Name       string   `json:"name"`
	SHA256     string   `json:"sha256"`
	ImportedAt string   `json:"imported_at"`
	OldestID   tweet.ID `json:"oldest_id,omitempty,string"`
	NewestID   tweet.ID `json:"newest_id,omitempty,string"`
	Bad        int64    `json:"bad,omitempty"`
}

// CoverageFill is what closed a gap.
type CoverageFill struct {
	By       string `json:"by"`
	Span     int64  `json:"span,string"`
	Count    int64  `json:"count"`
	Evidence string `json:"evidence"`
}

// CoverageImport is the body of POST /2/coverage/imports.
type CoverageImport struct {
	Files  []CoverageSpan `json:"files"`
	Filled []CoverageSpan `json:"filled"`
}

// CoveragePage is what GET /2/coverage answers.
type CoveragePage struct {
	Data []CoverageSpan `json:"data"`
	Meta struct {
		ResultCount int    `json:"result_count"`
		NextToken   string `json:"next_token,omitempty"`
	} `json:"meta"`
}

const coverageMost = 1000

var (
	coverageParameters = []string{"start_time", "end_time", "source", "kinds", "neighbors", "max_results", "next_token"}
	coverageKinds      = []string{"connected", "gap", "limit", "warning", "damage", "backfill", "import"}
)

// coverage answers GET /2/coverage, the oldest span first.
func (s *Server) coverage(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, coverageParameters...)
	if err != nil {
		return err
	}
	r := CoverageRequest{Source: p.get("source")}
	if r.Start, r.End, err = p.span(); err != nil {
		return err
	}
	if r.Limit, err = p.number("max_results", 1, coverageMost, 500); err != nil {
		return err
	}
	if p.has("kinds") {
		r.Kinds = strings.Split(p.get("kinds"), ",")
	}
	for _, k := range r.Kinds {
		if !slices.Contains(coverageKinds, k) {
			return invalid("kinds", k, "The value of [kinds] must list some of: %s.", strings.Join(coverageKinds, ", "))
		}
	}
	if r.Neighbors, err = p.flag("neighbors"); err != nil {
		return err
	}
	if p.has("next_token") {
		at, id, _ := strings.Cut(p.get("next_token"), "-")
		var errs [2]error
		r.AfterTime, errs[0] = strconv.ParseInt(at, 10, 64)
		r.AfterID, errs[1] = strconv.ParseInt(id, 10, 64)
		if errs[0] != nil || errs[1] != nil {
			return invalid("next_token", p.get("next_token"), "The value of [next_token] is not one that was given out.")
		}
	}
	n := r.Limit
	r.Limit++
	spans, err := s.Coverage.Spans(c.Request().Context(), r)
	if err != nil {
		return err
	}
	var page CoveragePage
	if len(spans) > n {
		spans = spans[:n]
		at, _ := time.Parse(tweet.TimeLayout, spans[n-1].Start)
		page.Meta.NextToken = strconv.FormatInt(at.UnixMilli(), 10) + "-" + strconv.FormatInt(spans[n-1].ID, 10)
	}
	page.Data = append([]CoverageSpan{}, spans...)
	page.Meta.ResultCount = len(spans)
	return writeJSON(c, http.StatusOK, page)
}

// imported answers POST /2/coverage/imports: what a client that imported through this server says of its files.
func (s *Server) imported(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	var i CoverageImport
	d := json.NewDecoder(http.MaxBytesReader(c.Response(), c.Request().Body, s.config.MaxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&i); err != nil {
		return invalid("", "", `The body must be {"files":[…],"filled":[…]} with spans as GET /2/coverage gives them.`).because(err)
	}
	if err := s.Coverage.Imported(c.Request().Context(), i); err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": map[string]int{"files": len(i.Files), "filled": len(i.Filled)}})
}
