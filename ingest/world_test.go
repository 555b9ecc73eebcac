package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"birdwatch/ingest"
	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// archive merges in memory what it is given, as every engine does.
type archive struct {
	mu      sync.Mutex // guards what follows
	docs    map[tweet.ID]*tweet.Document
	at      tweet.Position
	applied int
	fail    error // what the next calls answer
	calls   int
}

func newArchive() *archive { return &archive{docs: map[tweet.ID]*tweet.Document{}} }

func (a *archive) call() error {
	a.calls++
	return a.fail
}

func (a *archive) Position(context.Context) (tweet.Position, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at, a.call()
}

func (a *archive) Apply(_ context.Context, es []tweet.Entry, to tweet.Position) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.call(); err != nil {
		return err
	}
	for _, e := range es {
		switch {
		case e.Kind == tweet.KindTweet || e.Kind == tweet.KindUpdate:
			if !e.Stripped {
				if _, err := a.merge(tweet.NewDocument(&e.Record, e.FirstSeq)); err != nil {
					return err
				}
			}
		case e.Kind == tweet.KindDelete && !e.Unseen:
			if _, err := a.merge(tweet.NewTombstone(e.ID, e.FirstSeq, e.CapturedAt)); err != nil {
				return err
			}
		}
		for _, h := range e.Cut {
			if a.docs[h] == nil {
				continue
			}
			d, err := a.docs[h].Without(e.ID)
			if err != nil {
				return err
			}
			a.docs[h] = d
		}
	}
	a.applied += len(es)
	a.at = to
	return nil
}

func (a *archive) merge(d *tweet.Document) (ingest.Effect, error) {
	was := a.docs[d.ID]
	if was == nil {
		a.docs[d.ID] = d
		if d.Tombstone {
			return ingest.Deleted, nil
		}
		return ingest.Inserted, nil
	}
	m, changed, err := was.Merge(d)
	if err != nil {
		return 0, err
	}
	a.docs[d.ID] = m
	switch {
	case m.Tombstone:
		return ingest.Deleted, nil
	case changed:
		return ingest.Updated, nil
	}
	return ingest.Same, nil
}

func (a *archive) write(_ context.Context, recs []tweet.Record) ([]ingest.Effect, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.call(); err != nil {
		return nil, err
	}
	effects := make([]ingest.Effect, len(recs))
	for i := range recs {
		var err error
		if effects[i], err = a.merge(tweet.NewDocument(&recs[i], max(a.at.Seq, 1))); err != nil {
			return nil, err
		}
	}
	return effects, nil
}

func (a *archive) bury(_ context.Context, ids []tweet.ID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		if _, err := a.merge(tweet.NewTombstone(id, 1, 0)); err != nil {
			return err
		}
	}
	return nil
}

// state is all documents, without what depends on the order (FirstSeq).
func (a *archive) state() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(a.docs)) {
		d := *a.docs[id]
		fmt.Fprintf(&b, "%d at %d version %d tombstone %v rawcut %v %s %s %s\n", id, d.At, d.Version(), d.Tombstone, d.RawCut, d.Payload, d.Raw, d.Figures)
	}
	return b.String()
}

// importer is as the command makes it.
func importer(j *journal.Journal, a *archive) *ingest.Importer {
	return &ingest.Importer{
		Claim: func(ctx context.Context, recs []tweet.Record) (ingest.Claim, error) {
			b, err := j.Import(ctx, recs)
			if err != nil {
				return ingest.Claim{}, err
			}
			c := ingest.Claim{Write: make([]*tweet.Record, len(recs)), Gone: make([]bool, len(recs)), Honored: make([]bool, len(recs))}
			for i, v := range b.Verdicts {
				c.Write[i], c.Gone[i], c.Honored[i] = v.Record, v.Kind == journal.Deleted, v.Kind == journal.Honoured
			}
			c.Confirm = func(ctx context.Context) error { return j.Confirm(ctx, b) }
			return c, nil
		},
		Write: a.write,
		Gone:  func(ctx context.Context, ids []tweet.ID) ([]bool, error) { return j.Deleted(ctx, ids...) },
		Bury:  a.bury,
	}
}

func openJournal(t testing.TB, path string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(context.Background(), path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// sighting makes a record of a tweet that quotes, or repeats, others.
func sighting(id tweet.ID, at int64, text string, retweet bool, carries ...tweet.ID) tweet.Record {
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: text, PublicMetrics: &tweet.TweetMetrics{LikeCount: at}}}
	for i, c := range carries {
		typ := "quoted"
		if i == 0 && retweet {
			typ = "retweeted"
		}
		p.Data.ReferencedTweets = append(p.Data.ReferencedTweets, tweet.Reference{Type: typ, ID: c})
		if p.Includes == nil {
			p.Includes = new(tweet.Includes)
		}
		p.Includes.Tweets = append(p.Includes.Tweets, tweet.Tweet{ID: c, Text: fmt.Sprintf("copy of %d", c)})
	}
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, CapturedAt: at, Payload: b, Raw: fmt.Appendf(nil, "raw of %d: %s", id, text), Provenance: tweet.Provenance{From: "test"}}
}

func deletion(id tweet.ID, at int64) tweet.Record {
	return tweet.Record{Kind: tweet.KindDelete, ID: id, CapturedAt: at}
}

// follow gives the archive all that the journal has now.
func follow(t testing.TB, j *journal.Journal, a *archive) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // one that stands still fails, not hangs
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ingest.Follow(ctx, j, "archive", a, quiet()) }()
	if err := j.Acked(ctx, "archive", j.Last()); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
