package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	wire   = flag.String("wire", "", "play a v1.1 stream on this address instead of publishing; {} in -url is the number of a connection, and it is sent the tweets that say w and this number")
	tweets = flag.String("tweets", "", "JSON lines of tweets, whose text, time and id are replaced")
	rates  = flag.String("rates", "1000:30s", "tweets a second : how long, one phase each")
)

// tape is what is played.
type tape struct {
	lines [][]byte // with places for what changes
	n     int64
	out   http.ResponseWriter
}

// The places of what changes; of the length of what comes there, as far as that is constant.
var places = [...][]byte{[]byte("@1@"), []byte("@2@"), []byte("@3@"), []byte("@4@")}

func readTape(path string) (*tape, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	t := &tape{}
	for in.Scan() {
		var m map[string]any
		if err := json.Unmarshal(in.Bytes(), &m); err != nil || m["user"] == nil {
			continue
		}
		for _, k := range []string{"retweeted_status", "extended_tweet", "full_text", "display_text_range", "entities", "extended_entities"} {
			delete(m, k)
		}
		m["text"], m["id"], m["id_str"], m["created_at"] = "go w@1@ ts=@2@", 0, "@3@", "@4@"
		line, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		t.lines = append(t.lines, append(line, "\r\n"...))
	}
	if len(t.lines) == 0 {
		return nil, fmt.Errorf("%s holds no tweet", path)
	}
	return t, in.Err()
}

// next is one tweet with the time of now.
func (t *tape) next(words int) []byte {
	now := time.Now()
	id := (now.UnixMilli()-1288834974657)<<22 | t.n%(1<<22)
	line := t.lines[t.n%int64(len(t.lines))]
	for i, v := range []string{strconv.FormatInt(t.n%int64(words), 10), strconv.FormatInt(now.UnixNano(), 10), strconv.FormatInt(id, 10), now.UTC().Format(time.RubyDate)} {
		line = bytes.Replace(line, places[i], []byte(v), 1)
	}
	t.n++
	return line
}

// serveTape answers the first who asks for a stream, and gives what plays into it.
func serveTape(t *tape) error {
	l, err := net.Listen("tcp", *wire)
	if err != nil {
		return err
	}
	open := make(chan http.ResponseWriter)
	go func() {
		log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			open <- w
			<-r.Context().Done()
			log.Fatal("the server left the stream")
		})))
	}()
	t.out = <-open
	return nil
}

// play opens 1,000 connections and has the phases of -rates.
func (g *generator) play() {
	t, err := readTape(*tweets)
	if err != nil {
		log.Fatal(err)
	}
	if err := serveTape(t); err != nil {
		log.Fatal(err)
	}
	g.connect(1000)
	for phase := range strings.SplitSeq(*rates, ",") {
		rate, span, _ := strings.Cut(phase, ":")
		perSecond, err := strconv.Atoi(rate)
		if err != nil {
			log.Fatal(err)
		}
		d, err := time.ParseDuration(span)
		if err != nil {
			log.Fatal(err)
		}
		g.playing(t, perSecond, d)
	}
}

// playing sends so many tweets a second for a while, and tells how late they came to the connections, one each.
func (g *generator) playing(t *tape, perSecond int, span time.Duration) {
	flush := http.NewResponseController(t.out).Flush
	before, private := g.events.Load(), g.server.private()
	g.late.reset()
	began, cpu, bytes := time.Now(), g.server.cpu(), 0
	sent := int64(0)
	for ; time.Since(began) < span; sent++ {
		time.Sleep(time.Until(began.Add(time.Duration(sent * int64(time.Second) / int64(perSecond)))))
		line := t.next(g.open)
		bytes += len(line)
		if _, err := t.out.Write(line); err != nil {
			log.Fatal(err)
		}
		if err := flush(); err != nil {
			log.Fatal(err)
		}
	}
	took := time.Since(began)
	for wait := time.Now(); g.events.Load()-before < sent && time.Since(wait) < 30*time.Second; {
		time.Sleep(time.Millisecond)
	}
	behind := time.Since(began) - took
	fmt.Printf("%s wire %d tweets/s of %d bytes for %.0f s: p50 %.1f ms, p99 %.1f ms to %d connections, the last after %.1f s; %.0f us of processor time a tweet; %d not there; %.0f MB of its own, %+.0f MB\n", *name,
		int(float64(sent)/took.Seconds()), bytes/int(max(sent, 1)), took.Seconds(), g.late.quantile(.5), g.late.quantile(.99), g.open, behind.Seconds(), (g.server.cpu()-cpu)/float64(sent),
		sent-(g.events.Load()-before), g.server.private()/1024, (g.server.private()-private)/1024)
}
