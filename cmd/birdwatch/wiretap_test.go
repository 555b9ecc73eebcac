package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// wiretap keeps what a client reads of its answers, connection by connection.
type wiretap struct {
	http.RoundTripper
	mu    sync.Mutex // guards what follows
	taken []*bytes.Buffer
}

func (w *wiretap) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 {
		return resp, err
	}
	b := new(bytes.Buffer)
	w.mu.Lock()
	w.taken = append(w.taken, b)
	w.mu.Unlock()
	inner := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(inner, b), inner}
	return resp, nil
}

// whole gives the tweets, each with the one that it repeats, 0 for none, and the deletes, whose messages came to their ends, by a reading of
// the bytes that knows nothing of the source's.
func (w *wiretap) whole() (tweets map[int64]int64, deletes map[int64]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tweets, deletes = map[int64]int64{}, map[int64]bool{}
	for _, b := range w.taken {
		for piece := range bytes.SplitSeq(b.Bytes(), []byte("\r\n")) {
			d := json.NewDecoder(bytes.NewReader(piece))
			for {
				var m struct {
					IDStr   string `json:"id_str"`
					Repeats struct {
						IDStr string `json:"id_str"`
					} `json:"retweeted_status"`
					Delete *struct {
						Status struct {
							IDStr string `json:"id_str"`
						}
					}
				}
				if d.Decode(&m) != nil {
					break
				}
				if m.Delete != nil {
					id, _ := strconv.ParseInt(m.Delete.Status.IDStr, 10, 64)
					deletes[id] = true
				} else if id, err := strconv.ParseInt(m.IDStr, 10, 64); err == nil {
					tweets[id], _ = strconv.ParseInt(m.Repeats.IDStr, 10, 64)
				}
			}
		}
	}
	return tweets, deletes
}

// faultScenario has everything happen; the slow variant with the times of life.
func faultScenario(slow bool) (string, []string, time.Duration) {
	if slow {
		return `every 3m reset
every 4m cut
every 5m30s stall 100s
every 7m disconnect 12
every 6m20s close
every 7m40s flood 3000
every 9m close
every 9m refuse 503 20s
every 11m close
every 11m refuse 420 30s`, []string{"reset", "closed", "stall", "disconnect-12", "disconnect-4", "http-503", "http-420"}, 90 * time.Second
	}
	// once quickly, and again until all has been seen, as a stream may be away when something happens
	return `1s reset
2s cut
3s stall 5s
5s disconnect 12
6500ms flood 3000
9s close
9s refuse 503 5s
every 29s reset
every 31s cut
every 37s stall 5s
every 41s disconnect 12
every 47s flood 3000
every 43s close
every 43s refuse 503 5s`, []string{"reset", "closed", "stall", "disconnect-12", "disconnect-4", "http-503"}, 600 * time.Millisecond
}
