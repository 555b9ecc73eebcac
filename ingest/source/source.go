// Package source takes tweets in from a v1.1 streaming server, Twitter's or one that speaks as it did.
//
// The connection, its requests and the kinds of its messages are dghubble/go-twitter's work. That library
// keeps neither the bytes nor all fields, and gives up or hurries in ways that no archive can live with; so
// it never sees the real stream. Its http.Client is a gate of ours: the gate lets one request through, signs
// it, frames the answer itself, gives every message's own bytes to the sink, and hands the library
// a stub line a message, just enough to tell its kind. When and whether to connect again is decided here.
package source

import (
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

	Sample      bool     // the sample endpoint; else filter
	Track       []string // terms: any of them; a term's words all of them
	Follow      []string // user ids
	Locations   []string // "lon,lat" pairs, south-west corner first
	Language    []string
	FilterLevel string

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

// Sink takes records; when it returns nil they are safe. It may block: the stream waits.
type Sink = func(ctx context.Context, recs []tweet.Record) error

// Stream is a source. Run may be called once at a time; State at any time.
type Stream struct {
	c    Config
	base *url.URL
	sign http.RoundTripper

	mu    sync.Mutex // guards what follows
	state State

	telling sync.Mutex // held while Observe is called
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
	if !c.Sample && len(c.Track)+len(c.Follow)+len(c.Locations) == 0 {
		return fail("track, follow or locations is needed")
	}
	if c.Sample && len(c.Track)+len(c.Follow)+len(c.Locations) > 0 {
		return fail("a sample takes no track, follow or locations")
	}
	base, err := url.Parse(cmpOr(c.BaseURL, publicBase))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return fail(fmt.Sprintf("%q is not the address of a server", c.BaseURL))
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	c.defaults()
	s := &Stream{c: c, base: base, state: State{Name: c.Name, Since: c.Now()}}
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
		c.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 15 * time.Second,
			DisableCompression:  true, // a compressed stream comes late
			DisableKeepAlives:   true, // a connection is one stream
			ReadBufferSize:      readSize,
		}
	}
}

// readSize is how much is read at once, and thereby what one call of the sink can hold while
// messages come faster than it takes them.
const readSize = 256 << 10

// Name is the configured one.
func (s *Stream) Name() string { return s.c.Name }

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
