// peer serves events with what others have made for it, to be measured beside birdwatch: a plain net/http loop, r3labs/sse, tmaxmax/go-sse.
//
// POST /pub publishes its body as one event to all who listen at /events.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	r3 "github.com/r3labs/sse/v2"
	gosse "github.com/tmaxmax/go-sse"
)

// plain is the loop that one would write by hand: a channel a client, and a flush an event.
type plain struct {
	mu      sync.Mutex // guards what follows
	last    int
	clients map[chan []byte]struct{}
}

func (p *plain) publish(data string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	event := fmt.Appendf(nil, "id: %d\ndata: %s\n\n", p.last, data)
	for c := range p.clients {
		c <- event
	}
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	_ = flush.Flush() // a client that left is seen at the next event
	events := make(chan []byte, 64)
	p.mu.Lock()
	p.clients[events] = struct{}{}
	p.mu.Unlock()
	defer func() {
		go func() { // publish may wait for this client
			for range events {
			}
		}()
		p.mu.Lock()
		delete(p.clients, events)
		p.mu.Unlock()
		close(events)
	}()
	for {
		select {
		case e := <-events:
			if _, err := w.Write(e); err != nil || flush.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// handlers gives what serves events and what publishes one.
func handlers(kind string) (http.Handler, func(string)) {
	switch kind {
	case "nethttp":
		p := &plain{clients: map[chan []byte]struct{}{}}
		return p, p.publish
	case "r3labs":
		s := r3.New()
		s.AutoReplay = false
		s.CreateStream("birds")
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.RawQuery = "stream=birds"
			s.ServeHTTP(w, r)
		}), func(data string) { s.Publish("birds", &r3.Event{Data: []byte(data)}) }
	case "go-sse":
		s := &gosse.Server{OnSession: func(w http.ResponseWriter, r *http.Request) ([]string, bool) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // it sends no head before the first event
			return []string{gosse.DefaultTopic}, true
		}}
		return s, func(data string) {
			m := new(gosse.Message)
			m.AppendData(data)
			if err := s.Publish(m); err != nil {
				log.Print(err)
			}
		}
	}
	log.Fatalf("no peer is called %q", kind)
	return nil, nil
}

func main() {
	kind := flag.String("kind", "nethttp", "nethttp, r3labs or go-sse")
	address := flag.String("listen", "127.0.0.1:0", "where to serve")
	flag.Parse()
	events, publish := handlers(*kind)
	mux := http.NewServeMux()
	mux.Handle("/events", events)
	mux.HandleFunc("POST /pub", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		publish(strings.TrimSpace(string(b)))
	})
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("http://" + l.Addr().String())
	log.Fatal(http.Serve(l, mux))
}
