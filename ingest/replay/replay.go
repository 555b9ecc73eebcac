// Package replay is a server that plays recorded tweets in Twitter's v1.1 streaming protocol, and in that of X API v2's filtered stream.
//
// Every connection plays the tape on its own, from its first message, in the goroutine of its request: a slow
// reader holds up nobody else. What is sent is what was recorded, byte for byte, save for what was asked to
// be made new (ids and times, the source).
package replay

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Options say what is played and how. Only Tape is needed.
type Options struct {
	Tape Tape
	// Pace is how fast; the zero value is as fast as the reader takes it.
	Pace Pace
	// Loop starts the tape again at its end. Without it a stream stays open at the end, with
	// keep-alives only, unless CloseAtEnd.
	Loop       bool
	CloseAtEnd bool
	// Resume lets an account's next connection go on after the last message of its last one.
	Resume bool
	// ManyPerAccount leaves an account's older connection open when a newer one comes; Resume
	// has no effect then.
	ManyPerAccount bool

	// Renumber gives tweets new ids and the present time: see rewriter.
	Renumber bool
	// Source, if set, is the HTML that replaces the source of every tweet, so that a replay shows as one.
	Source string
	// Live has the tape go on while nobody listens, as life does: what is due meanwhile is missed by the account. It needs a
	// pace, and goes with Resume.
	Live bool

	Faults      Faults
	DeleteAfter time.Duration
	Scenario    *Scenario // further faults, by time; may be nil
	// X serves v2's filtered stream too; nil: it is not there.
	X *XOptions
	// Witness is told what became of every tweet, from the goroutines of all streams; may be nil.
	Witness func(Fate)

	// MaxConnects bounds an account's connections in ConnectWindow; more are answered 420. 0: no bound.
	MaxConnects   int
	ConnectWindow time.Duration

	KeepAlive    time.Duration // silence after which a blank line is sent; 0 is 30 s
	WriteTimeout time.Duration // a reader that takes nothing for so long is left; 0 is 90 s
	// Queue is how many messages that are due a reader may leave unread before it is
	// disconnected (code 4); 0 is 1,000. It has no meaning without a pace.
	Queue int

	Seed   uint64 // of all that is random; 0 takes one by chance
	Now    func() time.Time
	Logger *slog.Logger
}

// Pace is how fast a tape is played: Speed or PerSecond, or neither.
type Pace struct {
	Speed     float64       // times the recorded pace
	PerSecond float64       // messages a second on each stream, at a constant rate
	MaxGap    time.Duration // with Speed: no pause is longer than this; 0: no bound
}

// Server is an http.Handler that plays a tape. Cancel the requests' base context to end its
// streams (they are told so: disconnect code 1).
type Server struct {
	o        Options
	numbers  *numbers
	accounts accounts
	begun    time.Time
	rules    rules
	streams  atomic.Uint64 // opened so far
	open     atomic.Int64
	sent     atomic.Int64
	refused  atomic.Int64
}

// Stats are counts since the server was made; Open is the present number.
type Stats struct {
	Open, Opened, Refused int64 // connections; refused ones were answered with an error
	Sent                  int64 // messages, generated deletes and warnings among them
}

// New makes a server.
func New(o Options) (*Server, error) {
	if o.Tape == nil {
		return nil, errors.New("replay: no tape")
	}
	if o.Pace.Speed < 0 || o.Pace.PerSecond < 0 || o.Pace.Speed > 0 && o.Pace.PerSecond > 0 {
		return nil, errors.New("replay: the pace is either a speed or a rate, and not negative")
	}
	if err := o.Faults.check(); err != nil {
		return nil, err
	}
	if o.DeleteAfter < 0 {
		return nil, errors.New("replay: a delete comes after a time that is not negative")
	}
	if o.Live && (o.Pace == Pace{} || !o.Resume || o.ManyPerAccount) {
		return nil, errors.New("replay: a live tape needs a pace, and accounts that resume")
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 30 * time.Second
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 90 * time.Second
	}
	if o.Queue <= 0 {
		o.Queue = 1000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, numbers: newNumbers(o.Now, o.Seed), begun: o.Now()}
	s.accounts.open = map[string]*account{}
	return s, nil
}

