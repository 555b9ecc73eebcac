package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"birdwatch/api"
	"birdwatch/ingest"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// intake is what the API hands bodies to.
type intake struct{ *node }

// ingestBatch is how many records of a body go to the journal at once.
const ingestBatch = 500

// Ingest takes a body of any known shape through the journal.
func (n intake) Ingest(ctx context.Context, body io.Reader) ([]api.IngestResult, error) {
	var results []api.IngestResult
	var batch []tweet.Record
	var at []int // the result of each record
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		verdicts, err := n.journal.Append(ctx, batch)
		if err != nil {
			return fmt.Errorf("%w: %w", api.ErrBusy, err)
		}
		for i, v := range verdicts {
			results[at[i]].Result, results[at[i]].Seq = verdictNames[v.Kind], v.Seq
		}
		batch, at = batch[:0], at[:0]
		return nil
	}
	failing := &failureReader{r: body}
	now := time.Now().UnixMilli()
	for it := range format.Read(ctx, failing, format.Options{From: "ingest", CapturedAt: now}) {
		switch {
		case it.Err != nil:
			results = append(results, api.IngestResult{Pos: it.Pos, Result: "bad", Error: it.Err.Error()})
		case it.Control != nil:
			results = append(results, api.IngestResult{Pos: it.Pos, Result: "passed", Kind: it.Control.Name})
		}
		for _, r := range it.Records {
			batch, at = append(batch, r), append(at, len(results))
			results = append(results, api.IngestResult{Pos: it.Pos, ID: r.ID, Kind: r.Kind.String()})
		}
		if len(batch) >= ingestBatch {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if failing.err != nil { // what came before it is in; the caller sends the whole again without harm
		return nil, errors.Join(failing.err, flush())
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return results, flush()
}

var verdictNames = [...]string{journal.New: "new", journal.Update: "updated", journal.Same: "same", journal.Deleted: "deleted", journal.Honoured: "honored", journal.Noted: "noted"}

// failureReader remembers why reading failed.
type failureReader struct {
	r   io.Reader
	err error
}

func (f *failureReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// Import takes lines of api.ImportLine straight into the archive.
func (n intake) Import(ctx context.Context, body io.Reader) (any, error) {
	var bad ingest.Summary
	var wrong error
	recs := n.lines(body, &bad, &wrong)
	s, err := n.importer().Run(ctx, recs, nil)
	if err != nil {
		return nil, err
	}
	s.Add(bad)
	return s, wrong
}

func (n intake) lines(body io.Reader, s *ingest.Summary, wrong *error) iter.Seq[tweet.Record] {
	return func(yield func(tweet.Record) bool) {
		in := bufio.NewScanner(body)
		in.Buffer(nil, 2*format.MaxRecord)
		for in.Scan() {
			var line api.ImportLine
			if err := json.Unmarshal(in.Bytes(), &line); err != nil {
				*wrong = &api.InputError{Message: "a line is not of the form of an import"}
				return
			}
			recs, ctl, err := recordsOf(&line)
			switch {
			case err != nil:
				s.Bad++
			case ctl != nil:
				s.Passed++
			}
			for _, r := range recs {
				if !yield(r) {
					return
				}
			}
		}
		*wrong = in.Err()
	}
}

// recordsOf makes the records of a line. A payload is decoded and written anew: what is stored is of this program's making.
func recordsOf(line *api.ImportLine) ([]tweet.Record, *format.Control, error) {
	from := tweet.Provenance{From: "import", File: line.File, Pos: line.Pos}
	if line.Kind == 0 {
		return format.Parse(line.Raw, from, line.CapturedAt)
	}
	r := tweet.Record{Kind: line.Kind, ID: line.ID, UserID: line.UserID, Partial: line.Partial, CapturedAt: line.CapturedAt, Raw: line.Raw, Provenance: from, Payload: line.Payload}
	if line.Kind != tweet.KindTweet {
		return []tweet.Record{r}, nil, nil
	}
	p, err := tweet.Decode(line.Payload)
	if err == nil && (p.Data.ID != line.ID || line.ID <= 0) {
		err = fmt.Errorf("the payload is of tweet %d, the record of %d", p.Data.ID, line.ID)
	}
	if err == nil {
		r.Tweet = p
		r.Payload, err = tweet.Encode(p)
	}
	return []tweet.Record{r}, nil, err
}

// Delete deletes tweets, now.
func (n intake) Delete(ctx context.Context, ids []tweet.ID) ([]bool, error) {
	recs := make([]tweet.Record, len(ids))
	for i, id := range ids {
		recs[i] = tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: time.Now().UnixMilli(), Provenance: tweet.Provenance{From: "delete"}}
	}
	verdicts, err := n.journal.Append(ctx, recs)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", api.ErrBusy, err)
	}
	deleted := make([]bool, len(ids))
	for i, v := range verdicts {
		deleted[i] = v.Kind == journal.Honoured
	}
	return deleted, nil
}
