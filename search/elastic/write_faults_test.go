package elastic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/search"
	"birdwatch/search/elastic"
	"birdwatch/search/elastic/elastictest"
	"birdwatch/tweet"
)

// network is the way to the server with a fault in it.
type network struct {
	mu    sync.Mutex // guards fault
	fault func(*http.Request) (*http.Response, error)
}

// set changes what is wrong; nil is nothing. A fault that gives neither answer nor error lets the request pass.
func (n *network) set(fault func(*http.Request) (*http.Response, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = fault
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	fault := n.fault
	n.mu.Unlock()
	if fault != nil {
		if a, err := fault(r); a != nil || err != nil {
			return a, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

func answers(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}, "X-Elastic-Product": {"Elasticsearch"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func isBulk(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/_bulk") }

func lines(t testing.TB, r *http.Request) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}

// numbers makes entries of n tweets.
func numbers(t testing.TB, first tweet.Seq, n int) (es []tweet.Entry) {
	for seq := first; seq < first+tweet.Seq(n); seq++ {
		es = append(es, entry(t, seq, 1, text(tweet.ID(seq), fmt.Sprintf("number %d and words that make it a little longer", seq))))
	}
	return es
}

func total(t testing.TB, a *elastic.Archive, tweets, letters int64, seq tweet.Seq) {
	t.Helper()
	s, err := a.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Tweets != tweets || s.DeadLetters != letters || s.Position.Seq != seq {
		t.Errorf("%d tweets, %d dead letters, seq %d; want %d, %d, %d", s.Tweets, s.DeadLetters, s.Position.Seq, tweets, letters, seq)
	}
}

// TestFaultsThatPass: what passes is waited for, and costs neither a tweet nor a dead letter.
func TestFaultsThatPass(t *testing.T) {
	limit := func(most int) func(t *testing.T, n int, r *http.Request) (*http.Response, error) {
		return func(t *testing.T, _ int, r *http.Request) (*http.Response, error) {
			if isBulk(r) && len(lines(t, r)) > most {
				return answers(413, "<html>nginx</html>"), nil
			}
			return nil, nil
		}
	}
	first := func(times, status int, body string) func(t *testing.T, n int, r *http.Request) (*http.Response, error) {
		return func(_ *testing.T, n int, r *http.Request) (*http.Response, error) {
			switch {
			case n > times || !isBulk(r):
				return nil, nil
			case status == 0:
				return nil, errors.New("connection reset by peer")
			}
			return answers(status, body), nil
		}
	}
	for name, fault := range map[string]func(t *testing.T, n int, r *http.Request) (*http.Response, error){
		"requests too large":  limit(20_000),
		"too many requests":   first(3, 429, `{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}`),
		"circuit breaker":     first(3, 429, `{"error":{"type":"circuit_breaking_exception","reason":"full"},"status":429}`),
		"bad gateway":         first(3, 502, "<html>nginx</html>"),
		"connections lost":    first(3, 0, ""),
		"half of the items":   refuseHalf(429, "es_rejected_execution_exception"),
		"shards not there":    refuseHalf(503, "unavailable_shards_exception"),
		"an item's own fault": refuseHalf(500, "some_exception"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elastictest.Each(t, func(t *testing.T, url string) {
				var way network
				a := open(t, url, through(&way))
				var mu sync.Mutex
				n := 0
				way.set(func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					if isBulk(r) {
						n++
					}
					return fault(t, n, r)
				})
				if out := apply(t, a, 100, numbers(t, 1, 100)...); out.Inserted != 100 {
					t.Errorf("outcome %+v", out)
				}
				total(t, a, 100, 0, 100)
				if n < 2 {
					t.Errorf("there was no fault: %d requests", n)
				}
			})
		})
	}
}

// refuseHalf takes half the items of each request and refuses the others.
func refuseHalf(status int, typ string) func(t *testing.T, n int, r *http.Request) (*http.Response, error) {
	return func(t *testing.T, _ int, r *http.Request) (*http.Response, error) {
		if !isBulk(r) {
			return nil, nil
		}
		all := bytes.SplitAfter(bytes.TrimSuffix(lines(t, r), []byte("\n")), []byte("\n"))
		kept := all[:max(len(all)/4, 1)*2]
		body := append(bytes.Join(kept, nil), '\n')
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer a.Body.Close()
		var answer struct {
			Errors bool              `json:"errors"`
			Items  []json.RawMessage `json:"items"`
		}
		if err := json.NewDecoder(a.Body).Decode(&answer); err != nil {
			return nil, err
		}
		for range (len(all) - len(kept)) / 2 {
			answer.Errors = true
			answer.Items = append(answer.Items, json.RawMessage(fmt.Sprintf(`{"index":{"status":%d,"error":{"type":%q,"reason":"no"}}}`, status, typ)))
		}
		b, err := json.Marshal(answer)
		return answers(200, string(b)), err
	}
}

// TestFaultsThatStay: Apply says that the archive is unavailable, moves nothing, and everything goes in when the server is back.
func TestFaultsThatStay(t *testing.T) {
	for name, fault := range map[string]func(r *http.Request) (*http.Response, error){
		"away": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"overloaded": func(r *http.Request) (*http.Response, error) {
			if isBulk(r) {
				return answers(429, `{"error":{"type":"es_rejected_execution_exception","reason":"full"},"status":429}`), nil
			}
			return nil, nil
		},
		"no more refreshes": func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/_refresh") {
				return answers(503, `{}`), nil
			}
			return nil, nil
		},
		"lost on the way back": func(r *http.Request) (*http.Response, error) {
			a, err := http.DefaultTransport.RoundTrip(r)
			if err == nil && (isBulk(r) || r.Method == http.MethodPut) {
				a.Body.Close()
				return nil, errors.New("connection reset by peer")
			}
			return a, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elastictest.Each(t, func(t *testing.T, url string) {
				var way network
				a := open(t, url, through(&way))
				apply(t, a, 2, numbers(t, 1, 2)...)
				way.set(fault)
				for range 2 {
					_, err := a.Apply(t.Context(), append(numbers(t, 3, 8), broken(11, 11)), tweet.Position{Epoch: "e", Seq: 11})
					if !errors.Is(err, search.ErrUnavailable) {
						t.Errorf("apply: %v", err)
					}
					if elastic.Explain(err) == "" {
						t.Errorf("not explained: %v", err)
					}
				}
				way.set(nil)
				if p, err := a.Position(t.Context()); err != nil || name != "lost on the way back" && p.Seq != 2 {
					t.Errorf("position %v, %v", p, err)
				}
				apply(t, a, 11, append(numbers(t, 3, 8), broken(11, 11))...)
				total(t, a, 10, 1, 11)
			})
		})
	}
}

// TestImportWaits: nobody would try an import again, so it waits for the server itself, until its context ends.
func TestImportWaits(t *testing.T) {
	t.Parallel()
	elastictest.Each(t, func(t *testing.T, url string) {
		var way network
		a := open(t, url, through(&way))
		began := time.Now()
		way.set(func(r *http.Request) (*http.Response, error) {
			if isBulk(r) && time.Since(began) < 4*time.Second {
				return nil, errors.New("connection refused")
			}
			return nil, nil
		})
		var recs []tweet.Record
		for _, e := range numbers(t, 1, 5) {
			recs = append(recs, e.Record)
		}
		if changes, err := a.Import(t.Context(), recs); err != nil || slices.Contains(changes, search.Same) {
			t.Errorf("import: %v, %v", changes, err)
		}
		total(t, a, 5, 0, 0)
	})
}
