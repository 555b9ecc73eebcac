package api

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"birdwatch/live"
)

// form is how a stream is written.
type form uint8

const (
	eventForm form = iota // Server-Sent Events
	lineForm              // X's filtered stream: a JSON object a line
)

func (f form) contentType() string {
	if f == lineForm {
		return "application/json; charset=utf-8"
	}
	return "text/event-stream; charset=utf-8"
}

// beat is what says that the connection still stands.
func (f form) beat() []byte {
	if f == lineForm {
		return lineEnd
	}
	return eventBeat
}

var eventBeat, lineEnd = []byte(":\n\n"), []byte("\r\n")

// streaming is one open stream: its subscription, and how its events are written.
type streaming struct {
	s      *Server
	sub    *live.Subscription
	form   form
	sel    *selection
	fields map[string]string // the request's parameters for fields and bounds: a gap's link has them
	rate   *rating
	pack   *packing   // nil: it is sent as it is
	place  live.Place // of the last event, written or left out
	close  []func()   // what is to be given back
	end    func()     // ends it from outside, without waiting
	id     string     // of its request
	began  time.Time
	bytes  int64
}

func (st *streaming) count(n int) {
	st.bytes += int64(n)
	st.s.metrics.streamed.Add(float64(n))
}

// ended gives back what the stream held.
func (st *streaming) ended() {
	for _, f := range st.close {
		f()
	}
	st.s.log.Info("stream ended", slog.String("request_id", st.id), slog.Int64("bytes", st.bytes), slog.Duration("took", time.Since(st.began)))
}

// retry is spread from half to three halves of the setting, so that clients do not all come at once.
func (s *Server) retry() time.Duration {
	r := s.config.Retry
	return r/2 + rand.N(r)
}

// opened is what a stream begins with.
func (st *streaming) opened() []byte {
	b := st.form.preface(st.s.retry())
	if st.pack != nil {
		b = st.sealed(st.pack.store(bytes.Clone(packHead), b))
	}
	return b
}

// preface is what a stream of this form begins with: how long a client should wait before it comes again.
func (f form) preface(retry time.Duration) []byte {
	if f == lineForm {
		return nil
	}
	return fmt.Appendf(nil, ": BirdWatch\nretry: %d\n\n", retry.Milliseconds())
}

// overMark stands behind the id of an end event: whoever resumes from it has had all there is.
const overMark = "~end"

// append writes an event, unless the stream leaves it out.
func (st *streaming) append(dst []byte, e *live.Event) []byte {
	st.place = e.Place
	if e.Kind == live.Tweet {
		if st.rate != nil && !st.rate.takes(e, time.Now()) {
			return dst
		}
	} else if e.Kind == live.End || e.Kind == live.Bye {
		dst = st.appendRate(dst, true)
	}
	if st.pack == nil {
		return st.appendPlain(dst, e)
	}
	if dst = st.appendPacked(dst, e); e.Kind == live.End || e.Kind == live.Bye {
		dst = st.pack.end(dst)
	}
	return dst
}

func (st *streaming) appendPlain(dst []byte, e *live.Event) []byte {
	switch {
	case e.Kind == live.Tweet:
		return st.appendAfter(append(st.appendBefore(dst, e), st.line(e)...), e)
	case st.form == lineForm:
		return st.appendLine(dst, e)
	}
	return st.appendSSE(dst, e)
}

// appendBefore writes what stands before a tweet's line, appendAfter what stands behind it.
func (st *streaming) appendBefore(dst []byte, e *live.Event) []byte {
	if st.form == lineForm {
		return append(dst, '{')
	}
	return append(e.Place.AppendTo(append(dst, "id: "...)), "\ndata: {"...)
}

func (st *streaming) appendAfter(dst []byte, e *live.Event) []byte {
	if st.form == lineForm || e.Queries[e.Matched[0]].ID != "" {
		dst = appendRules(dst, e.Queries, e.Matched)
	}
	if st.form == lineForm {
		return append(append(dst, '}'), lineEnd...)
	}
	return append(dst, "}\n\n"...)
}

// line is what streams share of a tweet.
func (st *streaming) line(e *live.Event) []byte {
	return st.s.encoded.line(e.Item, st.sel, st.sel.marking(e), e.Place.Tweet == 0)
}

func (st *streaming) appendSSE(dst []byte, e *live.Event) []byte {
	var room [96]byte
	id := e.Place.AppendTo(room[:0])
	switch e.Kind {
	case live.Delete:
		return appendEvent(dst, "delete", id, fmt.Appendf(nil, `{"id":"%d"}`, e.ID))
	case live.Live:
		return appendEvent(dst, "live", id, []byte("{}"))
	case live.Gap:
		return appendEvent(dst, "gap", id, st.gap(e))
	case live.Moved:
		return appendEvent(dst, "", id)
	case live.End:
		return appendEvent(dst, "end", append(id, overMark...), []byte(`{"reason":"no tweet can match any more"}`))
	case live.Bye:
		// All clients come back: over a longer time than after a single break.
		dst = fmt.Appendf(dst, "retry: %d\n", (st.s.retry() + rand.N(3*st.s.config.Retry)).Milliseconds())
		return appendEvent(dst, "bye", id, []byte(`{"reason":"shutdown"}`))
	}
	return dst
}

// broken writes that the subscription failed: the client is told to come again, and goes on from its last place.
func (st *streaming) broken(dst []byte, err error) []byte {
	reason := "lagged"
	if !errors.Is(err, live.ErrLagged) {
		st.s.log.Error("stream broke", "request_id", st.id, "error", err)
		reason = "error"
	}
	text := appendEvent(nil, "bye", nil, fmt.Appendf(nil, `{"reason":%q}`, reason))
	if st.form == lineForm {
		text = appendDisconnect(nil, reason)
	}
	if dst = st.text(dst, text); st.pack != nil {
		dst = st.pack.end(dst)
	}
	return dst
}
