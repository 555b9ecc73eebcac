package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"birdwatch/ingest"
	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/tweet"
)

// sweepMost is how many of a user's tweets are deleted at once.
const sweepMost = 500

// sweep deletes the tweets of deleted users, until ctx ends. The journal refuses what comes of them; this is about what is in the archive.
func (n *node) sweep(ctx context.Context) error {
	for {
		if err := n.journal.WaitSweep(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		if err := n.sweepDue(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			n.log.Error("the tweets of deleted users are not all deleted yet; it is tried again", "error", err)
			if ingest.Pause(ctx, 5*time.Second) != nil {
				return nil
			}
		}
	}
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// sweepDue does what there is to sweep now.
func (n *node) sweepDue(ctx context.Context) error {
	for {
		due, err := n.journal.Sweeps(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := n.caughtUp(ctx); err != nil { // what the journal had of the user when the notice came can be found then
			return err
		}
		if err := n.sweepLetters(ctx, due); err != nil {
			return err
		}
		for _, s := range due {
			if err := n.sweepUser(ctx, s); err != nil {
				return fmt.Errorf("user %d: %w", s.User, err)
			}
			if err := n.journal.Swept(ctx, s); err != nil {
				return err
			}
		}
	}
}

// sweepLetters deletes what the archive refused of users: no search finds it.
func (n *node) sweepLetters(ctx context.Context, due []journal.Sweep) error {
	for after := ""; ; {
		letters, err := n.archive.DeadLetters(ctx, after, sweepMost)
		if err != nil {
			return err
		}
		var recs []tweet.Record
		for _, l := range letters {
			after = l.Key
			p, err := tweet.Decode(l.Content.Payload)
			if err != nil { // it has no content, or none that tells of a user
				continue
			}
			for _, s := range due {
				recs = appendDeletions(recs, s, &tweet.Document{ID: l.ID, At: l.At, BodyAt: l.At}, p)
			}
		}
		if _, err := n.journal.Append(ctx, recs); err != nil {
			return err
		}
		if len(letters) < sweepMost {
			return nil
		}
	}
}

// sweepUser deletes a user's tweets, and copies of them inside others.
func (n *node) sweepUser(ctx context.Context, s journal.Sweep) error {
	r := search.Request{Query: search.CarriersOf(s.User), Limit: sweepMost, Hidden: true}
	for more := true; more; {
		page, err := n.archive.Search(ctx, r)
		if err != nil {
			return err
		}
		var ids []tweet.ID
		for _, h := range page.Hits {
			ids, r.BeforeID = append(ids, h.ID), h.ID
		}
		docs, err := n.archive.Get(ctx, ids...)
		if err != nil {
			return err
		}
		recs, err := deletionsOf(s, docs)
		if err != nil {
			return err
		}
		if _, err := n.journal.Append(ctx, recs); err != nil {
			return err
		}
		more = page.More
	}
	return n.sweepJournal(ctx, s)
}

// sweepJournal deletes what the archive does not have any more, such as refused tweets whose dead letters were dropped.
func (n *node) sweepJournal(ctx context.Context, s journal.Sweep) error {
	ids, err := n.journal.ToSweep(ctx, s)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, sweepMost) {
		recs := make([]tweet.Record, len(part))
		for i, id := range part {
			recs[i] = deletionOf(s, id)
		}
		if _, err := n.journal.Append(ctx, recs); err != nil {
			return err
		}
	}
	return nil
}

func deletionOf(s journal.Sweep, id tweet.ID) tweet.Record {
	return tweet.Record{Kind: tweet.KindDelete, ID: id, UserID: s.User, CapturedAt: s.At, Provenance: tweet.Provenance{From: journal.FromUserDelete}}
}

// deletionsOf are the delete records of what documents hold of a user.
func deletionsOf(s journal.Sweep, docs []*tweet.Document) ([]tweet.Record, error) {
	var recs []tweet.Record
	for _, d := range docs {
		if d.Tombstone {
			continue
		}
		p, err := tweet.Decode(d.Payload)
		if err != nil {
			return nil, err
		}
		recs = appendDeletions(recs, s, d, p)
	}
	return recs, nil
}

// appendDeletions adds the delete records of what a document, its payload decoded, holds of a user.
func appendDeletions(recs []tweet.Record, s journal.Sweep, d *tweet.Document, p *tweet.Payload) []tweet.Record {
	if p.Data.AuthorID == s.User && d.At <= s.Until {
		return append(recs, deletionOf(s, d.ID))
	}
	for _, c := range p.Copies() {
		if c.Author == s.User && d.BodyAt <= s.Until {
			recs = append(recs, deletionOf(s, c.ID))
		}
	}
	return recs
}
