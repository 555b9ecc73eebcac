package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"birdwatch/tweet"
)

// XConfig says what to listen to at X. Name, Bearer and Convert are needed.
type XConfig struct {
	// Name is the source's in provenance ("stream:NAME"), state and logs.
	Name string
	// BaseURL is scheme and host, and a path if there is one before /2; "" is X's.
	BaseURL string
	Bearer  string // of the app

	// Rules are what X is made to have before the stream is opened.
	Rules []Rule
	// KeepOthers leaves rules that X has beside these; without it they are deleted.
	KeepOthers bool

	// BackfillMinutes is how far X is asked to reach back after a gap, at most 5; it takes access that has it. 0: never.
	BackfillMinutes int
	// Missing says how long nothing has been taken in, when a connection is about to be made; nil: since the last one of this Run ended.
	Missing func() time.Duration

	// Spend is told of posts that were read, which cost, and says whether the budget allows more; nil: it does. With no posts it
	// asks whether there is any.
	Spend func(ctx context.Context, posts int) (more bool, err error)

	// Convert, Observe and what follows are as in Config.
	Convert    func(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error)
	Observe    func(Event)
	Stall      time.Duration // 0 is 40 s: X sends something every 20 s
	MaxMessage int
	Transport  http.RoundTripper
	Now        func() time.Time
	Random     func() float64
	Logger     *slog.Logger
}

// Rule is a query that X matches tweets with.
type Rule struct {
	Value string `json:"value"`
	Tag   string `json:"tag,omitempty"`
}

// X is a source that listens to X API v2's filtered stream, or to a server that speaks it. Run may be called once at a time.
type X struct {
	reporter
	c    XConfig
	base *url.URL

	asking     sync.Mutex // guards what follows
	rules      []Rule
	synced     bool
	noBackfill bool      // X does not allow it
	ended      time.Time // the last connection
}

// publicX is where X is.
const publicX = "https://api.x.com"

// ErrSpent ends a Run whose budget is used up.
var ErrSpent = errors.New("the budget of posts is used up")

// NewX checks the configuration; it connects to nothing.
func NewX(c XConfig) (*X, error) {
	if c.Name == "" {
		return nil, errors.New("source: no name")
	}
	fail := func(reason string) (*X, error) { return nil, fmt.Errorf("source %s: %s", c.Name, reason) }
	if c.Convert == nil {
		return fail("no way to convert messages")
	}
	if c.Bearer == "" {
		return fail("a bearer token is needed")
	}
	if c.BackfillMinutes < 0 || c.BackfillMinutes > maxBackfill {
		return fail("backfill is of 0 to 5 minutes")
	}
	base, err := address(cmp.Or(c.BaseURL, publicX))
	if err != nil {
		return fail(err.Error())
	}
	// what both kinds of source default alike
	d := Config{Stall: cmp.Or(c.Stall, 40*time.Second), MaxMessage: c.MaxMessage, Observe: c.Observe, Now: c.Now, Random: c.Random, Logger: c.Logger, Transport: c.Transport}
	d.defaults()
	c.Stall, c.MaxMessage, c.Observe, c.Now, c.Random, c.Logger, c.Transport = d.Stall, d.MaxMessage, d.Observe, d.Now, d.Random, d.Logger, d.Transport
	if c.Spend == nil {
		c.Spend = func(context.Context, int) (bool, error) { return true, nil }
	}
	x := &X{c: c, base: base, rules: c.Rules}
	x.reporter = reporter{name: c.Name, now: c.Now, observe: c.Observe, log: c.Logger, state: State{Name: c.Name, Since: c.Now()}}
	return x, nil
}

// maxBackfill is X's.
const maxBackfill = 5

