package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/search"
)

const (
	// backfillMost bounds backfill; start_time asks for more.
	backfillMost = 500
	// rateMost bounds max_rate: beyond, nobody needs one.
	rateMost = 10_000
)

var streamParameters = append([]string{"query*", "tag*", "backfill", "start_time", "end_time", "max_rate", "connection", "last_event_id", "access_token"}, fieldParameters...)

// opening is a stream that is asked for.
type opening struct {
	streaming
	c         echo.Context
	request   live.Request
	subscribe func(context.Context, live.Request, *streaming) (*live.Subscription, error)
}

// plainly subscribes to the queries of the request.
func (o *opening) plainly(ctx context.Context, r live.Request, _ *streaming) (*live.Subscription, error) {
	return o.s.Hub.Subscribe(ctx, r)
}

// stream answers GET /2/tweets/search/live: history and then what is new, as Server-Sent Events.
func (s *Server) stream(c echo.Context) error {
	o := &opening{streaming: streaming{s: s, form: eventForm}, c: c}
	if over, err := o.parse(); err != nil {
		return err
	} else if over {
		return c.NoContent(http.StatusNoContent) // an EventSource comes back after the end, and stops for good at a 204
	}
	return o.open()
}

// open subscribes and sends the stream on its way: over a connection of its own where that can be, else as the request's answer.
func (o *opening) open() error {
	s := o.s
	leave, err := s.seats.take(o.c, live.ErrFull)
	if err != nil {
		return o.turnAway(err)
	}
	o.close = append(o.close, leave)
	if zipped(o.c.Request()) {
		o.pack = new(packing)
	}
	o.id, o.began = requestID(o.c), time.Now()
	o.sel = s.selections.intern(o.sel)
	if o.c.Request().ProtoMajor == 1 && o.c.Request().TLS == nil && canTry {
		return o.wire()
	}
	ctx, cancel := context.WithCancel(o.c.Request().Context())
	defer cancel()
	o.end = cancel
	if o.sub, err = o.subscribe(ctx, o.request, &o.streaming); err != nil {
		return o.refused(err)
	}
	o.setHead()
	(&kept{streaming: o.streaming, c: o.c}).run(ctx)
	return nil
}

// wire takes the connection over.
func (o *opening) wire() error {
	courier := o.s.courier
	w := &wired{streaming: o.streaming, state: visited}
	w.end = func() { courier.lost(w) }
	o.request.Wake = w.wake
	sub, err := o.subscribe(o.c.Request().Context(), o.request, &w.streaming)
	if o.close = w.close; err != nil {
		return o.refused(err)
	}
	w.sub = sub
	ctx, ok := courier.enlist(o.c.Request().Context(), w)
	if !ok {
		sub.Close()
		return o.refused(live.ErrClosed)
	}
	o.setHead()
	if err := takeOver(o.c, &w.wire); err != nil {
		courier.abandon(w)
		return fmt.Errorf("take the connection over: %w", err)
	}
	head := w.wire.head(o.c)
	if preface := w.opened(); len(preface) > 0 {
		head = append(head, w.wire.framed(preface)...)
	}
	courier.begin(ctx, w, head)
	return nil
}

// refused gives back what was taken for a stream that could not be opened.
func (o *opening) refused(err error) error {
	for _, f := range o.close {
		f()
	}
	switch {
	case errors.Is(err, live.ErrFull), errors.Is(err, live.ErrClosed), errors.Is(err, search.ErrUnavailable), errors.Is(err, search.ErrTimeout):
		return o.turnAway(err)
	}
	return err
}

// setHead sets the headers of a stream.
func (o *opening) setHead() {
	h := o.c.Response().Header()
	h.Set("Content-Type", o.form.contentType())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes every event on at once
	h.Add("Vary", "Accept-Encoding")
	if o.pack != nil {
		h.Set("Content-Encoding", "gzip")
	}
}

