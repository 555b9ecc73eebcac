// Package elastic is the archive in Elasticsearch, from version 7.17 on.
//
// There is one index for each stretch of time that ids fall in, with the words that query.Target gives, never Elasticsearch's own. A
// document carries its whole content, so that every index can be made again from itself. Nothing is assumed of the server but
// indexing, searching and aliases: scripts, ILM, reindex, delete_by_query, the percolator and GET / may be missing.
package elastic

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	elasticsearch "github.com/elastic/go-elasticsearch/v8"

	"birdwatch/search"
)

// Options say where the archive is and how it is kept. What is not given has the default in brackets.
type Options struct {
	URLs     []string // of the nodes; a user and a password in one of them serve where Username is not set
	CloudID  string   // instead of URLs
	Username string
	Password string
	APIKey   string // base64 of id:key; beats user and password
	CAFile   string // PEM; trusted beside the system's own
	Prefix   string // of the names of indices [birdwatch]
	Period   string // that one index is for, year or month; an archive keeps the one it was made with [year]
	Shards   int    // of indices made from now on [1]
	Replicas int    // likewise
	// Refresh is how long an import may be invisible to other processes [1 s].
	Refresh time.Duration
	// Owner names this writer. One that was killed is followed at once by one of the same name, another waits until its
	// lease is over; so it has to be one of a kind [host and process].
	Owner string
	// Lease is how long after its last sign of life a writer keeps others out [30 s].
	Lease    time.Duration
	ReadOnly bool // writes are errors, and there is no lease
	// Countries (ISO 3166 codes) are those whose withheld tweets are hidden. What is hidden everywhere always is.
	Countries []string
	Logger    *slog.Logger
	Transport http.RoundTripper // instead of the network's, for tests
	Now       func() time.Time
}

// Archive is an archive in Elasticsearch. Its methods are safe for concurrent use; one process at a time writes, which a lease sees to.
type Archive struct {
	o  Options // without secrets
	es *elasticsearch.BaseClient

	checked atomic.Bool // the schema is there, and of a version that this program knows
	schema  schema
	strays  strays
	shown   clause // finds what is not hidden
	server  server
	writer  writer
	lease   lease
	unseen  unseen
}

// patience is how long one request may take, whatever its context says: a server that was stopped never answers.
const patience = time.Minute

// Open opens an archive and takes the right to write it, until Close; a *LeasedError says that another process has it. It makes template and
// state index where they are missing. A server that is away is no error: calls say search.ErrUnavailable until it is back,
// and the first one then does what is left to do.
func Open(ctx context.Context, o Options) (*Archive, error) {
	a := &Archive{writer: newWriter(), lease: newLease()}
	if err := a.configure(o); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	err := a.ready(ctx)
	if err == nil && !o.ReadOnly {
		err = a.takeLease(ctx)
	}
	if err != nil && (!errors.Is(err, search.ErrUnavailable) || errors.Is(err, ErrLeased)) {
		return nil, errors.Join(fmt.Errorf("open archive: %w", err), a.Close())
	}
	if err != nil {
		a.o.Logger.Warn("the archive opens when Elasticsearch lets it", "reason", Explain(err), "error", err)
	}
	if !o.ReadOnly {
		a.keepLease()
	}
	return a, nil
}

func (a *Archive) configure(o Options) error {
	cfg, err := clientConfig(&o)
	if err != nil {
		return err
	}
	if err := o.setDefaults(); err != nil {
		return err
	}
	if a.es, err = elasticsearch.NewBaseClient(cfg); err != nil {
		return errors.New("no client can be made of these settings: URLs, cloud id or certificates") // its own words may hold a password
	}
	o.Username, o.Password, o.APIKey, o.URLs, o.CloudID = "", "", "", nil, ""
	a.o, a.shown = o, shownIn(o.Countries)
	a.schema.prefix, a.schema.monthly = o.Prefix, o.Period == monthly
	return nil
}

func (o *Options) setDefaults() error {
	if o.Prefix == "" {
		o.Prefix = "birdwatch"
	}
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Refresh == 0 {
		o.Refresh = time.Second
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	if o.Owner == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		o.Owner = fmt.Sprintf("%s process %d", host, os.Getpid())
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case !prefixForm.MatchString(o.Prefix):
		return fmt.Errorf("prefix %.40q: an index's name begins with a small letter or a digit, and has - and _ besides", o.Prefix)
	case o.Period != "" && o.Period != yearly && o.Period != monthly:
		return fmt.Errorf("period %.40q: it is year or month", o.Period)
	case o.Shards < 0 || o.Replicas < 0 || o.Refresh < 0 || o.Lease < 0:
		return errors.New("shards, replicas, refresh and lease cannot be negative")
	}
	return nil
}

// clientConfig makes the client's settings. User and password of a URL go where no error shows them.
func clientConfig(o *Options) (elasticsearch.Config, error) {
	cfg := elasticsearch.Config{CloudID: o.CloudID, Username: o.Username, Password: o.Password, APIKey: o.APIKey,
		EnableCompatibilityMode: true, DisableMetaHeader: true, MaxRetries: max(len(o.URLs), 1)}
	if (len(o.URLs) == 0) == (o.CloudID == "") {
		return cfg, errors.New("either URLs of Elasticsearch or a cloud id have to be given")
	}
	for i, s := range o.URLs {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return cfg, fmt.Errorf("URL %d of Elasticsearch is not of the form https://host:port", i+1)
		}
		if u.User != nil && cfg.Username == "" {
			cfg.Username = u.User.Username()
			cfg.Password, _ = u.User.Password()
		}
		u.User = nil
		cfg.Addresses = append(cfg.Addresses, strings.TrimRight(u.String(), "/"))
	}
	// The end of the request's own time is not a node's fault, and no other node would be faster.
	cfg.RetryOnError = func(r *http.Request, _ error) bool { return r.Context().Err() == nil }
	var err error
	cfg.Transport, err = transport(o)
	return cfg, err
}

func transport(o *Options) (http.RoundTripper, error) {
	if o.Transport != nil {
		return o.Transport, nil
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, 64
	if o.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA file %s has no certificate in PEM form", o.CAFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// now is the time.
func (a *Archive) now() time.Time { return a.o.Now() }

// call asks the server and gives the body of an answer that says yes (2xx). What it says otherwise is a *serverError; a server that
// cannot be reached, or does not answer in time, is search.ErrUnavailable. path holds the parameters too; body may be nil.
func (a *Archive) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(limited, method, path, r)
	if err != nil {
		return nil, fmt.Errorf("request to Elasticsearch: %w", err)
	}
	res, err := a.es.Perform(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	defer res.Body.Close()
	answer, err := readAnswer(res)
	if err != nil {
		return nil, lost(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, parseError(res.StatusCode, answer)
	}
	return answer, nil
}

func readAnswer(res *http.Response) ([]byte, error) {
	if res.ContentLength <= 0 || res.Request != nil && res.Request.Method == http.MethodHead {
		return io.ReadAll(res.Body)
	}
	answer := make([]byte, res.ContentLength)
	_, err := io.ReadFull(res.Body, answer)
	return answer, err
}

// Close makes what was written searchable and gives the right to write back. It waits for what is being written; searches under way
// fail.
func (a *Archive) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.settle(ctx); err != nil {
		a.o.Logger.Warn("the last imports become searchable later", "error", err)
	}
	a.dropLease(ctx)
	if err := a.es.Close(ctx); err != nil && !errors.Is(err, elasticsearch.ErrAlreadyClosed) {
		return err
	}
	return nil
}
