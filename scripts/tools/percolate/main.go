// Command percolate gives the workload that live's benchmark writes to Elasticsearch's percolator:
//
//	percolate URL PID DIR SECONDS
//
// With and without index_prefixes, and for documents one by one and in batches of a thousand, it compares what is found for the first tweets with what must
// be, and then runs for so long. Figures are tweets for a second of CPU time of the server, which is process PID; its
// client's is not counted.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: percolate URL PID DIR SECONDS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "percolate:", err)
		os.Exit(1)
	}
}

func run(url, pid, dir, limit string) error {
	seconds, err := strconv.ParseFloat(limit, 64)
	if err != nil {
		return err
	}
	queries, err := lines(filepath.Join(dir, "queries"))
	if err != nil {
		return err
	}
	tweets, err := lines(filepath.Join(dir, "tweets"))
	if err != nil {
		return err
	}
	checks, err := lines(filepath.Join(dir, "checks"))
	if err != nil {
		return err
	}
	for _, mode := range []string{"plain", "prefixes"} {
		s := server{url: url, pid: pid, index: "standing-" + mode}
		if err := s.register(queries, mode == "prefixes"); err != nil {
			return err
		}
		for i, batch := range []int{1, 1000} {
			if err := s.check(tweets, batch, checks[i]); err != nil {
				return err
			}
			rate, err := s.measure(tweets, batch, seconds)
			if err != nil {
				return err
			}
			fmt.Printf("percolator-%s-%d %d %.0f\n", mode, batch, len(queries), rate)
		}
		if err := s.ask(http.MethodDelete, "/"+s.index, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func lines(file string) ([]string, error) {
	b, err := os.ReadFile(file)
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n"), err
}

type server struct{ url, pid, index string }

// check compares what is found for the first tweets with what must be.
func (s *server) check(tweets []string, batch int, want string) error {
	var checked int
	var sum, got uint64
	if _, err := fmt.Sscanf(want, "%d %x", &checked, &sum); err != nil {
		return err
	}
	for from := 0; from < checked; from += batch {
		n, err := s.match(tweets, from, min(batch, checked-from))
		if err != nil {
			return err
		}
		got += n
	}
	if got != sum {
		return fmt.Errorf("%s finds other queries for the first %d tweets", s.index, checked)
	}
	return nil
}

// measure is how many tweets are matched for a second of CPU time, after half of the time to warm up.
func (s *server) measure(tweets []string, batch int, seconds float64) (rate float64, err error) {
	at := 0
	for _, limit := range []float64{seconds / 2, seconds} {
		begun, err := s.cpu()
		if err != nil {
			return 0, err
		}
		now := begun
		done := 0
		for ; now-begun < limit; done += batch {
			if at+batch > len(tweets) {
				at = 0
			}
			if _, err := s.match(tweets, at, batch); err != nil {
				return 0, err
			}
			at += batch
			if now, err = s.cpu(); err != nil {
				return 0, err
			}
		}
		rate = float64(done) / (now - begun)
	}
	return rate, nil
}

// match gives the checksum of the queries that tweets match.
func (s *server) match(tweets []string, from, n int) (sum uint64, err error) {
	type document struct {
		Words string `json:"words"`
	}
	documents := make([]document, n)
	for i := range documents {
		documents[i].Words = tweets[from+i]
	}
	body := map[string]any{"size": 1_000_000, "_source": false, "track_total_hits": false, "sort": []string{"_doc"},
		"query": map[string]any{"constant_score": map[string]any{"filter": map[string]any{"percolate": map[string]any{"field": "query", "documents": documents}}}}}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string `json:"_id"`
				Fields struct {
					Slots []int `json:"_percolator_document_slot"`
				} `json:"fields"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := s.ask(http.MethodPost, "/"+s.index+"/_search", body, &answer); err != nil {
		return 0, err
	}
	for _, h := range answer.Hits.Hits {
		query, err := strconv.ParseUint(h.ID, 10, 32)
		if err != nil {
			return 0, err
		}
		for _, slot := range h.Fields.Slots {
			sum += mix(query, uint64(from+slot))
		}
	}
	return sum, nil
}

// mix is the last step of splitmix64 of a query and a tweet.
func mix(query, tweet uint64) uint64 {
	z := (query<<32 | tweet) + 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// register makes the index and its queries, merged into one segment.
func (s *server) register(queries []string, prefixes bool) error {
	words := map[string]any{"type": "text", "analyzer": "whitespace", "norms": false}
	if prefixes {
		words["index_prefixes"] = map[string]any{"min_chars": 1, "max_chars": 15}
	}
	if err := s.ask(http.MethodPut, "/"+s.index, map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": -1, "max_result_window": 1_000_000},
		"mappings": map[string]any{"properties": map[string]any{"words": words, "query": map[string]any{"type": "percolator"}}},
	}, nil); err != nil {
		return err
	}
	begun := time.Now()
	for from := 0; from < len(queries); from += 5000 {
		var bulk bytes.Buffer
		for i := from; i < min(from+5000, len(queries)); i++ {
			p := parser{strings.Fields(queries[i])}
			doc, err := json.Marshal(map[string]any{"query": p.query()})
			if err != nil {
				return err
			}
			fmt.Fprintf(&bulk, "{\"index\":{\"_id\":\"%d\"}}\n%s\n", i, doc)
		}
		var answer struct{ Errors bool }
		if err := s.ask(http.MethodPost, "/"+s.index+"/_bulk", &bulk, &answer); err != nil {
			return err
		}
		if answer.Errors {
			return errors.New("a query was refused")
		}
	}
	for _, path := range []string{"/_refresh", "/_forcemerge?max_num_segments=1", "/_refresh"} {
		if err := s.ask(http.MethodPost, "/"+s.index+path, nil, nil); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "percolator %s: %d queries registered, %.0f a second\n", s.index, len(queries), float64(len(queries))/time.Since(begun).Seconds())
	return nil
}

// ask sends a request; a body that is no buffer is sent as JSON.
func (s *server) ask(method, path string, body, answer any) error {
	buffer, ok := body.(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
		if body != nil {
			if err := json.NewEncoder(buffer).Encode(body); err != nil {
				return err
			}
		}
	}
	r, err := http.NewRequest(method, s.url+path, buffer)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %.500s", method, path, res.Status, b)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}

// cpu is what the server has had, in seconds; Linux counts in hundredths.
func (s *server) cpu() (float64, error) {
	b, err := os.ReadFile("/proc/" + s.pid + "/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, err
}