// parse reads the request; over says that the stream had its end already.
func (o *opening) parse() (over bool, err error) {
	r := o.c.Request()
	p, err := parseParams(r.URL.RawQuery, streamParameters...)
	if err != nil {
		return false, err
	}
	if err := o.common(p); err != nil {
		return false, err
	}
	if o.request.Backfill, err = p.number("backfill", 0, backfillMost, 0); err != nil {
		return false, err
	}
	most, err := p.number("max_rate", 1, rateMost, 0)
	if err != nil {
		return false, err
	}
	o.subscribe = o.plainly
	if p.has("connection") {
		if !connectionName.MatchString(p.get("connection")) {
			return false, invalid("connection", p.get("connection"), "The value of [connection] must be 8 to 64 letters, digits and any of _ . ~ -, and hard to guess.")
		}
		o.subscribe = o.byName(p.get("connection"))
	}
	o.rate = newRating(most, time.Now())
	now := o.s.now().Truncate(time.Second)
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
		o.request.Resume = &at
		if at.Instant > 0 {
			now = time.Unix(at.Instant, 0)
		}
	}
	return over, o.queries(p, now)
}

// common reads what all streams take.
func (o *opening) common(p params) (err error) {
	if o.sel, err = selectFields(p); err != nil {
		return err
	}
	if o.request.Start, o.request.End, err = p.span(); err != nil {
		return err
	}
	keep := func(name, value string) {
		if o.fields == nil {
			o.fields = map[string]string{}
		}
		o.fields[name] = value
	}
	for _, name := range fieldParameters {
		if f := p.get(name); f != "" {
			keep(name, f)
		}
	}
	for name, at := range map[string]time.Time{"start_time": o.request.Start, "end_time": o.request.End} {
		if !at.IsZero() {
			keep(name, at.Format(time.RFC3339Nano))
		}
	}
	return nil
}

// queries reads the queries and their tags. Relative times are as seen from now.
func (o *opening) queries(p params, now time.Time) error {
	texts, tags := p["query"], p["tag"]
	if len(texts) == 0 {
		return invalid("query", "", "The parameter [query] is needed; an empty one is every tweet.")
	}
	if len(tags) > 0 && len(tags) != len(texts) {
		return invalid("tag", "", "There must be as many of [tag] as of [query], in the same order, or none.")
	}
	qs, relative, err := o.s.liveQueries(texts, tags, now)
	if err != nil {
		return err
	}
	if relative {
		o.request.Instant = now.Unix()
	}
	o.request.Queries = qs
	return nil
}

// liveQueries reads a stream's queries; with tags they have ids, by which events tell which of them matched.
func (s *Server) liveQueries(texts, tags []string, now time.Time) (qs []live.Query, relative bool, err error) {
	if len(texts) > s.config.MaxQueries {
		return nil, false, invalid("query", "", "A stream takes at most %d queries.", s.config.MaxQueries)
	}
	for i, text := range texts {
		q, err := s.parseQuery(text, now)
		if err != nil {
			var syntax *query.SyntaxError
			if errors.As(err, &syntax) {
				p := badQuery("query", syntax)
				p.Position.Index = i
				return nil, false, p
			}
			return nil, false, err
		}
		if err := s.afford("query", i, text, q.Expr); err != nil {
			return nil, false, err
		}
		out := live.Query{Expr: q.Expr, Until: q.Until}
		if len(tags) > 0 {
			out.ID, out.Tag = strconv.Itoa(i), tags[i]
		}
		relative = relative || q.Relative
		qs = append(qs, out)
	}
	return qs, relative, nil
}

// turnAway ends a stream that there is no room for. A browser's EventSource would never come again after a 503: it is let in,
// told when to try again, and ended.
func (o *opening) turnAway(err error) error {
	o.s.metrics.refused.WithLabelValues(reasonOf(err)).Inc()
	if !strings.Contains(o.c.Request().Header.Get("Accept"), "text/event-stream") || o.form != eventForm {
		return problem(http.StatusServiceUnavailable, "No further stream can be opened now.").retryAfter(15 + rand.IntN(30)).because(err)
	}
	o.pack = nil
	o.setHead()
	o.c.Response().WriteHeader(http.StatusOK)
	_, _ = o.c.Response().Write(appendEvent(o.form.preface(15*time.Second+rand.N(30*time.Second)), "bye", nil, fmt.Appendf(nil, `{"reason":%q}`, reasonOf(err)))) // it is over in any case
	return nil
}

// reasonOf is why a stream is turned away, in a word.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, live.ErrFull):
		return "full"
	case errors.Is(err, errAddressFull):
		return "address"
	case errors.Is(err, errTokenFull):
		return "token"
	case errors.Is(err, live.ErrClosed):
		return "shutdown"
	}
	return "unavailable"
}
