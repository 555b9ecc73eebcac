// Package source takes tweets in from a v1.1 streaming server, Twitter's or one that speaks as it did.
//
// The connection, its requests and the kinds of its messages are dghubble/go-twitter's work. That library
// keeps neither the bytes nor all fields, and gives up or hurries in ways that no archive can live with; so
// it never sees the real stream. Its http.Client is a gate of ours: the gate lets one request through, signs
// it, frames the answer itself, gives every message's own bytes to the sink, and hands the library
// a stub line a message, just enough to tell its kind. When and whether to connect again is decided here.
package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dghubble/oauth1"

	"birdwatch/tweet"
)

// Config says what to listen to. Name, the credentials and Convert are needed, and a predicate (Track,
// Follow or Locations) unless Sample.
type Config struct {
	// Name is the source's in provenance ("stream:NAME"), state and logs.
	Name string
	// BaseURL is scheme and host, and a path if there is one before /1.1; "" is Twitter's.
	BaseURL string

	Topics

	ConsumerKey, ConsumerSecret, Token, TokenSecret string

	// Convert makes records of a message. p is to be theirs, at (Unix milliseconds) is when the
	// message came. What it refuses is reported (Refused) and passed over.
	Convert func(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error)

	// Observe is told what happens, one event at a time, from Run's goroutines: it must not block
	// for long. May be nil.
	Observe func(Event)

	Stall      time.Duration     // silence after which a connection is given up; 0 is 90 s
	MaxMessage int               // bytes; a longer message ends the connection; 0 is 16 MiB
	Transport  http.RoundTripper // how servers are reached; nil is a new one made for streams
	Now        func() time.Time
	Random     func() float64 // from 0 to 1, spreads the reconnects
	Logger     *slog.Logger
}

// Topics are what a v1.1 stream is asked for. They can be changed while it runs (Change).
type Topics struct {
	Sample      bool     `json:"sample,omitempty"`    // the sample endpoint; else filter
	Track       []string `json:"track,omitempty"`     // terms: any of them; a term's words all of them
	Follow      []string `json:"follow,omitempty"`    // user ids
	Locations   []string `json:"locations,omitempty"` // "lon,lat" pairs, south-west corner first
	Language    []string `json:"language,omitempty"`
	FilterLevel string   `json:"filter_level,omitempty"`
}

// Check says what is wrong with them.
func (t Topics) Check() error {
	predicates := len(t.Track) + len(t.Follow) + len(t.Locations)
	switch {
	case !t.Sample && predicates == 0:
		return errors.New("track, follow or locations is needed")
	case t.Sample && predicates > 0:
		return errors.New("a sample takes no track, follow or locations")
	}
	return nil
}

// String gives them as one line.
func (t Topics) String() string {
	var parts []string
	for _, p := range []struct {
		name   string
		values []string
	}{{"track", t.Track}, {"follow", t.Follow}, {"locations", t.Locations}, {"language", t.Language}} {
		if len(p.values) > 0 {
			parts = append(parts, p.name+"="+strings.Join(p.values, ","))
		}
	}
	if t.FilterLevel != "" {
		parts = append(parts, "filter_level="+t.FilterLevel)
	}
	if t.Sample {
		parts = append([]string{"sample"}, parts...)
	}
	return strings.Join(parts, " ")
}

// Sink takes records; when it returns nil they are safe. It may block: the stream waits.
type Sink = func(ctx context.Context, recs []tweet.Record) error

// Stream is a source. Run may be called once at a time; State at any time.
type Stream struct {
	reporter
	c       Config
	base    *url.URL
	sign    http.RoundTripper
	changes chan *topicChange

	asking sync.Mutex // guards what follows
	topics Topics
}

// publicBase is where Twitter's streams were.
const publicBase = "https://stream.twitter.com"

// New checks the configuration; it connects to nothing.
func New(c Config) (*Stream, error) {
	if c.Name == "" {
		return nil, errors.New("source: no name")
	}
	fail := func(reason string) (*Stream, error) { return nil, fmt.Errorf("source %s: %s", c.Name, reason) }
	if c.Convert == nil {
		return fail("no way to convert messages")
	}
	if c.ConsumerKey == "" || c.ConsumerSecret == "" || c.Token == "" || c.TokenSecret == "" {
		return fail("consumer key and secret, token and token secret are all needed")
	}
	if err := c.Check(); err != nil {
		return fail(err.Error())
	}
	base, err := address(cmp.Or(c.BaseURL, publicBase))
	if err != nil {
		return fail(err.Error())
	}
	c.defaults()
	s := &Stream{c: c, base: base, topics: c.Topics, changes: make(chan *topicChange)}
	s.reporter = reporter{name: c.Name, now: c.Now, observe: c.Observe, log: c.Logger, state: State{Name: c.Name, Since: c.Now()}}
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, &http.Client{Transport: c.Transport})
	s.sign = oauth1.NewConfig(c.ConsumerKey, c.ConsumerSecret).Client(ctx, oauth1.NewToken(c.Token, c.TokenSecret)).Transport
	return s, nil
}

func (c *Config) defaults() {
	if c.Stall <= 0 {
		c.Stall = 90 * time.Second
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 16 << 20
	}
	if c.Observe == nil {
		c.Observe = func(Event) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
}

// readSize is how much is read at once, and thereby what one call of the sink can hold while
// messages come faster than it takes them.
const readSize = 256 << 10

// address reads a server's.
func address(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a server", text)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return base, nil
}

// newTransport is made for streams.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		DisableCompression:  true, // a compressed stream comes late
		DisableKeepAlives:   true, // a connection is one stream
		ReadBufferSize:      readSize,
	}
}
