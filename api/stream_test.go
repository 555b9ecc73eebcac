package api_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
)

func TestStreamHistoryThenLive(t *testing.T) {
	s := serve(t, api.Config{})
	s.note(1, "a bird")
	s.note(2, "a cat")
	s.note(3, "bird two")
	r := s.open(t, "query=bird&query=cat&tag=birds&tag=c%22ats&backfill=2&tweet.fields=created_at")
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": ""} {
		if got := r.answer.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	r.want("", "e1-3-2", `{"data":{"id":"2","text":"a cat","created_at":"2024-06-01T12:00:02.000Z"},"matching_rules":[{"id":"1","tag":"c\"ats"}]}`)
	r.want("", "e1-3-3", `{"data":{"id":"3","text":"bird two","created_at":"2024-06-01T12:00:03.000Z"},"matching_rules":[{"id":"0","tag":"birds"}]}`)
	r.want("live", "e1-3", `{}`)
	s.note(4, "neither")
	s.note(5, "bird and cat")
	r.want("", "e1-5", `{"data":{"id":"5","text":"bird and cat","created_at":"2024-06-01T12:00:05.000Z"},"matching_rules":[{"id":"0","tag":"birds"},{"id":"1","tag":"c\"ats"}]}`)
	s.delete(5)
	r.want("delete", "e1-6", `{"id":"5"}`)

	fewer := s.open(t, "query=bird&start_time=2024-06-01T12:00:02Z")
	fewer.want("", "e1-6-3", `{"data":{"id":"3","text":"bird two"}}`)
	fewer.want("live", "e1-6", `{}`)
}

func TestStreamResumes(t *testing.T) {
	w := newWorld()
	a, b := serveWorld(t, w, api.Config{}, liveOptions), serveWorld(t, w, api.Config{}, liveOptions)
	for id := 1; id <= 3; id++ {
		w.note(1, "old")
	}
	r := a.open(t, "query=bird+since:1d&backfill=5")
	r.want("live", "e1-3@1717243200", `{}`)
	w.note(4, "bird")
	r.want("", "e1-4@1717243200", "*")
	r.close()
	w.note(5, "bird")
	w.note(6, "cat")
	w.note(7, "bird")
	r = b.open(t, "query=bird+since:1d&backfill=5&last_event_id=e1-1", "Last-Event-ID: "+r.lastID)
	r.want("", "e1-5@1717243200", "*")
	r.want("", "e1-7@1717243200", "*")
	w.note(8, "bird")
	r.want("", "e1-8@1717243200", "*")

	w.cut(6)
	late := a.open(t, "query=bird+since:1d&query=cat&tweet.fields=lang&last_event_id=e1-4@1717243200")
	late.want("gap", "e1-6@1717243200", `{"since_seq":4,"until_seq":6,"link":"/2/tweets/search/all?query=bird+since%3A2024-05-31T12%3A00%3A00Z+OR+cat&since_seq=4&tweet.fields=lang&until_seq=6","deletes":"unknown"}`)
	late.want("", "e1-7@1717243200", "*")
	if _, ids := next(t, a.get(t, "/2/tweets/search/all?query=bird+since%3A2024-05-31T12%3A00%3A00Z+OR+cat&since_seq=4&tweet.fields=lang&until_seq=6")); strings.Join(ids, " ") != "6 5" {
		t.Errorf("the gap's link gives %v", ids)
	}
	before := a.open(t, "query=bird+since:1h", "Last-Event-ID: e1-7@1717243000") // its hour is the one before that instant
	before.want("", "e1-8@1717243000", "*")
	other := a.open(t, "query=bird", "Last-Event-ID: other-900")
	other.want("gap", "e1-6", "*")
}

// TestStreamDoesNotHoldBack: a match is sent although what the subscription reads behind it in the journal does not match.
func TestStreamDoesNotHoldBack(t *testing.T) {
	s := serve(t, api.Config{Heartbeat: time.Hour})
	s.note(1, "bird")
	for range 50 {
		s.note(2, "cat")
	}
	r := s.open(t, "query=bird&last_event_id=e1-0")
	r.want("", "e1-1", "*")
}

// TestStreamEnds: what can match nothing any more is over for good, also for those who come again.
func TestStreamEnds(t *testing.T) {
	s := serve(t, api.Config{})
	s.note(1, "bird")
	r := s.open(t, "query=bird+until:2024-07-01&backfill=3")
	r.want("", "e1-1-1", "*")
	r.want("live", "e1-1", "*")
	r.want("end", "e1-1~end", "*")
	r.wantEnd()
	if a := s.connect(t, "query=bird+until:2024-07-01", "Last-Event-ID: "+r.lastID); a.answer.StatusCode != 204 {
		t.Errorf("after the end: %d", a.answer.StatusCode)
	}
	r = s.open(t, "query=bird+until:2024-07-01&last_event_id=e1-0") // had not got all
	r.want("", "e1-1", "*")
	r.want("end", "e1-1~end", "*")
}

func TestStreamHeartbeats(t *testing.T) {
	s := serve(t, api.Config{Heartbeat: 5 * time.Millisecond})
	r := s.open(t, "query=bird")
	r.want("live", "e1-0", "*")
	for range 3 {
		if b, ok := r.block(); !ok || b.comment == "" || b.event+b.id+b.data != "" {
			t.Fatalf("a heartbeat is %+v", b)
		}
	}
	s.note(1, "bird")
	r.want("", "e1-1", "*")
}

