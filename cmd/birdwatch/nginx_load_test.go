package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/api/client"
)

// through is a client of a stream behind nginx: it resumes when it is cut.
type through struct {
	url   string
	last  string
	stall <-chan struct{} // it reads nothing more after the stream's first event before this is closed; nil: it reads
	ready chan struct{}   // closed when it has the stream's first event
	ids   []string
	cuts  int
}

// run ends when it has n tweets.
func (c *through) run(ctx context.Context, n int) error {
	var said sync.Once
	for len(c.ids) < n {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d of %d tweets: %w", len(c.ids), n, err)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
		if err != nil {
			return err
		}
		if c.last != "" {
			r.Header.Set("Last-Event-ID", c.last)
		}
		answer, err := (&http.Transport{}).RoundTrip(r) // a connection of its own
		if err != nil {
			continue
		}
		for e, err := range client.ReadEvents(answer.Body, nil) {
			if err != nil {
				break
			}
			c.last = e.ID
			said.Do(func() { close(c.ready) })
			if c.stall != nil {
				<-c.stall
			}
			if e.Name != "message" {
				continue
			}
			var line struct{ Data struct{ ID string } }
			if err := json.Unmarshal([]byte(e.Data), &line); err != nil {
				return errors.Join(err, answer.Body.Close())
			}
			if c.ids = append(c.ids, line.Data.ID); len(c.ids) == n {
				break
			}
		}
		c.cuts++
		if err := answer.Body.Close(); err != nil {
			return err
		}
	}
	return nil
}

// TestNginxUnderLoad: while tweets flow, nginx reads its configuration again, clients come, and one does not read. Nobody loses anything,
// and nobody waits for the slow one.
func TestNginxUnderLoad(t *testing.T) {
	tool(t, "nginx")
	const tweets, step = 1200, 20
	data := t.TempDir()
	server := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--host", "backend")
	token, err := localToken(data)
	if err != nil {
		t.Fatal(err)
	}
	front, reload := startNginx(t, server.address())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	wake := make(chan struct{})
	clients := make([]*through, 12)
	var quick, slow sync.WaitGroup
	for i := range clients {
		c := &through{url: front + "/2/tweets/search/live?query=flood", ready: make(chan struct{})}
		running := &quick
		if i == 0 {
			c.stall, running = wake, &slow
		}
		clients[i] = c
		running.Go(func() {
			if err := c.run(ctx, tweets); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	for _, c := range clients {
		select {
		case <-c.ready:
		case <-ctx.Done():
			t.Fatal("not all streams began")
		}
	}
	var want []string
	filler := strings.Repeat("as much as a long tweet can say, and then some more of it ", 100)
	for from := 0; from < tweets; from += step {
		var body strings.Builder
		for i := from; i < from+step; i++ {
			id := fmt.Sprint(1_600_000_000_000_000_000 + i)
			want = append(want, id)
			fmt.Fprintf(&body, `{"id_str":"%s","full_text":"flood %s","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`+"\n", id, filler)
		}
		if status, text := ask(t, ctx, http.MethodPost, server.url+"/2/tweets/ingest", token, body.String()); status != http.StatusOK {
			t.Fatalf("ingest: %d %s", status, text)
		}
		if from%(tweets/4) == 0 {
			if err := reload(); err != nil {
				t.Fatal(err)
			}
		}
	}
	quick.Wait() // the slow one reads nothing yet
	close(wake)
	slow.Wait()
	cuts := 0
	for i, c := range clients {
		if cuts += c.cuts - 1; !slices.Equal(c.ids, want) {
			t.Errorf("client %d has %d tweets, not the %d in order", i, len(c.ids), len(want))
		}
	}
	t.Logf("%d clients have %d tweets of %d KB each; they were cut %d times", len(clients), tweets, len(filler)>>10, cuts)
}
