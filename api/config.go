package api

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Config are the server's settings. The zero value of each is a sane default, but Addr is needed.
type Config struct {
	// Addr is the address that the server is bound to, host:port. It decides who may: see Who may in the docs.
	Addr string
	// Hosts are further names (host or host:port) that requests may be for: those of a proxy's site, say.
	// "*" is any.
	Hosts []string
	// CORSOrigins are web origins (scheme://host[:port], or "*") whose pages may read.
	CORSOrigins []string

	ReadTokens  []string // for reading
	WriteTokens []string // for writing and reading
	LocalToken  string   // as a write token, but does not count as one that is set
	Public      bool     // anyone may read
	// PageMayWrite lets the page write without a token. It holds only where Addr is loopback; not for use behind a proxy.
	PageMayWrite bool
	// StreamKey signs the short-lived tokens of EventSource; empty: one made for this process.
	StreamKey []byte

	MaxBody    int64 // bytes of an intake, after decompression; 256 MiB
	MaxURI     int   // bytes of path and query; 64 KiB
	MaxHeader  int   // bytes of all headers; 32 KiB
	MaxStreams int   // open streams; 10,000. The hub has a bound of its own
	// MaxStreamsAddress bounds the streams of one client: an IPv4 address, or a network of 64 bits; 256, below 0 none. Loopback is not bound,
	// as a proxy may stand there. MaxStreamsToken bounds those with one bearer token; 0: not.
	MaxStreamsAddress, MaxStreamsToken int
	MaxQueries                         int           // queries of one stream; 32
	MaxRules                           int           // rules of the filtered stream; 1000
	MaxBuckets                         int           // buckets of one page of counts; 744, a month of hours
	SearchTimeout                      time.Duration // of a search or count; 10 s
	ExportTimeout                      time.Duration // of a page of an export; 50 s, as a stock proxy gives an answer up that says nothing for 60
	ReadTimeout                        time.Duration // a stall in a request's body; 30 s
	WriteTimeout                       time.Duration // a stall of a client that reads an answer or a stream; 30 s
	Heartbeat                          time.Duration // between comments on a silent stream; 15 s
	Retry                              time.Duration // what retry: tells, half to three halves of it; 3 s
	IngestParallel                     int           // bodies taken in at once; 4
	MaxExports                         int           // exports written at once; 4
}

func (c Config) withDefaults() Config {
	c.MaxBody = cmp.Or(c.MaxBody, 256<<20)
	c.MaxURI = cmp.Or(c.MaxURI, 64<<10)
	c.MaxHeader = cmp.Or(c.MaxHeader, 32<<10)
	c.MaxStreams = cmp.Or(c.MaxStreams, 10_000)
	c.MaxStreamsAddress = cmp.Or(c.MaxStreamsAddress, 256)
	c.MaxQueries = cmp.Or(c.MaxQueries, 32)
	c.MaxRules = cmp.Or(c.MaxRules, 1000)
	c.MaxBuckets = cmp.Or(c.MaxBuckets, 744)
	c.SearchTimeout = cmp.Or(c.SearchTimeout, 10*time.Second)
	c.ExportTimeout = cmp.Or(c.ExportTimeout, 50*time.Second)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.Retry = cmp.Or(c.Retry, 3*time.Second)
	c.IngestParallel = cmp.Or(c.IngestParallel, 4)
	c.MaxExports = cmp.Or(c.MaxExports, 4)
	return c
}

// ErrOpen: bound to an address that others reach, with neither tokens nor Public.
var ErrOpen = errors.New("others can reach this address: set tokens, or make reading public")

// check refuses settings that would let strangers in unasked.
func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("address %q: %w", c.Addr, err)
	}
	if !c.OnLoopback() && !c.Public && !c.tokensSet() {
		return fmt.Errorf("address %s: %w", c.Addr, ErrOpen)
	}
	for _, o := range c.CORSOrigins {
		if o != "*" && (!strings.Contains(o, "://") || strings.HasSuffix(o, "/")) {
			return fmt.Errorf("origin %q is not of the form scheme://host", o)
		}
	}
	for _, t := range append(append([]string{}, c.ReadTokens...), c.WriteTokens...) {
		if len(t) < minToken {
			return fmt.Errorf("a token is shorter than %d characters", minToken)
		}
	}
	return nil
}

// minToken is the least length of a token that is set: below it guessing is quick.
const minToken = 16

func (c Config) tokensSet() bool { return len(c.ReadTokens)+len(c.WriteTokens) > 0 }

// OnLoopback reports whether only this machine reaches Addr.
func (c Config) OnLoopback() bool {
	host, _, err := net.SplitHostPort(c.Addr)
	return err == nil && isLoopback(host)
}

// isLoopback: names that DNS cannot point elsewhere, and loopback addresses.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