func TestStreamTellsPlaceInSilence(t *testing.T) {
	o := liveOptions
	o.MoveEvery = 20 * time.Millisecond
	s := serveWorld(t, newWorld(), api.Config{}, o)
	r := s.open(t, "query=bird")
	r.want("live", "e1-0", "*")
	s.note(1, "cat")
	for {
		if b := r.next(); b.event != "" || b.data != "" || b.id == "" {
			t.Fatalf("a place alone is %+v", b)
		} else if b.id == "e1-1" {
			return
		}
	}
}

// TestStreamShutdown: all are told to come again, at different times, and the streams end cleanly.
func TestStreamShutdown(t *testing.T) {
	s := serve(t, api.Config{})
	waits := map[string]bool{}
	var rs []*reader
	for range 8 {
		r := s.open(t, "query=bird")
		r.want("live", "e1-0", "*")
		rs = append(rs, r)
	}
	s.hub.Close()
	for _, r := range rs {
		b := r.next()
		if b.event != "bye" || b.id != "e1-0" || b.data != `{"reason":"shutdown"}` {
			t.Fatalf("%+v", b)
		}
		waits[b.retry] = true
		r.wantEnd()
	}
	if len(waits) < 4 {
		t.Errorf("eight clients come again after only %d different waits", len(waits))
	}
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStreamsOverTheLimit: a browser's EventSource is let in and sent away, since a 503 would end it for good.
func TestStreamsOverTheLimit(t *testing.T) {
	s := serve(t, api.Config{MaxStreams: 1})
	first := s.open(t, "query=bird")
	a := s.get(t, "/2/tweets/search/live?query=bird")
	if p := problemOf(t, a); p.Status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%+v", a)
	}
	browser := s.open(t, "query=bird", "Accept: text/event-stream")
	browser.want("bye", "", `{"reason":"full"}`)
	browser.wantEnd()
	first.close()
	for a := s.connect(t, "query=bird"); a.answer.StatusCode != 200; a = s.connect(t, "query=bird") {
		a.close() // the place is free when the server has seen that the first left
	}
}

func TestStreamWhenTheArchiveIsAway(t *testing.T) {
	s := serve(t, api.Config{})
	s.fails = context.DeadlineExceeded
	if a := s.get(t, "/2/tweets/search/live?query=bird&backfill=3"); a.status != 504 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestStreamHTTP10 asks as a stock nginx does.
func TestStreamHTTP10(t *testing.T) {
	s := serve(t, api.Config{})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	c.Write([]byte("GET /2/tweets/search/live?query=bird HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || a.StatusCode != 200 || len(a.TransferEncoding) > 0 || !a.Close {
		t.Fatalf("%v %+v", err, a)
	}
	r := &reader{t: t, lines: bufio.NewScanner(a.Body)}
	if b, _ := r.block(); b.retry == "" {
		t.Fatalf("it begins with %+v", b)
	}
	r.want("live", "e1-0", "*")
	s.note(1, "bird")
	r.want("", "e1-1", "*")
	s.hub.Close()
	r.want("bye", "e1-1", "*")
	r.wantEnd()
}

// TestSlowClient: one who does not read holds up no other, is given up, and loses nothing when it comes again.
func TestSlowClient(t *testing.T) {
	o := liveOptions
	o.Box = 8
	s := serveWorld(t, newWorld(), api.Config{WriteTimeout: 200 * time.Millisecond}, o)
	slow, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	slow.Write([]byte("GET /2/tweets/search/live?query=bird HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	in := bufio.NewReader(slow)
	if a, err := http.ReadResponse(in, nil); err != nil || a.StatusCode != 200 {
		t.Fatal(err)
	}
	quick := s.open(t, "query=bird", "Accept-Encoding: identity") // to deflate so much takes the race detector too long
	quick.want("live", "e1-0", "*")
	const n = 400
	text := "bird " + strings.Repeat("long ", 10_000)
	for id := range n {
		s.note(1, text)
		quick.want("", "e1-"+itoa(id+1), "*")
	}
	for s.hub.Stats().Subscriptions > 1 { // it is given up
		if a := s.get(t, "/2/status"); a.status != 200 {
			t.Fatal(a.status)
		}
	}
	slow.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := &reader{t: t, lines: bufio.NewScanner(slow)}
	got.lines.Buffer(nil, 1<<20)
	last := ""
	for got.lines.Scan() { // the chunks' sizes are lines too: only ids are looked at
		if id, ok := strings.CutPrefix(got.lines.Text(), "id: "); ok {
			last = id
		}
	}
	if e, ok := got.lines.Err().(net.Error); ok && e.Timeout() {
		t.Fatal("the slow client was not given up")
	}
	if last == "e1-"+itoa(n) || last == "" {
		t.Fatalf("it was not slow: %q", last)
	}
	again := s.open(t, "query=bird", "Last-Event-ID: "+last, "Accept-Encoding: identity")
	for {
		if b := again.next(); b.id == "e1-"+itoa(n) {
			return
		}
	}
}

// TestWokenInBetween: what comes while a stream is let go of is not left until the next heartbeat.
func TestWokenInBetween(t *testing.T) {
	if signals, queued := api.TellsWhenWokenInBetween(); signals != 1 || queued != 1 {
		t.Errorf("%d streams wait, %d workers are told", queued, signals)
	}
}
