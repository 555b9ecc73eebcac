package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/api"
	"birdwatch/live"
)

// bare is a server that no listener stands before, so that it can be bound to any address.
func bare(t *testing.T, c api.Config, now func() time.Time) http.Handler {
	t.Helper()
	w := newWorld()
	w.note(1, "a tweet")
	h, err := newHandler(w, c, now)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// handler is a server of a world, without a listener.
func handler(w *world) http.Handler {
	h, err := newHandler(w, api.Config{Addr: "127.0.0.1:1"}, func() time.Time { return noon })
	if err != nil {
		panic(err)
	}
	return h
}

func newHandler(w *world, c api.Config, now func() time.Time) (http.Handler, error) {
	a, err := api.New(c, api.Deps{Searcher: w, Reader: w, Hub: live.NewHub(w, past{w}, live.Options{}), Intake: intake{w}, Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler), Now: now, Ready: func(context.Context) []api.Check { return nil }})
	if err != nil {
		return nil, err
	}
	return a.Handler(), nil
}

func ask(h http.Handler, method, target string, header ...string) int {
	r := httptest.NewRequest(method, target, nil)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestWhoMay(t *testing.T) {
	const (
		loopback = "127.0.0.1:8080"
		open     = "0.0.0.0:8080"
		reading  = "a-token-for-reading"
		local    = "the-local-token-of-the-folder"
		read     = "Authorization: Bearer " + reading
		write    = "Authorization: bearer " + writeToken
		ours     = "Origin: http://localhost:8080"
	)
	tokens := api.Config{Addr: open, ReadTokens: []string{reading}, WriteTokens: []string{writeToken}, LocalToken: local}
	public := tokens
	public.Public = true
	lone := api.Config{Addr: loopback, LocalToken: local}
	page := lone
	page.PageMayWrite = true
	pageOpen := tokens
	pageOpen.PageMayWrite = true
	proxied := api.Config{Addr: loopback, Hosts: []string{"archive.example", "other.example:8443"}, CORSOrigins: []string{"https://friend.example"}, LocalToken: local}
	for _, test := range []struct {
		name       string
		c          api.Config
		get, erase int // what GET and DELETE of a tweet answer
		header     []string
	}{
		{"alone, no token", lone, 200, 401, nil},
		{"alone, any token reads", lone, 200, 401, []string{"Authorization: Bearer whatever"}},
		{"alone, the local token writes", lone, 200, 200, []string{"Authorization: Bearer " + local}},
		{"alone, own page", lone, 200, 401, []string{ours}},
		{"page may write", page, 200, 200, []string{ours}},
		{"page may write, old browser without Origin", page, 200, 401, nil},
		{"page may write, by Sec-Fetch-Site", page, 200, 200, []string{"Sec-Fetch-Site: same-origin"}},
		{"page may write, typed in", page, 200, 401, []string{"Sec-Fetch-Site: none"}},
		{"page may write, another port", page, 403, 403, []string{"Origin: http://localhost:3000"}},
		{"page may write, rebound name", page, 421, 421, []string{"Host: evil.example", "Origin: http://evil.example"}},
		{"page may write, not where others reach", pageOpen, 401, 401, []string{"Sec-Fetch-Site: same-origin"}},
		{"tokens, none given", tokens, 401, 401, nil},
		{"tokens, a wrong one", tokens, 401, 401, []string{"Authorization: Bearer whatever"}},
		{"tokens, reading", tokens, 200, 403, []string{read}},
		{"tokens, writing", tokens, 200, 200, []string{write}},
		{"tokens, half of one", tokens, 401, 401, []string{write[:len(write)-1]}},
		{"tokens, an address as Host", tokens, 200, 403, []string{read, "Host: 192.0.2.7:8080"}},
		{"tokens, a strange name as Host", tokens, 421, 421, []string{write, "Host: evil.example"}},
		{"public, none given", public, 200, 401, nil},
		{"public, any reads", public, 200, 401, []string{"Authorization: Bearer whatever"}},
		{"public, reading", public, 200, 403, []string{read}},
		{"proxied, its name", proxied, 200, 401, []string{"Host: archive.example"}},
		{"proxied, its name with any port", proxied, 200, 401, []string{"Host: ARCHIVE.example.:81"}},
		{"proxied, a name with its port", proxied, 200, 401, []string{"Host: other.example:8443"}},
		{"proxied, a name with another port", proxied, 421, 421, []string{"Host: other.example:81"}},
		{"proxied, upstream's name and the site as Origin", proxied, 200, 401, []string{"Host: localhost", "Origin: https://archive.example"}},
		{"friend reads only", proxied, 200, 403, []string{"Origin: https://friend.example", "Authorization: Bearer " + local}},
		{"friend by another scheme", proxied, 403, 403, []string{"Origin: http://friend.example"}},
		{"a link followed", lone, 200, 403, []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := bare(t, test.c, time.Now)
			header := append([]string{"Host: localhost:8080"}, test.header...)
			if got := ask(h, "GET", "/2/tweets/1", header...); got != test.get {
				t.Errorf("GET: %d, want %d", got, test.get)
			}
			if got := ask(h, "DELETE", "/2/tweets/1", header...); got != test.erase {
				t.Errorf("DELETE: %d, want %d", got, test.erase)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	s := serve(t, api.Config{CORSOrigins: []string{"https://friend.example"}})
	a := s.do(t, "OPTIONS", "/2/tweets/1", "", "Origin: https://friend.example", "Access-Control-Request-Method: DELETE")
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://friend.example" || strings.Contains(a.header.Get("Access-Control-Allow-Methods"), "DELETE") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.do(t, "OPTIONS", "/2/tweets/1", "", "Origin: https://evil.example"); a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

func TestSettingsThatLetStrangersIn(t *testing.T) {
	for _, test := range []struct {
		c    api.Config
		want error
	}{
		{api.Config{Addr: "0.0.0.0:80"}, api.ErrOpen},
		{api.Config{Addr: ":80"}, api.ErrOpen},
		{api.Config{Addr: "192.0.2.1:80", LocalToken: "does not count as one"}, api.ErrOpen},
		{api.Config{Addr: "[::]:80"}, api.ErrOpen},
	} {
		if _, err := api.New(test.c, api.Deps{}); !errors.Is(err, test.want) {
			t.Errorf("%+v: %v", test.c, err)
		}
	}
	for _, c := range []api.Config{{Addr: "nonsense"}, {Addr: "127.0.0.1:1", ReadTokens: []string{"short"}}, {Addr: "127.0.0.1:1", CORSOrigins: []string{"friend.example"}}} {
		if _, err := api.New(c, api.Deps{}); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// TestStreamTokens: a token for the URL opens streams, for a minute, and nothing else.
func TestStreamTokens(t *testing.T) {
	now := noon
	h := bare(t, api.Config{Addr: "127.0.0.1:8080", WriteTokens: []string{writeToken}}, func() time.Time { return now })
	mint := func() string {
		r := httptest.NewRequest("POST", "/2/tokens/stream", nil)
		r.Host = "localhost:8080"
		r.Header.Set("Authorization", "Bearer "+writeToken)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got struct {
			Data struct {
				AccessToken string `json:"access_token"`
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 201 {
			t.Fatalf("%d %v %s", w.Code, err, w.Body)
		}
		return got.Data.AccessToken
	}
	token := mint()
	if other := mint(); other == token {
		t.Error("two tokens are one")
	}
	// The hub does not run, so that whoever is let in is turned away with 503.
	for _, test := range []struct {
		path   string
		after  time.Duration
		status int
	}{
		{"/2/tweets/search/live?query=a", 0, 401},
		{"/2/tweets/search/live?query=a&access_token=" + token, 0, 503},
		{"/2/tweets/search/live?query=a&access_token=" + token, 59 * time.Second, 503},
		{"/2/tweets/search/live?query=a&access_token=" + token, time.Minute, 401},
		{"/2/tweets/search/live?query=a&access_token=" + token[1:], 0, 401},
		{"/2/tweets/search/live?query=a&access_token=B" + token[1:], 0, 401},
		{"/2/tweets/search/live?query=a&access_token=" + writeToken, 0, 401},
		{"/2/tweets/search/all?query=a&access_token=" + token, 0, 401},
	} {
		now = noon.Add(test.after)
		if got := ask(h, "GET", test.path, "Host: localhost:8080"); got != test.status {
			t.Errorf("%s after %s: %d, want %d", test.path, test.after, got, test.status)
		}
	}
	now = noon
	if got := ask(h, "GET", "/2/tweets/1", "Host: localhost:8080", "Authorization: Bearer "+token); got != 401 {
		t.Errorf("as a bearer token it opens tweets: %d", got)
	}
	if got := ask(h, "POST", "/2/tokens/stream", "Host: localhost:8080"); got != 401 {
		t.Errorf("anyone gets one: %d", got)
	}
}
