package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"birdwatch/api/client"
)

// ours answers as the API does.
func ours(t *testing.T) *client.Client {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2/tweets/search/all", func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("next_token") {
		case "":
			fmt.Fprint(w, `{"data":[{"id":"3"},{"id":"2"}],"meta":{"result_count":2,"next_token":"t"}}`)
		case "t":
			fmt.Fprint(w, `{"data":[{"id":"1"}],"meta":{"result_count":1}}`)
		}
	})
	mux.HandleFunc("GET /2/tweets/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"data":{"id":"%s"},"includes":{"users":[]}}`, r.PathValue("id"))
	})
	mux.HandleFunc("GET /2/tweets/{id}/raw", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Captured-At", "2024-06-01T12:00:00.000Z")
		w.Write([]byte("a\x00\xffb"))
	})
	mux.HandleFunc("DELETE /2/tweets/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Error("no token")
		}
		if r.PathValue("id") == "5" {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"title":"Forbidden","detail":"This token is for reading."}`)
		}
	})
	mux.HandleFunc("POST /2/tweets/ingest", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%v, as %q", err, r.Header.Get("Content-Type"))
		}
		fmt.Fprintf(w, `{"data":[{"id":"1","result":"new","pos":1}],"meta":{"result_count":%d,"summary":{"new":1}}}`, strings.Count(string(b), "\n"))
	})
	mux.HandleFunc("POST /2/tweets/import", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":{"new":1}}`) })
	mux.HandleFunc("GET /2/status", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `not JSON`) })
	server := httptest.NewServer(mux)
	c := client.New(server.URL, "secret")
	t.Cleanup(func() { c.Close(); server.Close() })
	return c
}

func TestAll(t *testing.T) {
	var ids []string
	q := url.Values{"query": {"bird"}}
	for tw, err := range ours(t).All(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(tw))
	}
	if got := strings.Join(ids, ""); got != `{"id":"3"}{"id":"2"}{"id":"1"}` || q.Has("next_token") {
		t.Errorf("%s %v", got, q)
	}
	for range ours(t).All(t.Context(), q) {
		break
	}
}

func TestSingleTweets(t *testing.T) {
	c := ours(t)
	if tw, err := c.Get(t.Context(), "7", nil); err != nil || string(tw.Data) != `{"id":"7"}` {
		t.Errorf("%v %+v", err, tw)
	}
	raw, header, err := c.Raw(t.Context(), "7")
	if err != nil || string(raw) != "a\x00\xffb" || header.Get("X-Captured-At") == "" {
		t.Errorf("%v %q %v", err, raw, header)
	}
	if err := c.Delete(t.Context(), "7"); err != nil {
		t.Error(err)
	}
	var problem *client.Error
	if err := c.Delete(t.Context(), "5"); !errors.As(err, &problem) || problem.Status != 403 || !problem.Lasting() || err.Error() != "This token is for reading." {
		t.Errorf("%v", err)
	}
}

func TestSending(t *testing.T) {
	c := ours(t)
	body, in := io.Pipe() // of no known length: it goes as it is made
	go func() {
		for range 1000 {
			fmt.Fprintln(in, "{}")
		}
		in.Close()
	}()
	if got, err := c.Ingest(t.Context(), body); err != nil || got.Meta.ResultCount != 1000 || got.Data[0].Result != "new" {
		t.Errorf("%v %+v", err, got)
	}
	if got, err := c.Import(t.Context(), []byte("{}\n")); err != nil || string(got) != `{"new":1}` {
		t.Errorf("%v %s", err, got)
	}
	if _, err := c.Status(t.Context()); err == nil {
		t.Error("what is not JSON is taken")
	}
}

// TestNoServer: the error names the server, and not what was asked.
func TestNoServer(t *testing.T) {
	c := client.New("http://127.0.0.1:1", "secret")
	defer c.Close()
	_, err := c.Search(t.Context(), url.Values{"query": {"private"}})
	if err == nil || strings.Contains(err.Error(), "private") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%v", err)
	}
}
