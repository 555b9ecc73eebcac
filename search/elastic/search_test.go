package elastic_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// imported puts tweets into an archive, each seen at the same time.
func imported(t testing.TB, a search.Writer, tweets []*tweet.Payload, at int64) {
	t.Helper()
	for some := range slices.Chunk(tweets, 2000) {
		recs := make([]tweet.Record, len(some))
		for i, p := range some {
			b, err := tweet.Encode(p)
			if err != nil {
				t.Fatal(err)
			}
			recs[i] = tweet.Record{Kind: tweet.KindTweet, ID: p.Data.ID, CapturedAt: at, Payload: b, Raw: append([]byte("raw of "), b...), Tweet: p}
		}
		changes, err := a.Import(t.Context(), recs)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(changes, search.Refused); i >= 0 {
			t.Fatalf("tweet %d was refused", some[i].Data.ID)
		}
	}
}

// paged gives all matches, page by page, and checks that pages are full and hits whole.
func paged(ctx context.Context, a search.Searcher, r search.Request) (hits []search.Hit, err error) {
	for {
		page, err := a.Search(ctx, r)
		if err != nil {
			return nil, err
		}
		if len(page.Hits) > r.Limit || page.More && len(page.Hits) < r.Limit {
			return nil, fmt.Errorf("a page of %d has %d hits, more: %v", r.Limit, len(page.Hits), page.More)
		}
		for _, h := range page.Hits {
			if p, err := tweet.Decode(h.Payload); err != nil || p.Data.ID != h.ID {
				return nil, fmt.Errorf("hit %d has the payload %.80q: %v", h.ID, h.Payload, err)
			}
		}
		if hits = append(hits, page.Hits...); !page.More {
			return hits, nil
		}
		switch last := page.Hits[len(page.Hits)-1]; {
		case r.Sort != query.CreatedAt:
			r.After = &search.Place{Value: last.Value, ID: last.ID}
		case r.Ascending:
			r.AfterID = last.ID
		default:
			r.BeforeID = last.ID
		}
	}
}

func idsOf(hits []search.Hit) (ids []tweet.ID) {
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

// always is a stretch of time that holds every tweet.
var always = []time.Time{time.UnixMilli(-1 << 50), time.UnixMilli(1 << 50)}

// TestScripts: one archive takes the tweets of one script after the other, since making indices is what takes long.
func TestScripts(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		var before []tweet.ID
		seen := int64(0)
		querytest.Run(t, func(t *testing.T, tweets []*tweet.Payload) func(string) ([]tweet.ID, error) {
			if err := a.Purge(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			before = before[:0]
			for _, p := range tweets {
				before = append(before, p.Data.ID)
			}
			seen++
			imported(t, a, tweets, seen)
			return func(text string) ([]tweet.ID, error) {
				q, err := query.Parse(text, querytest.Now)
				if err != nil {
					return nil, err
				}
				return asked(t, a, q.Expr, 3)
			}
		})
	})
}

// asked gives the matches newest first, after it made sure that other ways to ask agree.
func asked(t *testing.T, a search.Searcher, e query.Expr, page int) ([]tweet.ID, error) {
	t.Helper()
	hits, err := paged(t.Context(), a, search.Request{Query: e, Limit: page})
	if err != nil {
		return nil, err
	}
	ids := idsOf(hits)
	up, err := paged(t.Context(), a, search.Request{Query: e, Ascending: true, Limit: page + 1})
	if err != nil {
		return nil, err
	}
	upIDs := idsOf(up)
	if slices.Reverse(upIDs); !slices.Equal(ids, upIDs) {
		t.Errorf("%s: ascending gives %v, descending %v", e, upIDs, ids)
	}
	n, err := a.Count(t.Context(), search.Request{Query: e}, always)
	if err != nil {
		return nil, err
	}
	if n[0] != int64(len(ids)) {
		t.Errorf("%s: counted %d, found %d", e, n[0], len(ids))
	}
	return ids, nil
}

