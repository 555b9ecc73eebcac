// push measures a server of events: memory of idle connections, deliveries a second, processor time a delivery, and how late they are. It opens
// many connections from one process, publishes, and reads. Pin the server to one core and this to another.
//
// Events carry ts=NANOSECONDS in their data. A line of figures is printed a phase, with the phase's name before it.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

var (
	name     = flag.String("name", "", "what the server is called")
	stream   = flag.String("url", "", "the stream's address")
	publish  = flag.String("publish", "", "where to POST an event")
	token    = flag.String("token", "", "bearer token for it")
	pid      = flag.Int("pid", 0, "the server's process")
	steps    = flag.String("steps", "300:1000,1500:10000", "size of an event : connections")
	span     = flag.Duration("span", 5*time.Second, "how long a phase lasts")
	settle   = flag.Duration("settle", 5*time.Second, "before memory is read")
	rate     = flag.Int("rate", 70_000, "deliveries a second of the last phase of each step; 0: none")
	inFlight = flag.Int("window", 4, "events that may be on their way at once, at saturation")
)

type generator struct {
	*clients
	server process
	id     int64
	open   int
}

// event is a tweet in X's shape with a text that makes it about so large.
func (g *generator) event(size int) string {
	g.id++
	text := fmt.Sprintf("go ts=%d ", time.Now().UnixNano())
	text += strings.Repeat("birds of a feather flock together ", 1+size/34)[:max(0, size-len(text)-75)]
	return fmt.Sprintf(`{"data":{"id":"%d","text":"%s","created_at":"2024-01-01T00:00:00.000Z"}}`, time.Now().UnixNano()+g.id, strings.TrimSpace(text))
}

func (g *generator) publish(size int) {
	r, err := http.NewRequest(http.MethodPost, *publish, strings.NewReader(g.event(size)))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+*token)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer a.Body.Close()
	if b, _ := io.ReadAll(a.Body); a.StatusCode/100 != 2 {
		log.Fatalf("publish: %s %s", a.Status, b)
	}
}

// connect opens connections until there are n, some at a time.
func (g *generator) connect(n int) {
	u, err := url.Parse(*stream)
	if err != nil {
		log.Fatal(err)
	}
	to, err := netip.ParseAddrPort(u.Host)
	if err != nil {
		log.Fatal(err)
	}
	request := func(i int) []byte {
		target := strings.ReplaceAll(u.RequestURI(), "{}", strconv.Itoa(i))
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", target, u.Host)
	}
	before, began := g.open, time.Now()
	resident, cpu := g.server.resident(), g.server.cpu()
	for ; g.open < n; g.open++ {
		for int64(g.open)-g.ready.Load() > 128 {
			time.Sleep(200 * time.Microsecond)
		}
		if err := g.dial(g.open, to, request(g.open)); err != nil {
			log.Fatalf("connection %d: %v", g.open, err)
		}
	}
	for g.ready.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	took := time.Since(began)
	used := g.server.cpu() - cpu
	time.Sleep(*settle)
	fmt.Printf("%s connect %d: %.2f KB resident a connection, %.0f connections/s, %.0f us of processor time each, %d refused, %d gone\n", *name, n,
		(g.server.resident()-resident)/float64(n-before), float64(n-before)/took.Seconds(), used/float64(n-before), g.refused.Load(), g.gone.Load())
}

// phase publishes for a while: as much as is taken, or so many deliveries a second. It gives those that there were a second.
func (g *generator) phase(what string, size, perSecond int) float64 {
	clients, before := int64(g.open), g.events.Load()
	g.late.reset()
	began, cpu := time.Now(), g.server.cpu()
	published := int64(0)
	for time.Since(began) < *span {
		if perSecond > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(published * clients * int64(time.Second) / int64(perSecond)))))
		}
		for perSecond == 0 && g.events.Load()-before < (published-int64(*inFlight)+1)*clients {
			time.Sleep(50 * time.Microsecond)
		}
		g.publish(size)
		published++
	}
	for wait := time.Now(); g.events.Load()-before < published*clients && time.Since(wait) < 10*time.Second; {
		time.Sleep(time.Millisecond)
	}
	took, n := time.Since(began).Seconds(), float64(g.events.Load()-before)
	fmt.Printf("%s %s %d B x %d: %.0f deliveries/s, %.1f us of processor time each, p50 %.1f ms, p99 %.1f ms, %d lost\n", *name, what, size, clients,
		n/took, (g.server.cpu()-cpu)/n, g.late.quantile(.5), g.late.quantile(.99), published*clients-int64(n))
	return n / took
}

func main() {
	flag.Parse()
	debug.SetGCPercent(400)
	c, err := newClients()
	if err != nil {
		log.Fatal(err)
	}
	g := &generator{clients: c, server: process(*pid)}
	go g.read()
	if *wire != "" {
		g.play()
		return
	}
	for step := range strings.SplitSeq(*steps, ",") {
		var size, n int
		if _, err := fmt.Sscanf(step, "%d:%d", &size, &n); err != nil {
			log.Fatalf("step %q: %v", step, err)
		}
		g.connect(n)
		most := g.phase("saturation", size, 0)
		g.phase("half", size, int(most/2))
		if *rate > 0 {
			g.phase("rate", size, *rate)
		}
	}
}