// Run listens until ctx ends, whose error it then gives, until the sink fails, or until the budget is used up (ErrSpent). Everything
// else is reported and tried again.
func (x *X) Run(ctx context.Context, sink Sink) error {
	var b backoff
	for {
		if more, err := x.c.Spend(ctx, 0); err != nil || !more {
			if err == nil {
				err = ErrSpent
			}
			x.change(func(s *State) { s.Spent = errors.Is(err, ErrSpent) })
			x.over(ending{err: err}, never)
			return fmt.Errorf("source %s: %w", x.c.Name, err)
		}
		x.change(func(s *State) { s.Spent = false })
		c := &xConnection{X: x}
		e := c.run(ctx, sink)
		switch {
		case ctx.Err() != nil:
			e.stopped = true
			x.over(e, never)
			return ctx.Err()
		case isSink(e.err), errors.Is(e.err, ErrSpent):
			x.change(func(s *State) { s.Spent = errors.Is(e.err, ErrSpent) })
			x.over(e, never)
			return fmt.Errorf("source %s: %w", x.c.Name, e.err)
		}
		delay := b.after(e, x.c.Random())
		if status := new(StatusError); errors.As(e.err, &status) && !status.Reset.IsZero() {
			delay = max(delay, min(status.Reset.Sub(x.c.Now()), calmMost))
		}
		x.over(e, delay)
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// over reports the end of a connection.
func (x *X) over(e ending, delay time.Duration) {
	x.asking.Lock()
	x.synced = false // another program may change the rules meanwhile, or X lose them
	if e.established {
		x.ended = x.c.Now()
	}
	x.asking.Unlock()
	x.reporter.ended(e, delay)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// xConnection is one try, from the rules to the end of the stream.
type xConnection struct {
	*X
	number int64
	opened time.Time
	told   *ToldError
	back   time.Duration
}

func (c *xConnection) run(parent context.Context, sink Sink) ending {
	c.number = c.attempt()
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	stall := time.AfterFunc(c.c.Stall, func() { cancel(errStall) })
	defer stall.Stop()
	err := c.stream(ctx, stall, func(recs []tweet.Record) error { return sink(WithConnection(parent, c.number), recs) })
	if cause := context.Cause(ctx); cause != nil && !isSink(err) {
		err = cause // what the network says then is only that it was cut
	}
	if c.told != nil && errors.Is(err, errEnd) {
		err = c.told
	}
	e := ending{established: !c.opened.IsZero(), err: err, number: c.number}
	if e.established {
		e.lived = c.c.Now().Sub(c.opened)
	}
	return e
}

// stream opens the stream and reads it to its end.
func (c *xConnection) stream(ctx context.Context, stall *time.Timer, sink func([]tweet.Record) error) error {
	if err := c.synchronise(ctx); err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	resp, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	watch := context.AfterFunc(ctx, func() { resp.Body.Close() })
	defer watch()
	stall.Stop()
	c.opened = c.connected(c.number, resp.StatusCode, rulesText(c.Rules()), c.back)
	f := framer{r: resp.Body, most: c.c.MaxMessage}
	for {
		stall.Reset(c.c.Stall)
		readErr := f.fill()
		stall.Stop()
		now := c.c.Now()
		lines, idle := c.lines(&f, readErr)
		if readErr == nil {
			c.change(func(s *State) { s.LastMessage = now })
		}
		if err := c.hand(ctx, lines, now, sink); err != nil {
			return err
		}
		if readErr != nil {
			if errors.Is(readErr, io.EOF) {
				return errEnd
			}
			return readErr
		}
		if idle && f.empty() {
			c.change(func(s *State) { s.Idle = now })
		}
	}
}

// open asks for the stream with all that X can send.
func (c *xConnection) open(ctx context.Context) (*http.Response, error) {
	q := everything()
	if minutes := c.reachBack(); minutes > 0 {
		c.back = time.Duration(minutes) * time.Minute
		q.Set("backfill_minutes", strconv.Itoa(minutes))
	}
	resp, err := c.ask(ctx, http.MethodGet, "/2/tweets/search/stream?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	c.change(func(s *State) { s.LastStatus = resp.StatusCode })
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	if c.back > 0 && (resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusForbidden) {
		c.asking.Lock()
		defer c.asking.Unlock()
		c.noBackfill = true // it may be that: the next try is without
	}
	return nil, statusError(resp)
}

// reachBack is for how many minutes X is to send again what it sent: as long as nothing was taken in.
func (c *xConnection) reachBack() int {
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.noBackfill || c.c.BackfillMinutes == 0 {
		return 0
	}
	var missing time.Duration
	switch {
	case c.c.Missing != nil:
		missing = c.c.Missing()
	case !c.ended.IsZero():
		missing = c.c.Now().Sub(c.ended)
	}
	return min(c.c.BackfillMinutes, int(math.Ceil(missing.Minutes())))
}

// ask sends a request to X.
func (x *X) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, x.base.String()+path, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+x.c.Bearer)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return x.c.Transport.RoundTrip(req)
}
