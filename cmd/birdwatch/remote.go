package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/ingest"
	"birdwatch/tweet"
)

// remoteBatch bounds what one request of an import carries, in bytes of raw.
const remoteBatch = 4 << 20

// remote imports through a server: the one named, or the one that has the data folder.
func (c *importCommand) remote() (*importTarget, error) {
	url, token, err := c.server(c.Data)
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, fmt.Errorf("no server has left its address in %s", c.Data)
	}
	to := client.New(url, token)
	run := func(ctx context.Context, recs iter.Seq[tweet.Record], progress func(ingest.Summary)) (ingest.Summary, error) {
		var total ingest.Summary
		var lines []byte
		flush := func() error {
			if len(lines) == 0 {
				return nil
			}
			answer, err := to.Import(ctx, lines)
			if err != nil {
				return err
			}
			var s ingest.Summary
			if err := json.Unmarshal(answer, &s); err != nil {
				return fmt.Errorf("answer of import: %w", err)
			}
			total.Add(s)
			progress(total)
			lines = lines[:0]
			return nil
		}
		for r := range recs {
			line, err := json.Marshal(api.ImportLine{Kind: r.Kind, ID: r.ID, UserID: r.UserID, Partial: r.Partial, Payload: r.Payload, File: r.Provenance.File, Pos: r.Provenance.Pos, CapturedAt: r.CapturedAt, Raw: r.Raw})
			if err != nil {
				return total, fmt.Errorf("send record: %w", err)
			}
			if lines = append(append(lines, line...), '\n'); len(lines) > remoteBatch {
				if err := flush(); err != nil {
					return total, err
				}
			}
		}
		return total, flush()
	}
	want := func(ctx context.Context, ids []tweet.ID) error {
		var lines []byte
		for _, id := range ids {
			lines = fmt.Appendf(lines, `{"id":"%d","wanted":true}`+"\n", id)
		}
		_, err := to.Import(ctx, lines)
		return err
	}
	return &importTarget{run: run, account: remoteAccount{to}, want: want, release: func() error { return nil }}, nil
}
