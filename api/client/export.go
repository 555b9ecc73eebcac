package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// FacetValue is a value with the number of matches that have it, and the query that finds them ("" where none can be written).
type FacetValue struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
	Query string `json:"query"`
}

// Facets are the most frequent values of matches, by the facets' names.
type Facets struct {
	Data map[string][]FacetValue `json:"data"`
	Meta struct {
		Bound    int    `json:"bound"`  // over how many of the newest matches they are counted at most
		Tweets   int    `json:"tweets"` // over how many they were
		More     bool   `json:"more"`   // whether there are others
		OldestID string `json:"oldest_id"`
	} `json:"meta"`
}

// Facets counts the values of a query's matches; q has query, and may have facets, limit and the bounds of a search.
func (c *Client) Facets(ctx context.Context, q url.Values) (*Facets, error) {
	f := new(Facets)
	return f, c.get(ctx, "/2/tweets/search/facets", q, f)
}

// Exported says what Export wrote.
type Exported struct {
	Count   int    // tweets written
	LeftOut int    // whose original bytes are gone
	Last    string // id of the last one looked at; "" for none
}

// The parts that an export is fetched in, each made whole by the server and written only when it has come whole, and how often a
// part is asked for.
const (
	exportPart  = 500
	exportTries = 8
)

// Export writes all matches of a query to w, as GET /2/tweets/search/export gives them, without its last line of meta. What is lost on
// the way is asked for again, so that nothing is written twice and nothing is missing when it returns nil. Broken off by an error, it goes
// on with since_id (until_id where sort_order is recency) set to Exported.Last, and for a CSV header to false. Relative times of the query
// are as of the beginning. note, unless nil, is told of what goes wrong and is tried again. q is not changed.
func (c *Client) Export(ctx context.Context, q url.Values, w io.Writer, note func(string)) (Exported, error) {
	var done Exported
	asked := maps.Clone(q)
	if err := c.resolve(ctx, asked); err != nil {
		return done, err
	}
	left := -1
	if asked.Has("max_results") {
		n, err := strconv.Atoi(asked.Get("max_results"))
		if err != nil || n < 1 {
			return done, fmt.Errorf("max_results %q is not a number above 0", asked.Get("max_results"))
		}
		left = n
	}
	for {
		size := exportPart
		if left >= 0 {
			size = min(size, left)
		}
		asked.Set("max_results", strconv.Itoa(size))
		rows, head, err := c.part(ctx, asked, note)
		if err != nil {
			return done, err
		}
		if _, err := w.Write(rows); err != nil {
			return done, fmt.Errorf("write export: %w", err)
		}
		more, err := done.add(head, asked)
		if err != nil || !more {
			return done, err
		}
		if left >= 0 {
			if left -= size; left <= 0 {
				return done, nil
			}
		}
	}
}

// resolve puts instants in the place of a query's relative times, which would move from part to part.
func (c *Client) resolve(ctx context.Context, q url.Values) error {
	var explained struct {
		Data struct {
			Normal   string
			Relative bool
		}
	}
	if err := c.get(ctx, "/2/query/explain", url.Values{"query": {q.Get("query")}}, &explained); err != nil {
		return err
	}
	if explained.Data.Relative {
		q.Set("query", explained.Data.Normal)
	}
	return nil
}

// add counts a part by its head, and has q ask for the next one, where there is one.
func (e *Exported) add(head http.Header, q url.Values) (more bool, err error) {
	count, err := strconv.Atoi(head.Get("X-Result-Count"))
	if err != nil {
		return false, errNoPart
	}
	e.Count += count
	if out, err := strconv.Atoi(head.Get("X-Left-Out")); err == nil {
		e.LeftOut += out
	}
	name, last := "since_id", head.Get("X-Newest-Id")
	if q.Get("sort_order") == "recency" {
		name, last = "until_id", head.Get("X-Oldest-Id")
	}
	before := e.Last
	if last != "" {
		e.Last = last
	}
	switch {
	case head.Get("X-More") != "true":
		return false, nil
	case e.Last == before:
		return false, fmt.Errorf("the server's export stands still at %q", before)
	}
	q.Set(name, last)
	if q.Get("format") == "csv" {
		q.Set("header", "false")
	}
	return true, nil
}

// errNoPart: the server is of a version that knows no parts, or something else answered.
var errNoPart = errors.New("the server's answer is no part of an export: it has no X-Result-Count")

// part fetches one part, several times if it must.
func (c *Client) part(ctx context.Context, q url.Values, note func(string)) (rows []byte, head http.Header, err error) {
	for try := 1; ; try++ {
		rows, head, err = c.partOnce(ctx, q)
		var problem *Error
		if err == nil || try == exportTries || ctx.Err() != nil || errors.Is(err, errNoPart) || errors.As(err, &problem) && problem.Lasting() {
			return rows, head, err
		}
		pause := c.pause << min(try-1, 6)
		pause = pause/2 + rand.N(pause)
		if note != nil {
			note(fmt.Sprintf("%v; again in %s", err, pause.Round(100*time.Millisecond)))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (c *Client) partOnce(ctx context.Context, q url.Values) ([]byte, http.Header, error) {
	answer, err := c.do(ctx, http.MethodGet, "/2/tweets/search/export", q, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	if answer.Header.Get("X-Result-Count") == "" {
		return nil, nil, errNoPart
	}
	rows, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("answer of export: %w", err)
	}
	if format := q.Get("format"); format == "" || format == "jsonl" {
		if len(rows) == 0 || rows[len(rows)-1] != '\n' {
			return nil, nil, fmt.Errorf("answer of export: %w", io.ErrUnexpectedEOF)
		}
		rows = rows[:bytes.LastIndexByte(rows[:len(rows)-1], '\n')+1]
	}
	// A length lost on the way and an end that is none: the lines tell, but those of a CSV, whose cells may have several.
	if count := strconv.Itoa(bytes.Count(rows, []byte("\n"))); q.Get("format") != "csv" && answer.Header.Get("X-Result-Count") != count {
		return nil, nil, fmt.Errorf("answer of export: %s lines of %s", count, answer.Header.Get("X-Result-Count"))
	}
	return rows, answer.Header, nil
}
