package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Event is one event of a stream. See https://html.spec.whatwg.org/multipage/server-sent-events.html
type Event struct {
	ID   string // of the last block that had one
	Name string // "message" where the stream names none
	Data string
}

// maxLine bounds a line of a stream.
const maxLine = 16 << 20

// ReadEvents gives the events of a stream until it ends. retry, unless nil, is told what the stream asks clients to wait.
// A block without data moves only the id, and is an Event with neither name nor data.
func ReadEvents(r io.Reader, retry func(time.Duration)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		in := &lines{in: bufio.NewReader(r)}
		var e Event
		var data []string
		moved := false
		for line, ok := in.next(); ok; line, ok = in.next() {
			if line == "" {
				if len(data) > 0 || moved {
					e.Data = strings.Join(data, "\n")
					if len(data) > 0 && e.Name == "" {
						e.Name = "message"
					}
					if !yield(e, nil) {
						return
					}
				}
				e, data, moved = Event{ID: e.ID}, nil, false
				continue
			}
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "data":
				data = append(data, value)
			case "event":
				e.Name = value
			case "id":
				if !strings.Contains(value, "\x00") {
					e.ID, moved = value, true
				}
			case "retry":
				if ms, err := strconv.ParseUint(value, 10, 31); err == nil && retry != nil {
					retry(time.Duration(ms) * time.Millisecond)
				}
			}
		}
		if in.err != nil {
			yield(Event{}, fmt.Errorf("read stream: %w", in.err))
		}
	}
}

// lines reads lines that end at \n, \r\n or \r, as the specification has it. A \r ends its line at once: what it ends must not
// wait for the byte behind it.
type lines struct {
	in    *bufio.Reader
	buf   []byte
	began bool // something was read
	wasCR bool // the line before ended at \r, whose \n may follow
	ended bool
	err   error // why reading failed; nil at the end of the stream
}

// next gives the next line; false at the end. A last line without an end is none.
func (l *lines) next() (string, bool) {
	l.buf = l.buf[:0]
	for !l.ended {
		c, err := l.in.ReadByte()
		switch {
		case err != nil:
			l.ended = true
			if err != io.EOF {
				l.err = err
			}
		case c == '\n' && l.wasCR:
			l.wasCR = false
		case c == '\n' || c == '\r':
			l.wasCR = c == '\r'
			line := string(l.buf)
			if !l.began {
				l.began, line = true, strings.TrimPrefix(line, "\uFEFF")
			}
			return line, true
		case len(l.buf) == maxLine:
			l.ended, l.err = true, fmt.Errorf("a line is longer than %d bytes", maxLine)
		default:
			l.wasCR = false
			l.buf = append(l.buf, c)
		}
	}
	return "", false
}

// silence is how long a stream may say nothing: heartbeats come every 15 s.
const silence = time.Minute

// Tail follows queries. It connects again, from the last event, whenever the stream ends, until ctx ends or the server says that
// nothing can match any more (event end). note, unless nil, is told what goes on, in a sentence. An error is yielded once, at the end.
func (c *Client) Tail(ctx context.Context, q url.Values, note func(string)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		t := tail{c: c, query: q, wait: time.Second}
		for failures := 0; ; {
			err := t.once(ctx, yield)
			var problem *Error
			switch {
			case t.over || ctx.Err() != nil:
				return
			case errors.As(err, &problem) && problem.Lasting():
				yield(Event{}, problem)
				return
			}
			if t.got {
				failures = 0
			}
			pause := t.wait/2 + rand.N(t.wait) + time.Duration(min(failures, 30))*time.Second
			failures++
			if note != nil {
				reason := "the stream ended"
				if err != nil {
					reason = err.Error()
				}
				note(fmt.Sprintf("%s; again in %s", reason, pause.Round(100*time.Millisecond)))
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
		}
	}
}

type tail struct {
	c     *Client
	query url.Values
	last  string
	wait  time.Duration
	got   bool // the last connection gave events
	over  bool
}

func (t *tail) once(ctx context.Context, yield func(Event, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.got = false
	h := http.Header{"Accept": {"text/event-stream"}}
	if t.last != "" {
		h.Set("Last-Event-ID", t.last)
	}
	answer, err := t.c.do(ctx, http.MethodGet, "/2/tweets/search/live", t.query, h, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if t.over = answer.StatusCode == http.StatusNoContent; t.over { // it had its end before
		return nil
	}
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	body := readerFunc(func(p []byte) (int, error) {
		n, err := answer.Body.Read(p)
		dead.Reset(silence)
		return n, err
	})
	for e, err := range ReadEvents(body, func(d time.Duration) { t.wait = max(d, 10*time.Millisecond) }) {
		if err != nil {
			return err
		}
		t.got = true
		if e.ID != "" {
			t.last = e.ID
		}
		if e.Name == "" {
			continue
		}
		t.over = e.Name == "end"
		if !yield(e, nil) {
			t.over = true
		}
		if t.over {
			return nil
		}
	}
	return nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
