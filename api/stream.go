package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
)

// backfillMost bounds backfill; start_time asks for more.
const backfillMost = 500

var streamParameters = append([]string{"query*", "tag*", "backfill", "start_time", "end_time", "last_event_id", "access_token"}, fieldParameters...)

// streaming is one open stream.
type streaming struct {
	s       *Server
	c       echo.Context
	sel     *selection
	request live.Request
	exprs   []query.Expr
	marks   []marking // of exprs; nil when none are asked for
	tags    []string  // nil when none were given
	buf     []byte
}

// stream answers GET /2/tweets/search/live: history and then what is new, as Server-Sent Events.
func (s *Server) stream(c echo.Context) error {
	st := &streaming{s: s, c: c}
	if over, err := st.parse(); err != nil {
		return err
	} else if over {
		return c.NoContent(http.StatusNoContent) // an EventSource comes back after the end, and stops for good at a 204
	}
	defer s.streams.Add(-1)
	if s.streams.Add(1) > int64(s.config.MaxStreams) {
		return st.turnAway(live.ErrFull)
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	sub, err := s.Hub.Subscribe(ctx, st.request)
	switch {
	case errors.Is(err, live.ErrFull), errors.Is(err, live.ErrClosed), errors.Is(err, search.ErrUnavailable), errors.Is(err, search.ErrTimeout):
		return st.turnAway(err)
	case err != nil:
		return err
	}
	defer sub.Close()
	return st.run(ctx, cancel, sub)
}

// overMark stands behind the id of an end event: whoever resumes from it has had all there is.
const overMark = "~end"

// parse reads the request; over says that the stream had its end already.
func (st *streaming) parse() (over bool, err error) {
	r := st.c.Request()
	p, err := parseParams(r.URL.RawQuery, streamParameters...)
	if err != nil {
		return false, err
	}
	if st.sel, err = selectFields(p); err != nil {
		return false, err
	}
	if st.request.Start, st.request.End, err = p.span(); err != nil {
		return false, err
	}
	if st.request.Backfill, err = p.number("backfill", 0, backfillMost, 0); err != nil {
		return false, err
	}
	now := st.s.now().Truncate(time.Second)
	last, name := r.Header.Get("Last-Event-ID"), "Last-Event-ID"
	if last == "" {
		last, name = p.get("last_event_id"), "last_event_id"
	}
	if last != "" {
		last, over = strings.CutSuffix(last, overMark)
		at, err := live.ParsePlace(last)
		if err != nil {
			return false, invalid(name, last, "The value of [%s] is not the id of an event of this API.", name)
		}
		st.request.Resume = &at
		if at.Instant > 0 {
			now = time.Unix(at.Instant, 0)
		}
	}
	return over, st.queries(p, now)
}

// queries reads the queries and their tags. Relative times are as seen from now.
func (st *streaming) queries(p params, now time.Time) error {
	texts := p["query"]
	if len(texts) == 0 {
		return invalid("query", "", "The parameter [query] is needed; an empty one is every tweet.")
	}
	if len(texts) > st.s.config.MaxQueries {
		return invalid("query", "", "A stream takes at most %d queries.", st.s.config.MaxQueries)
	}
	if st.tags = p["tag"]; len(st.tags) > 0 && len(st.tags) != len(texts) {
		return invalid("tag", "", "There must be as many of [tag] as of [query], in the same order, or none.")
	}
	for i, text := range texts {
		q, err := st.s.parseQuery(text, now)
		if err != nil {
			var syntax *query.SyntaxError
			if errors.As(err, &syntax) {
				p := badQuery("query", syntax)
				p.Position.Index = i
				return p
			}
			return err
		}
		if q.Relative {
			st.request.Instant = now.Unix()
		}
		st.exprs = append(st.exprs, q.Expr)
		st.request.Queries = append(st.request.Queries, live.Query{Expr: q.Expr, Until: q.Until})
	}
	st.marks = markings(st.sel, st.exprs)
	return nil
}

// turnAway ends a stream that there is no room for. A browser's EventSource would never come again after a 503: it is let in,
// told when to try again, and ended.
func (st *streaming) turnAway(err error) error {
	if !strings.Contains(st.c.Request().Header.Get("Accept"), "text/event-stream") {
		return problem(http.StatusServiceUnavailable, "No further stream can be opened now.").retryAfter(15 + rand.IntN(30)).because(err)
	}
	reason := `{"reason":"unavailable"}`
	switch {
	case errors.Is(err, live.ErrFull):
		reason = `{"reason":"full"}`
	case errors.Is(err, live.ErrClosed):
		reason = `{"reason":"shutdown"}`
	}
	st.begin(15*time.Second + rand.N(30*time.Second))
	st.buf = appendEvent(st.buf, "bye", "", []byte(reason))
	_ = st.flush() // it is over in any case
	return nil
}

// begin writes the head and how long a client should wait before it comes again.
func (st *streaming) begin(retry time.Duration) {
	h := st.c.Response().Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes every event on at once
	st.c.Response().WriteHeader(http.StatusOK)
	st.buf = fmt.Appendf(st.buf, ": BirdWatch\nretry: %d\n\n", retry.Milliseconds())
}

// flush sends what is written. A client that takes nothing for the time of a write is given up; it can resume.
func (st *streaming) flush() error {
	w := http.NewResponseController(st.c.Response())
	_ = w.SetWriteDeadline(time.Now().Add(st.s.config.WriteTimeout)) // not all writers have one
	n, err := st.c.Response().Write(st.buf)
	st.s.metrics.streamed.Add(float64(n))
	if err == nil {
		err = w.Flush()
	}
	if st.buf = st.buf[:0]; cap(st.buf) > 64<<10 {
		st.buf = nil
	}
	return err
}

// retry is spread from half to three halves of the setting, so that clients do not all come at once.
func (st *streaming) retry() time.Duration {
	r := st.s.config.Retry
	return r/2 + rand.N(r)
}

// What is written is sent when no further event is ready, when it is so much, or has waited for so long: entries that a subscription
// reads in the journal may match or not, and pages of history take their time.
const (
	flushSize = 32 << 10
	flushLate = 10 * time.Millisecond
)

// run writes events until the subscription or the client ends. Events are pulled in a goroutine of their own, so that heartbeats go on in silence.
func (st *streaming) run(ctx context.Context, cancel context.CancelFunc, sub *live.Subscription) error {
	st.begin(st.retry())
	if err := st.flush(); err != nil {
		return nil // the client left
	}
	events := make(chan pulled)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(events)
		pull(ctx, sub.Events(ctx), events)
	}()
	defer func() { cancel(); <-done }()
	beat := time.NewTimer(st.s.config.Heartbeat)
	defer beat.Stop()
	late := time.NewTimer(flushLate)
	defer late.Stop()
	for {
		select {
		case e, ok := <-events:
			if !ok || e.err != nil {
				return st.broken(e.err)
			}
			if len(st.buf) == 0 {
				late.Reset(flushLate)
			}
			st.write(e.event)
			if e.event.More && len(st.buf) < flushSize {
				continue
			}
		case <-late.C:
			if len(st.buf) == 0 {
				continue
			}
		case <-beat.C:
			st.buf = append(st.buf, ":\n\n"...)
		case <-ctx.Done():
			return nil
		}
		if err := st.flush(); err != nil {
			return nil // the client left, or takes nothing
		}
		beat.Reset(st.s.config.Heartbeat)
	}
}

