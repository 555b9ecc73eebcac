package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/ingest/coverage"
	"birdwatch/tweet"
)

type coverageCommand struct {
	dataFlags
	serverFlags
	Start  time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Spans that end then or later (RFC 3339)."`
	End    time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"Spans that start before it (RFC 3339)."`
	Source string    `placeholder:"NAME" help:"Of one source only: stream:NAME, or import."`
	Kinds  []string  `enum:"connected,gap,limit,warning,damage,backfill,import" placeholder:"KIND" help:"Of these kinds only: connected, gap, limit, warning, damage, backfill, import."`
	JSON   bool      `name:"json" help:"One span a line, as JSON."`
}

// Run prints the account of coverage, the oldest span first.
func (c *coverageCommand) Run(env *environment) error {
	out := c.printer(env)
	err := hereOrThere(env, &c.dataFlags, &c.serverFlags,
		func(n *node) error {
			spans, err := coverageOf{n.ledger}.Spans(env.ctx, api.CoverageRequest{Start: c.Start, End: c.End, Source: c.Source, Kinds: c.Kinds})
			for _, s := range spans {
				if err == nil {
					err = out.print(s)
				}
			}
			return errors.Join(err, c.doubt(env, out, ownAccount{n.ledger}))
		},
		func(server *client.Client) error {
			for s, err := range coveragePages(env.ctx, server, c.parameters()) {
				if err == nil {
					err = out.print(s)
				}
				if err != nil {
					return err
				}
			}
			return c.doubt(env, out, remoteAccount{server})
		})
	if err != nil {
		return err
	}
	return out.end()
}

// doubt says when nothing was printed because the source's name is not one.
func (c *coverageCommand) doubt(env *environment, out *coveragePrinter, a account) error {
	if out.printed || c.Source == "" {
		return nil
	}
	known, err := a.knows(env.ctx, c.Source)
	if err == nil && !known {
		fmt.Fprintf(env.stderr, "birdwatch: nothing is known of a source %q\n", c.Source)
	}
	return err
}

func (c *coverageCommand) parameters() url.Values {
	q := url.Values{"max_results": {"1000"}}
	for name, t := range map[string]time.Time{"start_time": c.Start, "end_time": c.End} {
		if !t.IsZero() {
			q.Set(name, t.Format(time.RFC3339))
		}
	}
	if c.Source != "" {
		q.Set("source", c.Source)
	}
	if len(c.Kinds) > 0 {
		q.Set("kinds", strings.Join(c.Kinds, ","))
	}
	return q
}

// coveragePages gives all spans of a server, page by page.
func coveragePages(ctx context.Context, server *client.Client, q url.Values) iter.Seq2[api.CoverageSpan, error] {
	return func(yield func(api.CoverageSpan, error) bool) {
		for {
			var page api.CoveragePage
			if err := server.Coverage(ctx, q, &page); err != nil {
				yield(api.CoverageSpan{}, err)
				return
			}
			for _, s := range page.Data {
				if !yield(s, nil) {
					return
				}
			}
			if page.Meta.NextToken == "" {
				return
			}
			q.Set("next_token", page.Meta.NextToken)
		}
	}
}

type coveragePrinter struct {
	printed bool
	json    *json.Encoder
	table   *tabwriter.Writer
}

func (c *coverageCommand) printer(env *environment) *coveragePrinter {
	if c.JSON {
		return &coveragePrinter{json: json.NewEncoder(env.stdout)}
	}
	p := &coveragePrinter{table: tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)}
	fmt.Fprintln(p.table, "START\tEND\tSOURCE\tKIND\tCOUNT\tCAUSE\tWHAT")
	return p
}

func (p *coveragePrinter) print(s api.CoverageSpan) error {
	p.printed = true
	if p.json != nil {
		return p.json.Encode(s)
	}
	end := s.End
	if s.Open {
		end = "open"
	}
	var what []string
	add := func(text string) {
		if text != "" {
			what = append(what, text)
		}
	}
	if f := s.File; f != nil {
		add(f.Name + " sha256:" + f.SHA256)
	}
	add(s.Asked)
	for _, cause := range slices.Sorted(maps.Keys(s.Refusals)) {
		add(fmt.Sprintf("%d × %s", s.Refusals[cause], cause))
	}
	add(s.Note)
	if f := s.FilledBy; f != nil {
		add(fmt.Sprintf("filled by %s %d (%d tweets): %s", f.By, f.Span, f.Count, f.Evidence))
	}
	_, err := fmt.Fprintf(p.table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", s.Start, end, s.Source, s.Kind, s.Count, s.Cause, strings.Join(what, "; "))
	return err
}

func (p *coveragePrinter) end() error {
	if p.table == nil {
		return nil
	}
	return p.table.Flush()
}

// coverageOf lets the API read and write the ledger: they do not know each other.
type coverageOf struct{ l *coverage.Ledger }

// Spans reads the account as it is now.
func (c coverageOf) Spans(ctx context.Context, r api.CoverageRequest) ([]api.CoverageSpan, error) {
	q := coverage.Query{Source: r.Source, After: coverage.Place{Begin: r.AfterTime, ID: r.AfterID}, Limit: r.Limit}
	if !r.Start.IsZero() {
		q.Begin = r.Start.UnixMilli()
	}
	if !r.End.IsZero() {
		q.End = r.End.UnixMilli()
	}
	for _, k := range r.Kinds {
		q.Kinds = append(q.Kinds, coverage.Kind(k))
	}
	spans, err := c.l.Spans(ctx, q)
	return showSpans(spans, r.Neighbors), err
}

// Imported writes an import of a client.
func (c coverageOf) Imported(ctx context.Context, i api.CoverageImport) error {
	var lists [2][]coverage.Span
	for n, list := range [][]api.CoverageSpan{i.Files, i.Filled} {
		for _, s := range list {
			span, err := spanOf(s)
			if err != nil {
				return &api.InputError{Message: err.Error()}
			}
			if n == 0 && span.File == nil || n == 1 && span.Filled == nil {
				return &api.InputError{Message: "a span lacks its file, or what filled it"}
			}
			lists[n] = append(lists[n], span)
		}
	}
	return c.l.Imported(ctx, lists[0], lists[1])
}

func showTime(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(tweet.TimeLayout)
}

func showSpans(spans []coverage.Span, neighbors bool) []api.CoverageSpan {
	all := make([]api.CoverageSpan, len(spans))
	for i, s := range spans {
		a := api.CoverageSpan{ID: s.ID, Source: s.Source, Kind: string(s.Kind), Start: showTime(s.Begin), End: showTime(s.End), Open: s.End == 0,
			Cause: s.Cause, Note: s.Note, Count: s.Count, Refusals: s.Refusals, Asked: s.Asked}
		if a.Open {
			a.Seen = showTime(s.Seen)
		}
		if f := s.File; f != nil {
			a.File = &api.CoverageFile{Run: f.Run, Name: f.Name, SHA256: f.SHA256, ImportedAt: showTime(f.At), OldestID: f.MinID, NewestID: f.MaxID, Bad: f.Bad}
		}
		if f := s.Filled; f != nil {
			a.FilledBy = &api.CoverageFill{By: f.By, Span: f.Span, Count: f.Count, Evidence: f.Evidence}
		}
		if neighbors {
			for _, id := range s.Before {
				a.Before = append(a.Before, id.String())
			}
			for _, id := range s.After {
				a.After = append(a.After, id.String())
			}
		}
		all[i] = a
	}
	return all
}

// spanOf reads what showSpans wrote.
func spanOf(a api.CoverageSpan) (s coverage.Span, err error) {
	read := func(text string) int64 {
		if text == "" {
			return 0
		}
		t, wrong := time.Parse(time.RFC3339, text)
		if wrong != nil {
			err = fmt.Errorf("%q is not an RFC 3339 time", text)
		}
		return t.UnixMilli()
	}
	s = coverage.Span{ID: a.ID, Source: a.Source, Kind: coverage.Kind(a.Kind), Begin: read(a.Start), End: read(a.End), Cause: a.Cause, Note: a.Note, Count: a.Count}
	if f := a.File; f != nil {
		s.File = &coverage.File{Run: f.Run, Name: f.Name, SHA256: f.SHA256, At: read(f.ImportedAt), MinID: f.OldestID, MaxID: f.NewestID, Bad: f.Bad}
	}
	if f := a.FilledBy; f != nil {
		s.Filled = &coverage.Filled{By: f.By, Span: f.Span, Count: f.Count, Evidence: f.Evidence}
	}
	for i, list := range [][]string{a.Before, a.After} {
		for _, text := range list {
			id, wrong := strconv.ParseInt(text, 10, 64)
			if wrong != nil {
				err = fmt.Errorf("%q is not an id", text)
			}
			if i == 0 {
				s.Before = append(s.Before, tweet.ID(id))
			} else {
				s.After = append(s.After, tweet.ID(id))
			}
		}
	}
	return s, err
}