// Stats gives the present counts.
func (s *Server) Stats() Stats {
	return Stats{Open: s.open.Load(), Opened: int64(s.streams.Load()), Refused: s.refused.Load(), Sent: s.sent.Load()}
}

// ServeHTTP answers /1.1/statuses/filter.json and sample.json, and with X /2/tweets/search/stream and its rules.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.o.X != nil && strings.HasPrefix(r.URL.Path, xPath) {
		s.serveX(w, r)
		return
	}
	token, p, err := s.admit(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.play(w, r, token, p, nil)
}

// play plays a stream to an account.
func (s *Server) play(w http.ResponseWriter, r *http.Request, token string, p params, x *xStream) {
	ctx, acc, done := s.accounts.enter(r.Context(), token, s.o.ManyPerAccount, s.o.Resume)
	defer done()
	if ctx.Err() != nil {
		return
	}
	number := s.streams.Add(1)
	s.open.Add(1)
	defer s.open.Add(-1)
	st := s.newStream(w, p, acc, number, x)
	s.o.Logger.Info("stream opened", "stream", number, "path", r.URL.Path)
	err := st.run(ctx)
	s.o.Logger.Info("stream ended", "stream", number, "sent", st.wire.sent, "reason", err)
}

// refusing is what a scenario, or too many connections, answer now; nil: nothing.
func (s *Server) refusing(token string) error {
	now := s.o.Now()
	if status := s.o.Scenario.refusal(now.Sub(s.begun)); status != 0 {
		return refusal{status, "the scenario says so"}
	}
	if !s.accounts.connect(token, now, s.o.MaxConnects, s.o.ConnectWindow) {
		return refusal{statusCalm, "Enhance Your Calm: too many connections in a short time"}
	}
	return nil
}

// admit decides whether a request becomes a stream.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (string, params, error) {
	token, err := authorization(r.Header.Get("Authorization"))
	if err != nil {
		return "", params{}, err
	}
	var sample bool
	switch r.URL.Path {
	case "/1.1/statuses/filter.json":
	case "/1.1/statuses/sample.json":
		sample = true
	case "/1.1/statuses/firehose.json":
		return "", params{}, refusal{http.StatusForbidden, "this account has no access to the firehose"}
	default:
		return "", params{}, refusal{http.StatusNotFound, "no such stream"}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return "", params{}, refusal{http.StatusMethodNotAllowed, "GET or POST"}
	}
	if err := s.refusing(token); err != nil {
		return "", params{}, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return "", params{}, refusal{http.StatusNotAcceptable, "the parameters cannot be read"}
	}
	p, err := parseParams(r.Form, sample)
	return token, p, err
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	s.refused.Add(1)
	re := refusal{http.StatusInternalServerError, "internal error"}
	errors.As(err, &re)
	s.o.Logger.Info("stream refused", "path", r.URL.Path, "status", re.status, "reason", re.reason)
	if re.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `OAuth realm="Firehose"`)
	}
	http.Error(w, re.reason, re.status)
}

// refusal is an HTTP answer other than a stream.
type refusal struct {
	status int
	reason string
}

func (r refusal) Error() string { return r.reason }

// statusCalm is Twitter's own: too many connects.
const statusCalm = 420

// maxForm bounds the body of a request: all parameters at their caps, percent-encoded, fit.
const maxForm = 1 << 20

// ends of a stream, told to the client by a disconnect message
var (
	errShutdown = disconnect{1, "Shutdown", "the server is ending"}
	errStalled  = disconnect{4, "Stall", "the client did not keep up: more messages are due than the queue holds"}
	errReplaced = disconnect{7, "Admin logout", "a newer connection of the same account took over"}
	errTape     = disconnect{10, "Exception", "the tape cannot be read on"}
)

type disconnect struct {
	code int
	name string
	text string
}

func (d disconnect) Error() string { return d.text }

// endOf is why ctx ended: another connection, or the server (or the client, who will not read it).
func endOf(ctx context.Context) error {
	var d disconnect
	if errors.As(context.Cause(ctx), &d) {
		return d
	}
	return errShutdown
}