type pulled struct {
	event live.Event
	err   error
}

func pull(ctx context.Context, events iter.Seq2[live.Event, error], to chan<- pulled) {
	for e, err := range events {
		select {
		case to <- pulled{e, err}:
		case <-ctx.Done():
			return
		}
	}
}

// broken ends a stream whose subscription failed: the client is told to come again, and goes on from its last place.
func (st *streaming) broken(err error) error {
	if err != nil && !errors.Is(err, live.ErrLagged) {
		st.s.log.Error("stream broke", "request_id", requestID(st.c), "error", err)
	}
	if err != nil {
		reason := `{"reason":"error"}`
		if errors.Is(err, live.ErrLagged) {
			reason = `{"reason":"lagged"}`
		}
		st.buf = appendEvent(st.buf, "bye", "", []byte(reason))
	}
	_ = st.flush() // it is over in any case
	return nil
}

// write puts an event into the buffer.
func (st *streaming) write(e live.Event) {
	id := e.Place.String()
	switch e.Kind {
	case live.Tweet:
		parts := [][]byte{[]byte("{"), st.s.encoded.line(e.Item, st.sel, st.marking(&e), e.Place.Tweet == 0), []byte("}")}
		if st.tags != nil {
			parts[2] = append(appendRules(nil, e.Matched, st.tags), '}')
		}
		st.buf = appendEvent(st.buf, "", id, parts...)
	case live.Delete:
		st.buf = appendEvent(st.buf, "delete", id, fmt.Appendf(nil, `{"id":"%d"}`, e.ID))
	case live.Live:
		st.buf = appendEvent(st.buf, "live", id, []byte("{}"))
	case live.Gap:
		st.buf = appendEvent(st.buf, "gap", id, st.gap(e))
	case live.Moved:
		st.buf = appendEvent(st.buf, "", id)
	case live.End:
		st.buf = appendEvent(st.buf, "end", id+overMark, []byte(`{"reason":"no tweet can match any more"}`))
	case live.Bye:
		// All clients come back: over a longer time than after a single break.
		st.buf = fmt.Appendf(st.buf, "retry: %d\n", (st.retry() + rand.N(3*st.s.config.Retry)).Milliseconds())
		st.buf = appendEvent(st.buf, "bye", id, []byte(`{"reason":"shutdown"}`))
	}
}
