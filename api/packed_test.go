package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/api"
)

// TestPackedStream: a gzip stream gives each event when it comes, is whole with its sum at its end, and shorter; without asking there is none.
func TestPackedStream(t *testing.T) {
	s := serve(t, api.Config{Heartbeat: 20 * time.Millisecond})
	long := "bird " + strings.Repeat("the same again ", 300) // more than a chunk of anything
	s.note(1, long)
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "GET /2/tweets/search/live?query=bird&tag=b&backfill=5 HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br, gzip;q=0.5\r\n\r\n")
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v %+v", err, a)
	}
	var packed bytes.Buffer
	z, err := gzip.NewReader(io.TeeReader(a.Body, &packed))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, lines: bufio.NewScanner(z)}
	r.lines.Buffer(nil, 1<<20)
	if b, _ := r.block(); b.retry == "" {
		t.Fatalf("it begins with %+v", b)
	}
	r.want("", "e1-1-1", `{"data":{"id":"1","text":"`+long+`"},"matching_rules":[{"id":"0","tag":"b"}]}`)
	r.want("live", "e1-1", "{}")
	for id := 2; id < 30; id++ { // each is read before the next is written
		s.note(2, long)
		r.want("", "e1-"+itoa(id), `{"data":{"id":"2","text":"`+long+`"},"matching_rules":[{"id":"0","tag":"b"}]}`)
		if id%10 == 0 {
			time.Sleep(50 * time.Millisecond) // heartbeats
		}
	}
	s.hub.Close()
	r.want("bye", "e1-29", "*")
	r.wantEnd() // the reader has checked sum and size
	if n := packed.Len(); n > 29*len(long)/4 {
		t.Errorf("%d bytes for %d tweets of %d", n, 29, len(long))
	}
	again := serveWorld(t, s.world, api.Config{}, liveOptions)
	plain := again.do(t, "GET", "/2/tweets/search/live?query=bird+until:2001-01-01", "", "Accept-Encoding: gzip;q=0")
	if plain.header.Get("Content-Encoding") != "" || !strings.Contains(plain.body, "event: end") {
		t.Errorf("%+v", plain)
	}
}

// TestNothingFollowsTheEnd: a heartbeat that is due when the stream ends does not come behind the end of its gzip.
func TestNothingFollowsTheEnd(t *testing.T) {
	for range 20 {
		s := serve(t, api.Config{Heartbeat: time.Millisecond})
		var all sync.WaitGroup
		for range 10 {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(20 * time.Second))
			io.WriteString(c, "GET /2/tweets/search/live?query=bird HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				defer c.Close()
				z, err := gzip.NewReader(a.Body)
				if err == nil {
					_, err = io.Copy(io.Discard, z)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		s.hub.Close()
		all.Wait()
	}
}