// TestSeqBounds: what is asked for by its place in the journal, tombstones left out.
func TestSeqBounds(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		a := open(t, url)
		for seq := tweet.Seq(1); seq <= 9; seq++ {
			apply(t, a, seq, entry(t, seq, 1, text(tweet.ID(seq*7%10), "w")))
		}
		apply(t, a, 10, deleted(10, 4, 5)) // first seen at 2
		seq := func(n tweet.Seq) *tweet.Seq { return &n }
		for _, c := range []struct {
			after, until *tweet.Seq
			want         []tweet.ID
		}{
			{nil, nil, []tweet.ID{9, 8, 7, 6, 5, 3, 2, 1}},
			{seq(0), seq(3), []tweet.ID{7, 1}},
			{seq(3), nil, []tweet.ID{9, 8, 6, 5, 3, 2}},
			{nil, seq(1), []tweet.ID{7}},
			{seq(3), seq(3), nil},
			{seq(1 << 62), nil, nil},
			{seq(1<<63 - 1), nil, nil},
			{nil, seq(-1), nil},
		} {
			for _, e := range []query.Expr{query.All(), parse(t, "w"), parse(t, "-x"), query.AfterID(1 << 61)} {
				want := c.want
				if e == query.AfterID(1<<61) {
					want = nil
				}
				hits, err := paged(t.Context(), a, search.Request{Query: e, AfterSeq: c.after, UntilSeq: c.until, Limit: 2})
				if err != nil || !slices.Equal(idsOf(hits), want) {
					t.Errorf("%q after %v until %v: %v, %v", e, c.after, c.until, idsOf(hits), err)
				}
				for _, h := range hits {
					if tweet.Seq(h.ID) != h.FirstSeq*7%10 {
						t.Errorf("tweet %d has first_seq %d", h.ID, h.FirstSeq)
					}
				}
				n, err := a.Count(t.Context(), search.Request{Query: e, AfterSeq: c.after, UntilSeq: c.until}, always)
				if err != nil || n[0] != int64(len(want)) {
					t.Errorf("%q after %v until %v: counted %v, %v", e, c.after, c.until, n, err)
				}
			}
		}
	})
}

// TestFaults: what an answer lacks makes it an error, never a short answer.
func TestFaults(t *testing.T) {
	elastictest.Each(t, func(t *testing.T, url string) {
		fault := &answering{}
		a := open(t, url, through(fault))
		fill(t, a, []*tweet.Payload{text(1, "w"), text(2, "w")})
		for _, c := range []struct {
			answer string
			status int
			want   error
		}{
			{`{"timed_out":true,"_shards":{"total":1,"successful":1,"failed":0},"hits":{"hits":[]}}`, 200, search.ErrTimeout},
			{`{"timed_out":false,"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"reason":{"type":"node_disconnected_exception","reason":"gone"}}]},"hits":{"hits":[]}}`, 200, search.ErrUnavailable},
			{`{"error":{"type":"circuit_breaking_exception","reason":"too large"},"status":429}`, 429, search.ErrUnavailable},
			{`{"error":{"type":"search_phase_execution_exception","reason":"all shards failed","root_cause":[{"type":"circuit_breaking_exception","reason":"x"}]},"status":500}`, 500, search.ErrUnavailable},
			{`{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}`, 404, search.ErrUnavailable},
			{`{"error":{"type":"es_rejected_execution_exception","reason":"queue is full"},"status":429}`, 429, search.ErrUnavailable},
			{`not json`, 200, nil},
			{`{"error":{"type":"search_phase_execution_exception","reason":"","root_cause":[{"type":"too_many_clauses","reason":"maxClauseCount is set to 1024"}]},"status":400}`, 400, search.ErrTooComplex},
			{``, 503, search.ErrUnavailable},
		} {
			fault.set(c.answer, c.status)
			r := search.Request{Query: parse(t, "w"), Limit: 1}
			_, searchErr := a.Search(t.Context(), r)
			_, countErr := a.Count(t.Context(), r, always)
			_, facetsErr := a.Facets(t.Context(), r, []search.Facet{search.Sources}, 1)
			_, documentsErr := a.Documents(t.Context(), 0, 1)
			for what, err := range map[string]error{"search": searchErr, "count": countErr, "facets": facetsErr, "documents": documentsErr} {
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s, answered %d %s: %v", what, c.status, c.answer, err)
				}
			}
			fault.set("", 0)
			if ids := finds(t, a, "w"); len(ids) != 2 {
				t.Errorf("after %s: %v", c.answer, ids)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), -1)
		defer cancel()
		if _, err := a.Search(ctx, search.Request{Query: query.All(), Limit: 1}); !errors.Is(err, search.ErrTimeout) {
			t.Errorf("without time: %v", err)
		}
	})
}

// answering answers searches in the server's place, once it is told what.
type answering struct {
	mu     sync.Mutex
	answer string
	status int
}

func (f *answering) set(answer string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer, f.status = answer, status
}

func (f *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	answer, status := f.answer, f.status
	f.mu.Unlock()
	if status == 0 || !strings.HasSuffix(r.URL.Path, "/_search") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"X-Elastic-Product": {"Elasticsearch"}, "Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)), Request: r}, nil
}
