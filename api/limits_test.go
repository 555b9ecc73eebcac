package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
)

// from makes all requests of a server come from an address.
func (s *served) from(address string) { s.remote.Store(&address) }

// TestStreamsOfOneClient: one address, and one token, have a bound of their own; a proxy's address has none.
func TestStreamsOfOneClient(t *testing.T) {
	s := serve(t, api.Config{MaxStreamsAddress: 2, MaxStreamsToken: 1, ReadTokens: []string{"a-token-for-reading", "another-for-reading"}})
	a, b := "Authorization: Bearer a-token-for-reading", "Authorization: Bearer another-for-reading"
	s.from("[2001:db8::1:2]:999")
	one := s.open(t, "query=bird", a)
	if x := s.get(t, "/2/tweets/search/live?query=bird", a); problemOf(t, x).Status != 503 || x.header.Get("Retry-After") == "" {
		t.Errorf("a second with the token: %+v", x)
	}
	s.open(t, "query=bird", a, "Accept: text/event-stream").want("bye", "", `{"reason":"token"}`)
	one.close()
	for s.hub.Stats().Subscriptions > 0 {
		time.Sleep(time.Millisecond)
	}
	s.open(t, "query=bird", a)
	s.open(t, "query=bird", b)
	s.from("[2001:db8::ffff]:1000") // the same network
	s.open(t, "query=bird", a, "Accept: text/event-stream").want("bye", "", `{"reason":"address"}`)
	s.from("[2001:db8:0:1::1]:1000") // another one
	s.open(t, "query=bird", b, "Accept: text/event-stream").want("bye", "", `{"reason":"token"}`)

	proxied := serve(t, api.Config{MaxStreamsAddress: 1})
	proxied.open(t, "query=bird")
	proxied.open(t, "query=bird").want("live", "e1-0", "*")
	if x := proxied.get(t, "/metrics"); !strings.Contains(x.body, "birdwatch_live_subscriptions 2") || !strings.Contains(x.body, "birdwatch_live_lag_seconds 0") {
		t.Errorf("metrics: %s", x.body)
	}
	if x := s.get(t, "/metrics", a); !strings.Contains(x.body, `birdwatch_stream_refused_total{reason="token"} 3`) || !strings.Contains(x.body, `birdwatch_stream_refused_total{reason="address"} 1`) {
		t.Errorf("metrics: %s", x.body)
	}
}

// TestStreamOverHTTP2: many streams share a connection, over TLS as browsers have it and without as proxies do; each is as over HTTP/1.
func TestStreamOverHTTP2(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := serve(t, api.Config{Heartbeat: 20 * time.Millisecond})
		protocols := new(http.Protocols)
		protocols.SetHTTP2(secure)
		protocols.SetUnencryptedHTTP2(!secure)
		client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
		url := s.URL
		if secure {
			x := s.secured(t)
			url, client = x.URL, x.Client()
		}
		var rs []*reader
		for range 12 { // twice what HTTP/1 lets a browser have
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			r, err := http.NewRequestWithContext(ctx, "GET", url+"/2/tweets/search/live?query=bird&max_rate=1", nil)
			if err != nil {
				t.Fatal(err)
			}
			a, err := client.Do(r)
			if err != nil || a.StatusCode != 200 || a.ProtoMajor != 2 {
				t.Fatalf("%v %+v", err, a)
			}
			x := &reader{t: t, cancel: cancel, answer: a, lines: bufio.NewScanner(a.Body)}
			t.Cleanup(x.close)
			if b, _ := x.block(); b.retry == "" {
				t.Fatalf("it begins with %+v", b)
			}
			x.want("live", "e1-0", "*")
			rs = append(rs, x)
		}
		s.note(1, "bird")
		s.note(2, "bird")
		for _, r := range rs {
			r.want("", "e1-1", "*")
			r.want("rate", "e1-2", `{"left_out":1,"since_seq":1,"until_seq":2}`)
			if b, ok := r.block(); !ok || b.comment == "" {
				t.Errorf("no heartbeat: %+v", b)
			}
		}
		s.hub.Close()
		for _, r := range rs {
			r.want("bye", "e1-2", "*")
			r.wantEnd()
		}
		client.CloseIdleConnections()
	}
}

// TestSelfTest: the server opens a stream to itself and says how long it took, and how old the next tweet was.
func TestSelfTest(t *testing.T) {
	s := serve(t, api.Config{})
	var d struct {
		Data struct {
			OK            bool
			ConnectMS     float64 `json:"connect_ms"`
			Tweet         *struct{ Place string }
			Subscriptions int
		}
	}
	a := s.get(t, "/debug/live?wait=0")
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != 200 || !d.Data.OK || d.Data.ConnectMS <= 0 || d.Data.Tweet != nil {
		t.Errorf("%d %s", a.status, a.body)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				s.note(1, "bird")
			}
		}
	}()
	a = s.get(t, "/debug/live?wait=10")
	close(stop)
	<-done
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || !d.Data.OK || d.Data.Tweet == nil || !strings.HasPrefix(d.Data.Tweet.Place, "e1-") {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.hub.Close()
	if a = s.get(t, "/debug/live?wait=0"); a.status != 503 {
		t.Errorf("of a server that ends: %d %s", a.status, a.body)
	}
}
