package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"birdwatch/tweet"
)

// TestElasticsearchFaults: whatever becomes of Elasticsearch, what was acknowledged is in the archive in the end, /readyz says that
// something is wrong while it is, and nobody has to lend a hand.
func TestElasticsearchFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it starts an Elasticsearch of its own")
	}
	es := startElastic(t)
	m := startMiddle(t, es.url)
	f := dataFlags{Data: t.TempDir(), Elastic: []string{m.URL}, With: elasticFlags{Prefix: "faults", Period: "year", Shards: 1, Refresh: 200 * time.Millisecond}}
	server := spawn(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, f.args()...)...)
	world := &faultWorld{t: t, server: server, token: tokenOf(t, f.Data)}
	ctx, cancel := context.WithCancel(t.Context())
	var posting sync.WaitGroup
	posting.Go(func() { world.post(ctx) })
	t.Cleanup(func() { cancel(); posting.Wait() })
	world.caughtUp("at first")

	faults := []struct {
		name     string
		begin    func()
		end      func()
		unready  bool // /readyz has to say so
		duration time.Duration
	}{
		{"stopped", func() { es.signal(t, syscall.SIGSTOP) }, func() { es.signal(t, syscall.SIGCONT) }, true, 15 * time.Second},
		{"killed", func() { es.signal(t, syscall.SIGKILL) }, func() { es.script(t, "start") }, true, 3 * time.Second},
		{"slow", func() { m.slow.Store(int64(300 * time.Millisecond)) }, func() { m.slow.Store(0) }, false, 5 * time.Second},
		{"half refused", func() { m.refuse.Store(true) }, func() { m.refuse.Store(false) }, false, 5 * time.Second},
		{"read-only", func() { es.block(t, true) }, func() { es.block(t, false) }, true, 5 * time.Second},
	}
	for _, fault := range faults {
		before := world.posted()
		fault.begin()
		time.Sleep(fault.duration) // the fault has to last a while
		if fault.unready {
			world.unready(fault.name)
		}
		fault.end()
		world.caughtUp(fault.name)
		if n := world.posted() - before; n < 20 {
			t.Errorf("%s: only %d posts were acknowledged meanwhile", fault.name, n)
		}
	}
	cancel()
	posting.Wait()
	world.caughtUp("in the end")
	world.all()
	server.stop(syscall.SIGTERM)
	if server.err != nil {
		t.Errorf("server: %v\n%s", server.err, server.log)
	}
}

// block sets or lifts the block that Elasticsearch sets by itself when its disk is nearly full.
func (e *ownElastic) block(t *testing.T, on bool) {
	t.Helper()
	value := "null"
	if on {
		value = "true"
	}
	status, answer := put(t, e.url+"/faults-*/_settings", `{"index.blocks.read_only_allow_delete":`+value+`}`)
	if status != http.StatusOK {
		t.Fatalf("block: %d %s", status, answer)
	}
}

func put(t *testing.T, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func tokenOf(t *testing.T, data string) string {
	t.Helper()
	token, err := localToken(data)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

type faultWorld struct {
	t      *testing.T
	server *process
	token  string

	mu  sync.Mutex
	ids []tweet.ID // acknowledged
}

func (w *faultWorld) posted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ids)
}

// post posts tweets until ctx ends. They are acknowledged by the journal, whatever the archive does.
func (w *faultWorld) post(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		id := tweet.IDAt(time.Now()) + tweet.ID(n%4096)
		body := fmt.Sprintf(`{"id_str":"%d","text":"fault number %d","created_at":"%s","lang":"en","user":{"id_str":"9","screen_name":"poster","name":"Poster"}}`, id, n, time.Now().UTC().Format(time.RubyDate))
		if status, _ := ask(w.t, ctx, http.MethodPost, w.server.url+"/2/tweets/ingest", w.token, body); status == http.StatusOK {
			w.mu.Lock()
			w.ids = append(w.ids, id)
			w.mu.Unlock()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// caughtUp waits until the archive is ready and has what was acknowledged until now.
func (w *faultWorld) caughtUp(when string) {
	w.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	w.mu.Lock()
	var last tweet.ID
	if n := len(w.ids); n > 0 {
		last = w.ids[n-1]
	}
	w.mu.Unlock()
	for {
		status, answer := ask(w.t, w.t.Context(), http.MethodGet, w.server.url+"/readyz", w.token, "")
		found := last == 0
		if !found {
			s, _ := ask(w.t, w.t.Context(), http.MethodGet, w.server.url+"/2/tweets/"+last.String(), w.token, "")
			found = s == http.StatusOK
		}
		if status == http.StatusOK && found {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not caught up: readyz %d %s, tweet %d there: %v\n%s", when, status, answer, last, found, w.server.log)
		}
		time.Sleep(200 * time.Millisecond) // asks a process
	}
}

// unready wants /readyz to name the archive as what is wrong.
func (w *faultWorld) unready(when string) {
	w.t.Helper()
	status, answer := ask(w.t, w.t.Context(), http.MethodGet, w.server.url+"/readyz", w.token, "")
	w.t.Logf("%s: readyz %d %s", when, status, answer)
	if status != http.StatusServiceUnavailable || !strings.Contains(answer, "rchive") {
		w.t.Errorf("%s: readyz says %d %s", when, status, answer)
	}
}

// all holds every acknowledged tweet against the archive.
func (w *faultWorld) all() {
	lost := 0
	for from := 0; from < len(w.ids); from += 100 {
		var ids []string
		for _, id := range w.ids[from:min(from+100, len(w.ids))] {
			ids = append(ids, id.String())
		}
		status, answer := 0, ""
		for try := 0; status != http.StatusOK && try < 10; try++ { // a busy server may ask for patience
			status, answer = ask(w.t, w.t.Context(), http.MethodGet, w.server.url+"/2/tweets?ids="+strings.Join(ids, ","), w.token, "")
		}
		if status != http.StatusOK {
			w.t.Errorf("look-up: %d %s", status, answer)
		}
		for _, id := range ids {
			if status != http.StatusOK || !strings.Contains(answer, `"id":"`+id+`"`) {
				lost++
			}
		}
	}
	w.t.Logf("%d acknowledged, %d lost", len(w.ids), lost)
	if lost > 0 || len(w.ids) < 100 {
		w.t.Errorf("%d of %d acknowledged tweets are lost", lost, len(w.ids))
	}
}
