package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"birdwatch/tweet"
)

// TestMixed: a stream with deletes flows, the crowd of TestExact comes and goes, and visitors ask for all else: pages, counts, facets, exports,
// rules and their stream, queries that are changed on the way, zipped streams, streams that nobody reads. What the crowd was sent is judged as there; and
// in the end no goroutine is left of all who came, and the server's memory has not grown. scripts/exactness mixed runs it for an hour.
func TestMixed(t *testing.T) {
	rate, seconds := setting("BIRDWATCH_MIXED_RATE", 200), setting("BIRDWATCH_MIXED_SECONDS", 10)
	subscribers, visitors := setting("BIRDWATCH_MIXED_SUBSCRIBERS", 30), setting("BIRDWATCH_MIXED_VISITORS", 8)
	if testing.Short() {
		rate, seconds, subscribers, visitors = 50, 4, 10, 4
	}
	f := dataFlags{Data: t.TempDir()}
	player := spawn(t, "replay", "--listen", "127.0.0.1:0", "--rate", strconv.Itoa(rate), "--loop", "--renumber", "--deletes", "0.05", "--delete-after", "2s", "--seed", "7")
	server := startQuiet(t, f, player.url, "127.0.0.1:0")
	token, err := localToken(f.Data)
	if err != nil {
		t.Fatal(err)
	}
	before := vitalsOf(t, server)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	crowd := &crowd{url: server.url, rare: rareQueries(t, 100), broad: 20, stay: 3}
	guests := &guests{url: server.url, token: token, asked: map[string]int{}}
	var running sync.WaitGroup
	for i := range subscribers {
		running.Go(func() { crowd.subscriber(ctx, rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	for i := range visitors {
		running.Go(func() { guests.visit(t, ctx, rand.New(rand.NewPCG(2, uint64(i)))) })
	}
	var acknowledged []tweet.ID
	running.Go(func() { acknowledged = crowd.poster(t, ctx, f.Data) })
	watched := watchVitals(t, ctx, server, time.Duration(seconds)*time.Second/60)
	running.Wait()
	settled := before
	if err := waitFor(t.Context(), func() (bool, error) {
		settled = vitalsOf(t, server)
		return settled.streams == 0 && settled.goroutines <= before.goroutines+4, nil
	}); err != nil {
		t.Errorf("%d goroutines and %d streams are left; there were %d goroutines before: %v", settled.goroutines, settled.streams, before.goroutines, err)
	}
	player.stop(syscall.SIGTERM)
	server.stop(syscall.SIGTERM)
	if server.err != nil {
		t.Errorf("server: %v\n%s", server.err, server.log)
	}
	judgeVitals(t, before, settled, watched, seconds >= 600)
	t.Logf("visits: %v", guests.asked)
	judgeCrowd(t, f, crowd, acknowledged)
}

// guests ask for what the crowd does not. Each answer has to be right as far as one can say while tweets come and go.
type guests struct {
	url, token string

	mu    sync.Mutex // guards what follows
	asked map[string]int
}

// visit asks for one thing after another until ctx ends.
func (g *guests) visit(t *testing.T, ctx context.Context, r *rand.Rand) {
	kinds := []struct {
		name  string
		visit func(context.Context, *rand.Rand) error
	}{{"pages", g.pages}, {"counts", g.counts}, {"facets", g.facets}, {"export", g.export}, {"rules", g.rules}, {"change", g.change}, {"zipped", g.zipped}, {"deaf", g.deaf}, {"wrong", g.wrong}}
	for ctx.Err() == nil {
		k := kinds[r.IntN(len(kinds))]
		if err := k.visit(ctx, r); err != nil && ctx.Err() == nil && !errors.Is(err, errLate) {
			t.Errorf("%s: %v", k.name, err)
			return
		}
		g.mu.Lock()
		g.asked[k.name]++
		g.mu.Unlock()
		select {
		case <-time.After(time.Duration(r.IntN(300)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// ask gives the body of an answer that has to have a status.
func (g *guests) ask(ctx context.Context, method, path string, q url.Values, body string, want int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, g.url+path+"?"+q.Encode(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	full := answer.StatusCode == http.StatusServiceUnavailable && bytes.Contains(b, []byte("exports are being written already"))
	if answer.StatusCode == http.StatusGatewayTimeout || full { // the machine is busy, and the server says so
		g.mu.Lock()
		g.asked["late"]++
		g.mu.Unlock()
		return nil, errLate
	}
	if err == nil && answer.StatusCode != want {
		err = fmt.Errorf("%s %s?%s: %s, not %d: %.500s", method, path, q.Encode(), answer.Status, want, b)
	}
	return b, err
}

var errLate = errors.New("it took too long")

func someQuery(r *rand.Rand) string {
	for {
		if q := crowdQueries[r.IntN(len(crowdQueries))]; q != "" && q != "#*" {
			return q
		}
	}
}

func (g *guests) pages(ctx context.Context, r *rand.Rand) error {
	q := url.Values{"query": {someQuery(r)}, "max_results": {"50"}}
	before := ""
	for range 1 + r.IntN(4) {
		b, err := g.ask(ctx, http.MethodGet, "/2/tweets/search/all", q, "", http.StatusOK)
		if err != nil {
			return err
		}
		var page struct {
			Data []struct{ ID string }
			Meta struct {
				Next string `json:"next_token"`
			}
		}
		if err := json.Unmarshal(b, &page); err != nil {
			return err
		}
		for _, d := range page.Data {
			if before != "" && (len(d.ID) > len(before) || len(d.ID) == len(before) && d.ID >= before) {
				return fmt.Errorf("%v: %s after %s", q, d.ID, before)
			}
			before = d.ID
		}
		if page.Meta.Next == "" {
			return nil
		}
		q.Set("next_token", page.Meta.Next)
	}
	return nil
}

func (g *guests) counts(ctx context.Context, r *rand.Rand) error {
	_, err := g.ask(ctx, http.MethodGet, "/2/tweets/counts/all", url.Values{"query": {someQuery(r)}, "granularity": {[]string{"minute", "hour", "day"}[r.IntN(3)]}}, "", http.StatusOK)
	return err
}

func (g *guests) facets(ctx context.Context, r *rand.Rand) error {
	_, err := g.ask(ctx, http.MethodGet, "/2/tweets/search/facets", url.Values{"query": {someQuery(r)}}, "", http.StatusOK)
	return err
}

// export takes all, or leaves in the middle.
func (g *guests) export(ctx context.Context, r *rand.Rand) error {
	short, cancel := context.WithTimeout(ctx, time.Duration(r.IntN(2000))*time.Millisecond)
	defer cancel()
	_, err := g.ask(short, http.MethodGet, "/2/tweets/search/export", url.Values{"query": {someQuery(r)}, "start_time": {time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)}}, "", http.StatusOK)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// rules makes one, reads the stream of all for a while, and takes it away.
func (g *guests) rules(ctx context.Context, r *rand.Rand) error {
	const path = "/2/tweets/search/stream/rules"
	value, err := json.Marshal(fmt.Sprintf("%s -nobody%d", someQuery(r), r.Uint32()))
	if err != nil {
		return err
	}
	b, err := g.ask(ctx, http.MethodPost, path, nil, fmt.Sprintf(`{"add":[{"value":%s}]}`, value), http.StatusCreated)
	if err != nil {
		return err
	}
	var made struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(b, &made); err != nil || len(made.Data) != 1 {
		return fmt.Errorf("%w: %s", err, b)
	}
	lines, err := g.read(ctx, r, "/2/tweets/search/stream", "")
	for _, l := range lines {
		if err == nil && l != "\r" && !json.Valid([]byte(l)) { // a bare line keeps the connection
			err = fmt.Errorf("stream of rules: %q", l)
		}
	}
	_, after := g.ask(ctx, http.MethodPost, path, nil, fmt.Sprintf(`{"delete":{"ids":["%s"]}}`, made.Data[0].ID), http.StatusOK)
	return errors.Join(err, after)
}

// read gives the whole lines of a stream of up to two seconds.
func (g *guests) read(ctx context.Context, r *rand.Rand, path, encoding string) ([]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	if encoding == "" {
		encoding = "identity"
	}
	request.Header.Set("Accept-Encoding", encoding)
	answer, err := (&http.Transport{}).RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	defer time.AfterFunc(time.Duration(r.IntN(2000))*time.Millisecond, func() { answer.Body.Close() }).Stop()
	b, _ := io.ReadAll(answer.Body) // it ends when it is closed
	lines := strings.Split(string(b), "\n")
	return lines[:len(lines)-1], nil
}

// change opens a stream, and asks for something else on it.
func (g *guests) change(ctx context.Context, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(2+r.IntN(2))*time.Second)
	defer cancel()
	name := fmt.Sprintf("guest-%016x", r.Uint64())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/2/tweets/search/live?"+url.Values{"query": {someQuery(r)}, "connection": {name}}.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if ctx.Err() != nil {
		return nil // the machine is busy
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	for range r.IntN(3) {
		value, err := json.Marshal(someQuery(r))
		if err != nil {
			return err
		}
		if _, err := g.ask(ctx, http.MethodPut, "/2/tweets/search/live/"+name, nil, fmt.Sprintf(`{"queries":[{"query":%s}]}`, value), http.StatusOK); err != nil && ctx.Err() == nil {
			return err
		}
	}
	_, _ = io.Copy(io.Discard, answer.Body) // until the time is over
	return nil
}

func (g *guests) zipped(ctx context.Context, r *rand.Rand) error {
	_, err := g.read(ctx, r, "/2/tweets/search/live?"+url.Values{"query": {someQuery(r)}, "backfill": {"100"}}.Encode(), "gzip")
	return err
}

// deaf asks for everything, reads nothing, and goes without a word.
func (g *guests) deaf(ctx context.Context, r *rand.Rand) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET /2/tweets/search/live?backfill=%d HTTP/1.1\r\nHost: birdwatch\r\n\r\n", r.IntN(1000)); err != nil {
		return err
	}
	select {
	case <-time.After(time.Duration(r.IntN(10000)) * time.Millisecond):
	case <-ctx.Done():
	}
	return nil
}

func (g *guests) wrong(ctx context.Context, r *rand.Rand) error {
	bad := []string{"(a", "from:", "\"", "a OR", "lang:", "min_likes:x", strings.Repeat("(", 500)}
	_, err := g.ask(ctx, http.MethodGet, "/2/tweets/search/all", url.Values{"query": {bad[r.IntN(len(bad))]}}, "", http.StatusBadRequest)
	return err
}
