package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/live"
)

// backfillMinutes is how far back a filtered stream can begin; the journal may not reach so far.
const backfillMinutes = 3 * 24 * 60

var filteredParameters = append([]string{"backfill_minutes", "start_time", "end_time"}, fieldParameters...)

// filtered answers GET /2/tweets/search/stream, X's filtered stream: what matches the rules, a JSON object a line.
func (s *Server) filtered(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, filteredParameters...)
	if err != nil {
		return err
	}
	o := &opening{streaming: streaming{s: s, form: lineForm}, c: c}
	if err := o.common(p); err != nil {
		return err
	}
	minutes, err := p.number("backfill_minutes", 0, backfillMinutes, 0)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if minutes > 0 {
		at, err := s.Before(ctx, s.now().Add(-time.Duration(minutes)*time.Minute))
		if err != nil {
			return fmt.Errorf("place of %d minutes ago: %w", minutes, err)
		}
		o.request.Resume = &at
	}
	o.request.Endless = o.request.End.IsZero()
	o.subscribe = o.byRules
	if err := o.open(); !errors.Is(err, errNoRules) {
		return err
	}
	return &Problem{Title: "ConnectionException", Detail: "This stream has no rules yet: add some by POST /2/tweets/search/stream/rules.",
		Type: problemTypes + "streaming-connection", Status: http.StatusConflict, ConnectionIssue: "RuleConfigurationIssue"}
}

var errNoRules = errors.New("no rules")

// byRules subscribes to what matches the rules, now and as they change.
func (o *opening) byRules(ctx context.Context, r live.Request, st *streaming) (sub *live.Subscription, err error) {
	rs := o.s.rules
	err = rs.locked(ctx, func() error {
		if len(rs.all) == 0 {
			return errNoRules
		}
		r.Queries = rs.queries()
		if sub, err = o.s.Hub.Subscribe(ctx, r); err == nil {
			rs.streams[sub] = st.end
		}
		return err
	})
	st.close = append(st.close, func() {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		delete(rs.streams, sub)
	})
	return sub, err
}

// appendLine writes what is no tweet in X's filtered stream, which knows disconnections, and nothing of places and deletions.
func (st *streaming) appendLine(dst []byte, e *live.Event) []byte {
	switch e.Kind {
	case live.Gap:
		return fmt.Appendf(dst, `{"errors":[{"title":"Gap","detail":"Tweets of this time can not be had from here any more.","type":"about:blank","gap":%s}]}`+"\r\n", st.gap(e))
	case live.Bye:
		return appendDisconnect(dst, "shutdown")
	}
	return dst
}

// appendDisconnect is X's word for a stream that the server ends.
func appendDisconnect(dst []byte, reason string) []byte {
	return fmt.Appendf(dst, `{"errors":[{"title":"operational-disconnect","disconnect_type":"OperationalDisconnect","detail":"This stream has been disconnected: %s. Connect again.","type":"%soperational-disconnect"}]}`+"\r\n", reason, problemTypes)
}
