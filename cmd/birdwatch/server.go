package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"birdwatch/api"
	"birdwatch/ingest/journal"
	"birdwatch/live"
	"birdwatch/web"
)

// drainTime is how long open requests are waited for when the server stops.
const drainTime = 10 * time.Second

// running is a server with all that feeds it.
type running struct {
	*node
	env      *environment
	hub      *live.Hub
	url      string
	listener net.Listener
	api      *api.Server
	server   *http.Server
	streams  *sources
	sources  []func(context.Context) error // each runs until its context ends
}

// begin opens the folder, binds the address and puts the parts together; serve runs them.
func begin(env *environment, f dataFlags, cert *certificate, c api.Config, o journal.Options, l live.Options) (r *running, err error) {
	if runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2) // the scheduler would look for what has come in every 10 ms only, as long as there is something to write
	}
	n, err := openNode(env.ctx, f, o, env.log)
	if err != nil {
		if errors.Is(err, journal.ErrLocked) {
			return nil, usage(fmt.Errorf("%s: %w", f.Data, err))
		}
		return nil, err
	}
	r = &running{node: n, env: env, streams: newSources()}
	begun := r // r is nil where an error is returned
	defer func() {
		if err != nil {
			err = errors.Join(err, begun.abandon())
		}
	}()
	if r.listener, err = net.Listen("tcp", c.Addr); err != nil {
		return nil, usage(fmt.Errorf("listen: %w", err))
	}
	if c.LocalToken, err = localToken(f.Data); err != nil {
		return nil, err
	}
	c.Addr = boundAddress(c.Addr, r.listener)
	seen, err := newVeiled(env.ctx, n.journal, f.countries)
	if err != nil {
		return nil, err
	}
	r.hub = live.NewHub(seen, past{n.archive, shown{n.archive, seen}}, l)
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.register(metrics)
	r.streams.register(metrics)
	s, err := api.New(c, api.Deps{
		Searcher: shown{n.archive, seen}, Facets: n.archive, Reader: shown{n.archive, seen}, Repairs: n.archive, Explain: r.explainers(), Hub: r.hub, Intake: settledIntake{intake{n}}, State: n.journal, Before: n.before, Coverage: coverageOf{n.ledger}, Sources: r.streams, Page: web.Handler(), Metrics: metrics, Log: env.log, Now: time.Now,
		Status: func(ctx context.Context) (any, error) { return n.status(ctx) }, Ready: n.ready,
	})
	if err != nil {
		return nil, usage(err) // it checks the settings, and nothing else of it can fail
	}
	r.api, r.server, r.url = s, s.HTTPServer(), pageURL(r.listener)
	if cert != nil {
		r.url = "https" + strings.TrimPrefix(r.url, "http")
		r.server.TLSConfig = &tls.Config{GetCertificate: cert.get, MinVersion: tls.VersionTLS12}
		if err := cert.leave(f.Data); err != nil {
			return nil, err
		}
	}
	return r, os.WriteFile(filepath.Join(f.Data, addressFile), []byte(r.url+"\n"), 0o600)
}

func (r *running) abandon() error {
	var err error
	if r.listener != nil {
		err = r.listener.Close()
	}
	return errors.Join(err, r.node.close())
}

// boundAddress is the address with the port that was given, where any was asked for.
func boundAddress(asked string, l net.Listener) string {
	host, port, err := net.SplitHostPort(asked)
	if err != nil || port != "0" {
		return asked
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port)
}

// pageURL is where a browser on this machine finds the page.
func pageURL(l net.Listener) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return "http://" + l.Addr().String()
	}
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// localToken is the folder's own token for writing; whoever may read the folder may use it.
func localToken(data string) (string, error) {
	name := filepath.Join(data, tokenFile)
	token, err := readLine(name)
	if err != nil || token != "" {
		return token, err
	}
	token = rand.Text()
	if err := os.WriteFile(name, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the local token: %w", err)
	}
	return token, nil
}

// serve runs until the environment's context ends, or a part fails. What is shut down goes in the order in which data
// flows: sources, then streams (told to come back), then requests, then the archive writer, then the files.
func (r *running) serve() error {
	base := context.WithoutCancel(r.env.ctx)
	sourcing, stopSources := context.WithCancel(base)
	serving, stopServing := context.WithCancel(base)
	following, stopFollowing := context.WithCancel(base)
	defer stopFollowing()
	defer stopServing()
	defer stopSources()
	failed := make(chan error, 1)
	fail := func(err error) {
		if err != nil {
			select {
			case failed <- err:
			default: // the first one is told
			}
		}
	}
	var followers, streams, sources errgroup.Group
	followers.Go(func() error { fail(r.follow(following)); return nil })
	followers.Go(func() error { fail(r.sweep(following)); return nil })
	followers.Go(func() error { fail(r.journal.Run(following, 5*time.Second)); return nil })
	followers.Go(func() error { fail(r.ledger.Run(following)); return nil })
	streams.Go(func() error { fail(r.hub.Run(serving)); return nil })
	streams.Go(func() error { fail(r.api.Run(serving)); return nil })
	streams.Go(func() error {
		serve := r.server.Serve
		if r.server.TLSConfig != nil {
			serve = func(l net.Listener) error { return r.server.ServeTLS(l, "", "") }
		}
		select { // clients that lost a server come at once: none is turned away because the next one is not ready
		case <-r.hub.Started():
		case <-serving.Done():
		}
		if err := serve(r.listener); !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serve: %w", err))
		}
		return nil
	})
	for _, s := range r.sources {
		sources.Go(func() error { fail(s(sourcing)); return nil })
	}
	var err error
	select {
	case <-r.env.ctx.Done():
		r.log.Info("stopping")
	case err = <-failed:
		r.log.Error("stopping", "error", err)
	}
	stopSources()
	_ = sources.Wait() // they have reported to fail
	r.hub.Close()
	ctx, cancel := context.WithTimeout(base, drainTime)
	defer cancel()
	if shutErr := r.server.Shutdown(ctx); shutErr != nil {
		r.log.Warn("requests were cut off", "error", shutErr)
		err = errors.Join(err, r.server.Close())
	}
	if waitErr := r.api.Wait(ctx); waitErr != nil {
		r.log.Warn("streams were cut off", "error", waitErr)
	}
	stopServing()
	_ = streams.Wait()
	stopFollowing()
	_ = followers.Wait()
	// Serving sets a TLSConfig for HTTP/2 where there is no certificate too.
	if removed := os.Remove(filepath.Join(r.dir, certificateFile)); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return errors.Join(err, os.Remove(filepath.Join(r.dir, addressFile)), r.node.close())
}

// register adds what is known of journal and archive to the metrics.
func (n *node) register(r *prometheus.Registry) {
	gauge := func(name, help string, get func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, get))
	}
	gauge("birdwatch_journal_last_seq", "The journal's newest entry.", func() float64 { return float64(n.journal.Last()) })
	gauge("birdwatch_journal_first_seq", "The journal's oldest entry.", func() float64 { return float64(n.journal.First()) })
	gauge("birdwatch_archive_seq", "The archive's place in the journal; -1 while it does not answer.", func() float64 {
		at, err := n.archive.Position(context.Background())
		if err != nil {
			return -1
		}
		return float64(at.Seq)
	})
}
