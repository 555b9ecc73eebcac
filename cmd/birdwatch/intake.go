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
	var wanted []tweet.ID
	recs := n.lines(body, &bad, &wanted, &wrong)
	s, err := n.importer().Run(ctx, recs, nil)
	if err == nil && len(wanted) > 0 {
		err = n.journal.Want(ctx, wanted)
	}
	if err != nil {
		return nil, err
	}
	s.Add(bad)
	return s, wrong
}

func (n intake) lines(body io.Reader, s *ingest.Summary, wanted *[]tweet.ID, wrong *error) iter.Seq[tweet.Record] {
	return func(yield func(tweet.Record) bool) {
		in := bufio.NewScanner(body)
		in.Buffer(nil, 2*format.MaxRecord)
		for n := int64(1); in.Scan(); n++ {
			var line api.ImportLine
			err := json.Unmarshal(in.Bytes(), &line)
			if err != nil {
				err = errors.New("it is not of the form of an import")
			} else {
				err = checkLine(&line)
			}
			if err != nil { // whoever made it did not read the bytes as this program does: the lines behind it are not better
				*wrong = &api.InputError{Pos: n, Message: fmt.Sprintf("Line %d: %s. The lines before it are taken in.", n, err)}
				return
			}
			if line.Wanted {
				*wanted = append(*wanted, line.ID)
				continue
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
		if *wrong = in.Err(); errors.Is(*wrong, bufio.ErrTooLong) {
			*wrong = &api.InputError{Message: fmt.Sprintf("A line is longer than %d bytes.", 2*format.MaxRecord)}
		}
	}
}

// checkLine says what of a line the journal would not take.
func checkLine(line *api.ImportLine) error {
	switch line.Kind {
	case 0, tweet.KindTweet, tweet.KindDelete, tweet.KindGeo, tweet.KindWithheld, tweet.KindUser:
	default:
		return fmt.Errorf("the kind %d is not one of %d (tweet), %d (delete), %d (geo), %d (withheld) and %d (user)",
			line.Kind, tweet.KindTweet, tweet.KindDelete, tweet.KindGeo, tweet.KindWithheld, tweet.KindUser)
	}
	if line.ID < 0 || line.UserID < 0 {
		return errors.New("an id is negative")
	}
	if line.ID == 0 && (line.Wanted || line.Kind == tweet.KindTweet || line.Kind == tweet.KindDelete) {
		return errors.New("the id of the tweet is missing")
	}
	return nil
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
	if err != nil {
		return nil, nil, err
	}
	if p.Data.ID != line.ID {
		return nil, nil, fmt.Errorf("the payload is of tweet %d, the record of %d", p.Data.ID, line.ID)
	}
	r.Tweet = p
	if r.Payload, err = tweet.Encode(p); err != nil {
		return nil, nil, err
	}
	return []tweet.Record{r}, nil, nil
}

// DeleteUser deletes a user's tweets, as a notice of the user's deletion does.
func (n intake) DeleteUser(ctx context.Context, user tweet.ID) error {
	r := tweet.Record{Kind: tweet.KindUser, UserID: user, CapturedAt: time.Now().UnixMilli(), Payload: []byte(`{"event":"user_delete"}`), Provenance: tweet.Provenance{From: "delete"}}
	if _, err := n.journal.Append(ctx, []tweet.Record{r}); err != nil {
		return fmt.Errorf("%w: %w", api.ErrBusy, err)
	}
	return nil
}

// Wanted gives tweets that were named by their ids alone and have not come.
func (n intake) Wanted(ctx context.Context, after tweet.ID, limit int) ([]tweet.ID, error) {
	return n.journal.Wanted(ctx, after, limit)
}

// Delete deletes tweets, now.
func (n intake) Delete(ctx context.Context, ids []tweet.ID, by string) ([]bool, error) {
	recs := make([]tweet.Record, len(ids))
	for i, id := range ids {
		recs[i] = tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: time.Now().UnixMilli(), Provenance: tweet.Provenance{From: "delete", File: by}}
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
