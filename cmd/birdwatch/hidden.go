package main

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"birdwatch/ingest/journal"
	"birdwatch/search"
	"birdwatch/tweet"
)

// shown gives the API what may be seen.
type shown struct {
	search.Archive
	veil *veiled
}

// Search gives one page, without copies of hidden tweets inside others.
func (s shown) Search(ctx context.Context, r search.Request) (search.Page, error) {
	page, err := s.Archive.Search(ctx, r)
	if err != nil || r.Hidden {
		return page, err
	}
	for i := range page.Hits {
		if page.Hits[i].Payload, _, err = s.veil.clean(page.Hits[i].Payload, 0); err != nil {
			return search.Page{}, err
		}
	}
	return page, nil
}

// Get gives the documents of ids that there are, but for hidden ones and for copies of such inside others.
func (s shown) Get(ctx context.Context, ids ...tweet.ID) ([]*tweet.Document, error) {
	docs, err := s.Archive.Get(ctx, ids...)
	if err != nil || len(docs) == 0 {
		return docs, err
	}
	hidden, err := s.Hidden(ctx, ids...)
	if err != nil {
		return nil, err
	}
	docs = slices.DeleteFunc(docs, func(d *tweet.Document) bool { return hidden[d.ID] })
	for i, d := range docs {
		payload, cut, err := s.veil.clean(d.Payload, d.BodyAt)
		if err != nil {
			return nil, err
		}
		if cut {
			c := *d
			c.Payload, c.Raw, c.RawCut = payload, nil, true
			docs[i] = &c
		}
	}
	return docs, nil
}

// veiled is the journal as live streams may see it: the first sighting of a tweet that is hidden passes for one of no news.
type veiled struct {
	*journal.Journal
	places []string // the hidden tweets of which are not shown

	mu      sync.RWMutex // guards what follows
	hidings search.Hidings
	scrubs  search.Scrubs
}

func newVeiled(ctx context.Context, j *journal.Journal, countries []string) (*veiled, error) {
	v := &veiled{Journal: j, places: search.HiddenFrom(countries), hidings: search.Hidings{}}
	for r, err := range j.Notices(ctx) {
		if err != nil {
			return nil, err
		}
		v.take(&r)
	}
	return v, nil
}

func (v *veiled) take(r *tweet.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.scrubs.Take(r)
	v.hidings.Take(r)
}

// Since is the journal's.
func (v *veiled) Since(ctx context.Context, after tweet.Seq, limit int) ([]tweet.Entry, error) {
	es, err := v.Journal.Since(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	for i := range es { // a place is not shown to those who are behind its notice
		if e := &es[i]; e.Kind == tweet.KindGeo {
			v.take(&e.Record)
		}
	}
	for i := range es {
		switch e := &es[i]; {
		case e.Kind == tweet.KindWithheld || e.Kind == tweet.KindUser:
			v.take(&e.Record)
		case e.Kind == tweet.KindTweet && !e.Stripped && v.hides(e):
			e.Kind = tweet.KindUpdate
		case e.Kind == tweet.KindTweet && !e.Stripped:
			if payload, cut, err := v.clean(e.Payload, e.CapturedAt); err == nil && cut { // what cannot be read the hub passes over
				e.Payload, e.Tweet, e.Frame = payload, nil, nil
			}
			v.scrub(e)
		}
	}
	return es, nil
}

// clean takes copies of hidden tweets out of a payload; cut says that there were some.
func (v *veiled) clean(payload []byte, at int64) (cleaned []byte, cut bool, err error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if !bytes.Contains(payload, []byte(`"tweets":[`)) || len(v.hidings) == 0 && !bytes.Contains(payload, []byte(`"withheld":`)) {
		return payload, false, nil
	}
	p, err := tweet.Decode(payload)
	if err != nil || p.Includes == nil {
		return payload, false, err
	}
	for _, t := range slices.Clone(p.Includes.Tweets) {
		// The copy as a tweet of its own, whose author is among the same users.
		alone := &tweet.Payload{Data: t, Includes: p.Includes}
		if t.ID != p.Data.ID && v.hidden(alone, at) {
			p, cut = p.Without(t.ID), true
		}
	}
	if !cut {
		return payload, false, nil
	}
	cleaned, err = tweet.Encode(p)
	return cleaned, true, err
}

func (v *veiled) hides(e *tweet.Entry) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.hidings) == 0 && !bytes.Contains(e.Payload, []byte(`"withheld":`)) {
		return false
	}
	p, err := e.Decoded()
	if err != nil {
		return false // the hub says so
	}
	return v.hidden(p, e.CapturedAt)
}

// hidden reports whether a tweet is; v.mu is held.
func (v *veiled) hidden(p *tweet.Payload, at int64) bool {
	who := search.SubjectsOf(p)
	places, err := who.Places(at, v.hidings.Of)
	return err == nil && slices.ContainsFunc(places, func(p string) bool { return slices.Contains(v.places, p) })
}
