package embedded_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

func open(t testing.TB, o embedded.Options) *embedded.Archive {
	t.Helper()
	a, err := embedded.Open(t.Context(), filepath.Join(t.TempDir(), "archive.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func record(t testing.TB, p *tweet.Payload) tweet.Record {
	t.Helper()
	b, err := tweet.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, Payload: b, Raw: append([]byte("raw of "), b...), Tweet: p}
}

func fill(t testing.TB, a *embedded.Archive, tweets []*tweet.Payload) {
	t.Helper()
	recs := make([]tweet.Record, len(tweets))
	for i, p := range tweets {
		recs[i] = record(t, p)
	}
	if _, err := a.Import(t.Context(), recs); err != nil {
		t.Fatal(err)
	}
}

// walk gives all matches, page by page.
func walk(ctx context.Context, a search.Searcher, e query.Expr, ascending bool, page int) ([]tweet.ID, error) {
	var ids []tweet.ID
	r := search.Request{Query: e, Ascending: ascending, Limit: page}
	for {
		p, err := a.Search(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, h := range p.Hits {
			ids = append(ids, h.ID)
		}
		if !p.More {
			return ids, nil
		}
		if r.BeforeID = ids[len(ids)-1]; ascending {
			r.BeforeID, r.AfterID = 0, ids[len(ids)-1]
		}
	}
}

// always is a stretch of time that holds every tweet.
var always = []time.Time{time.UnixMilli(-1 << 50), time.UnixMilli(1 << 50)}

func TestScripts(t *testing.T) {
	querytest.Run(t, func(t *testing.T, tweets []*tweet.Payload) func(string) ([]tweet.ID, error) {
		a := open(t, embedded.Options{})
		fill(t, a, tweets)
		return func(text string) ([]tweet.ID, error) {
			q, err := query.Parse(text, querytest.Now)
			if err != nil {
				return nil, err
			}
			ids, err := walk(t.Context(), a, q.Expr, false, 3)
			if err != nil {
				return nil, err
			}
			up, err := walk(t.Context(), a, q.Expr, true, 2)
			if err != nil {
				return nil, err
			}
			if slices.Reverse(up); !slices.Equal(ids, up) {
				t.Errorf("%s: ascending gives %v, descending %v", text, up, ids)
			}
			n, err := a.Count(t.Context(), search.Request{Query: q.Expr}, always)
			if err != nil {
				return nil, err
			}
			if n[0] != int64(len(ids)) {
				t.Errorf("%s: counted %d, found %d", text, n[0], len(ids))
			}
			return ids, nil
		}
	})
}
