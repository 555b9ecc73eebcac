package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"birdwatch/search"
	"birdwatch/tweet"
)

// pair is a document of both archives; nil where there is none.
type pair struct{ here, there *tweet.Document }

// settling brings the target's documents up to the source's. Either archive may be the older one, so that neither may bring back what the other knows
// to be deleted: not as a document (a tombstone prevails in every merge), nor as a copy inside another.
type settling struct {
	*copyRound
	gone    map[tweet.ID]*tweet.Document // tombstones
	missing []*tweet.Document
	cuts    map[tweet.ID]*tweet.Entry
}

func (r *copyRound) settle(ctx context.Context, pairs []pair) error {
	gone, err := r.deleted(ctx, pairs)
	if err != nil {
		return err
	}
	s := settling{copyRound: r, gone: gone, cuts: map[tweet.ID]*tweet.Entry{}}
	for _, p := range pairs {
		if err := s.settle(p); err != nil {
			return err
		}
	}
	if len(s.cuts) > 0 {
		var notices []tweet.Entry
		for _, id := range slices.Sorted(maps.Keys(s.cuts)) {
			notices = append(notices, *s.cuts[id])
		}
		if _, err := r.target.Apply(ctx, notices, tweet.Position{}); err != nil {
			return fmt.Errorf("cut what is deleted: %w", err)
		}
	}
	if len(s.missing) == 0 {
		return nil
	}
	return r.target.Put(ctx, s.missing)
}

// settle decides what one document of the target lacks, or has too much. Those that a retweet is carried by come after it, as ids ascend.
func (s *settling) settle(p pair) error {
	if p.here == nil {
		s.extra++
	}
	here, _, err := s.without(p.here)
	if err != nil {
		return err
	}
	there, cut, err := s.without(p.there)
	if err != nil {
		return err
	}
	switch {
	case there != nil && there.Tombstone && !p.there.Tombstone: // it repeats what is gone
		s.gone[there.ID] = there
		here, there = there, p.there
	case here != nil && here.Tombstone && !p.here.Tombstone && (there == nil || !there.Revived):
		s.gone[here.ID] = here
	}
	for _, id := range cut {
		if s.cuts[id] == nil {
			g := s.gone[id]
			s.cuts[id] = &tweet.Entry{Seq: g.FirstSeq, Record: tweet.Record{ID: id, Kind: tweet.KindDelete, CapturedAt: g.At, Revived: g.Revived}}
		}
		s.cuts[id].Cut = append(s.cuts[id].Cut, p.there.ID)
	}
	lacks := there == nil
	if !lacks && here != nil {
		if here, err = here.WithoutPlaces(s.scrubs.Withdrawn); err != nil {
			return err
		}
		if _, lacks, err = there.MergeWhole(here); err != nil {
			return err
		}
	}
	if lacks {
		s.missing = append(s.missing, here)
	}
	switch {
	case lacks || len(cut) > 0:
		s.copied++
	case p.here != nil:
		s.ahead++
	}
	return nil
}

// deleted gives the tombstones of tweets that the documents carry copies of: where either archive has one, and the other nothing later.
func (r *copyRound) deleted(ctx context.Context, pairs []pair) (map[tweet.ID]*tweet.Document, error) {
	theirs, ours := map[tweet.ID]bool{}, map[tweet.ID]bool{}
	for _, p := range pairs {
		for _, d := range []*tweet.Document{p.here, p.there} {
			copies, err := copiesIn(d)
			if err != nil {
				return nil, err
			}
			for _, c := range copies {
				theirs[c.ID] = true
				if p.there != nil { // the source's own documents have none of what it knows to be deleted
					ours[c.ID] = true
				}
			}
		}
	}
	found := map[tweet.ID]*tweet.Document{}
	if err := getAll(ctx, r.target, theirs, found); err != nil {
		return nil, err
	}
	for id, d := range found {
		if d.Tombstone {
			ours[id] = true // it may be back there
		}
	}
	if err := getAll(ctx, r.source, ours, found); err != nil {
		return nil, err
	}
	maps.DeleteFunc(found, func(_ tweet.ID, d *tweet.Document) bool { return !d.Tombstone })
	return found, nil
}

// getAll merges an archive's documents of ids into those that were found.
func getAll(ctx context.Context, archive search.Archive, ids map[tweet.ID]bool, found map[tweet.ID]*tweet.Document) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), copyPage) {
		docs, err := archive.Get(ctx, some...)
		if err != nil {
			return err
		}
		for _, d := range docs {
			if other := found[d.ID]; other != nil {
				if d, _, err = other.Merge(d); err != nil {
					return err
				}
			}
			found[d.ID] = d
		}
	}
	return nil
}

func copiesIn(d *tweet.Document) ([]tweet.Copy, error) {
	if d == nil || d.Tombstone || !bytes.Contains(d.Payload, []byte(`"referenced_tweets":`)) && !bytes.Contains(d.Payload, []byte(`"tweets":`)) {
		return nil, nil
	}
	p, err := tweet.Decode(d.Payload)
	if err != nil {
		return nil, fmt.Errorf("document %d: %w", d.ID, err)
	}
	return p.Copies(), nil
}

// without gives the document without the copies of what is gone, and which those were. What repeats a tweet goes with it.
func (s *settling) without(d *tweet.Document) (_ *tweet.Document, cut []tweet.ID, err error) {
	if len(s.gone) == 0 {
		return d, nil, nil
	}
	copies, err := copiesIn(d)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range copies {
		if s.gone[c.ID] == nil {
			continue
		}
		if c.Repeats {
			t := tweet.NewTombstone(d.ID, d.FirstSeq, d.At)
			t.Revived = d.Revived
			return t, nil, nil
		}
		if d, err = d.Without(c.ID); err != nil {
			return nil, nil, err
		}
		cut = append(cut, c.ID)
	}
	return d, cut, nil
}
