package main

import (
	"context"
	"fmt"
	"time"

	"birdwatch/api"
	"birdwatch/ingest"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

type serveCommand struct {
	dataFlags
	Listen     string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to serve at. Any but loopback needs tokens or --public."`
	Host       []string `placeholder:"NAME" help:"Further names that requests may be for (a proxy's site), or * for any."`
	CORS       []string `name:"cors" placeholder:"ORIGIN" help:"Web origins whose pages may read."`
	Public     bool     `help:"Anyone may read."`
	ReadToken  []string `placeholder:"TOKEN" help:"Bearer tokens for reading."`
	WriteToken []string `placeholder:"TOKEN" help:"Bearer tokens for writing and reading."`
	PageWrites bool     `help:"The page may write without a token. Only on loopback; turn it off behind a proxy."`

	MaxStreams   int           `default:"4096" help:"Most streams open at once."`
	MaxBody      int64         `default:"268435456" help:"Largest body of an intake, in bytes."`
	JournalAge   time.Duration `default:"72h" help:"How long the journal reaches back: so long can a client be away and lose nothing."`
	JournalBytes int64         `default:"10737418240" help:"Largest journal, in bytes."`

	Stream streamFlags `embed:"" prefix:"stream-"`
}

// streamFlags say which v1.1 stream to take in.
type streamFlags struct {
	URL            string   `name:"url" placeholder:"URL" help:"Take in the v1.1 stream of this server, such as that of birdwatch replay."`
	Track          []string `placeholder:"TERM" help:"Terms to follow. Without track, follow and locations: the sample."`
	Follow         []string `placeholder:"ID" help:"Users to follow, by id."`
	Locations      []string `placeholder:"LON,LAT" sep:";" help:"Corners of boxes, south-west first."`
	Language       []string `placeholder:"LANG" help:"Languages to take."`
	ConsumerKey    string   `default:"birdwatch" help:"OAuth consumer key."`
	ConsumerSecret string   `default:"birdwatch" help:"OAuth consumer secret."`
	Token          string   `default:"birdwatch" help:"OAuth token."`
	TokenSecret    string   `default:"birdwatch" help:"OAuth token secret."`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(env *environment) error {
	r, err := begin(env, c.dataFlags, api.Config{
		Addr: c.Listen, Hosts: c.Host, CORSOrigins: c.CORS, ReadTokens: c.ReadToken, WriteTokens: c.WriteToken, Public: c.Public,
		PageMayWrite: c.PageWrites, MaxStreams: c.MaxStreams, MaxBody: c.MaxBody,
	}, journal.Options{MaxAge: c.JournalAge, MaxBytes: c.JournalBytes})
	if err != nil {
		return err
	}
	if c.Stream.URL != "" {
		run, err := r.listen("stream", c.Stream)
		if err != nil {
			return usage(fmt.Errorf("%w", err))
		}
		r.sources = append(r.sources, run)
	}
	env.log.Info("serving", "page", r.url, "data", r.dir)
	return r.serve()
}

// listen makes a source of a v1.1 stream that feeds the journal.
func (r *running) listen(name string, f streamFlags) (func(context.Context) error, error) {
	s, err := source.New(source.Config{
		Name: name, BaseURL: f.URL, Sample: len(f.Track)+len(f.Follow)+len(f.Locations) == 0, Track: f.Track, Follow: f.Follow,
		Locations: f.Locations, Language: f.Language, ConsumerKey: f.ConsumerKey, ConsumerSecret: f.ConsumerSecret, Token: f.Token, TokenSecret: f.TokenSecret,
		Convert: func(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error) {
			recs, _, err := format.Parse(line, p, at)
			return recs, err
		},
		Logger: r.log,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		err := ingest.Run(ctx, s, func(ctx context.Context, recs []tweet.Record) error {
			_, err := r.journal.Append(ctx, recs)
			return err
		}, r.log)
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("source %s: %w", name, err)
	}, nil
}
