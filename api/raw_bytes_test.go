package api_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
)

// TestRawBytes sends what no client library would.
func TestRawBytes(t *testing.T) {
	s := serve(t, api.Config{WriteTokens: []string{writeToken}, Public: true, ReadTimeout: 50 * time.Millisecond})
	s.note(1, "a tweet")
	const post = "POST /2/tweets/ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + writeToken + "\r\n"
	for _, test := range []struct {
		name, send string
		status     int // of the answer
		hangUp     bool
	}{
		{"no request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n", 400, false},
		{"no host", "GET /2/tweets/1 HTTP/1.1\r\n\r\n", 400, false},
		{"two hosts", "GET /2/tweets/1 HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400, false},
		{"bad version", "GET /2/tweets/1 HTTP/9.1\r\nHost: localhost\r\n\r\n", 505, false},
		{"HTTP/1.0 without host", "GET /2/tweets/1 HTTP/1.0\r\n\r\n", 200, false},
		{"HTTP/1.0 with a foreign host", "GET /2/tweets/1 HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421, false},
		{"absolute URI", "GET http://localhost/2/tweets/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200, false},
		{"absolute URI of another", "GET http://evil.example/2/tweets/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 421, false},
		{"CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 421, true},
		{"star", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200, false},
		{"NUL in the path", "GET /2/tweets/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, false},
		{"raw UTF-8 in the query", "GET /2/tweets/search/all?query=caf\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200, false},
		{"raw bytes in the query", "GET /2/tweets/search/all?query=\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400, false},
		{"header without colon", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 400, false},
		{"header with a line end in it", "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n", 400, false},
		{"megabyte of query", "GET /2/tweets/search/all?query=" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, false},
		{"megabyte of headers", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", 431, false},
		{"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400, false},
		{"negative length", post + "Content-Length: -1\r\n\r\nx", 400, false},
		{"body cut off", post + "Content-Length: 100\r\n\r\nhalf", 400, true},
		{"body stands still", post + "Content-Length: 100\r\n\r\nhalf", 408, false},
		{"chunks cut off", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhalf", 400, true},
		{"bad chunk", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n", 400, false},
		{"unknown transfer", post + "Transfer-Encoding: gzip\r\n\r\nx", 501, false},
		{"read with chunks", "GET /2/tweets/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 400, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go func() {
				io.WriteString(c, test.send)
				if test.hangUp {
					c.(*net.TCPConn).CloseWrite()
				}
			}()
			c.SetReadDeadline(time.Now().Add(10 * time.Second))
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			b, _ := io.ReadAll(r.Body)
			if r.StatusCode != test.status {
				t.Fatalf("got %d, want %d: %.300s", r.StatusCode, test.status, b)
			}
			if r.Header.Get("X-Request-Id") != "" && r.StatusCode >= 400 { // it came as far as to us
				problemOf(t, answer{r.StatusCode, r.Header, string(b)})
			}
		})
	}
	if a := s.get(t, "/2/tweets/1"); a.status != 200 {
		t.Errorf("after all that: %d", a.status)
	}
}
