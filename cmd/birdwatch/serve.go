package main

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"birdwatch/api"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/source"
	"birdwatch/live"
)

type serveCommand struct {
	dataFlags  `set:"made=; made when missing"`
	Listen     string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to serve at. Any but loopback needs tokens or --public."`
	Host       []string `placeholder:"NAME" help:"Further names that requests may be for (a proxy's site), or * for any."`
	CORS       []string `name:"cors" placeholder:"ORIGIN" help:"Web origins whose pages may read."`
	Public     bool     `help:"Anyone may read."`
	ReadToken  []string `placeholder:"TOKEN" help:"Bearer tokens for reading."`
	WriteToken []string `placeholder:"TOKEN" help:"Bearer tokens for writing and reading."`
	PageWrites bool     `help:"The page may write without a token. Only on loopback, and refused elsewhere; turn it off behind a proxy."`

	Country []string `placeholder:"CODE" help:"Countries (ISO 3166: DE) whose withheld tweets are hidden. Those withheld everywhere, protected and suspended always are."`

	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"Certificate (PEM, with its chain) to serve HTTPS and HTTP/2 with."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"Its key."`

	MaxStreams        int `default:"10000" help:"Most streams open at once. The limit of open files may set a lower one."`
	MaxStreamsAddress int `default:"256" help:"Most of one client address (IPv6: network of 64 bits), loopback apart. 0 is any."`
	MaxStreamsToken   int `default:"0" help:"Most with one bearer token. 0 is any."`
	MaxQueries        int `default:"32" help:"Most queries of one stream."`
	MaxRules          int `default:"1000" help:"Most rules of the filtered stream."`

	MaxQueryCost float64       `default:"25" help:"Most steps that one standing query may take a tweet, by the stream so far; see GET /2/query/explain. 0 is any."`
	MaxBody      int64         `default:"268435456" help:"Largest body of an intake, in bytes."`
	JournalAge   time.Duration `default:"72h" help:"How long the journal reaches back: so long can a client be away and lose nothing."`
	JournalBytes int64         `default:"10737418240" help:"Largest journal, in bytes."`

	Rejects string `type:"path" placeholder:"FILE" help:"Keep what a stream sends and is not understood at the end of this file, one a line, up to 1 GB: birdwatch import takes it when it can be read."`

	Stream  streamFlags `embed:"" prefix:"stream-"`
	XStream xFlags      `embed:"" prefix:"x-stream-"`
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

// streamDefault is what a stream is asked with where nothing else is said: birdwatch replay takes anything.
const streamDefault = "birdwatch"

func (f streamFlags) topics() source.Topics {
	return source.Topics{Sample: len(f.Track)+len(f.Follow)+len(f.Locations) == 0, Track: f.Track, Follow: f.Follow, Locations: f.Locations, Language: f.Language}
}

// reservedFiles are left for what is no stream.
const reservedFiles = 512

// streams is how many streams can be open: those past the process's limit of files would hang without an answer.
func (c *serveCommand) streams(log *slog.Logger) int {
	limit := openFiles()
	if most := max(limit-reservedFiles, limit/2); limit > 0 && c.MaxStreams > most {
		log.Warn("the limit of open files allows fewer streams", "open_files", limit, "streams", most)
		return most
	}
	return c.MaxStreams
}

// secured opens the certificate; nil without one.
func (c *serveCommand) secured(log *slog.Logger) (*certificate, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, usage(errors.New("--tls-cert and --tls-key go together"))
	}
	if c.TLSCert == "" {
		return nil, nil
	}
	cert, err := openCertificate(c.TLSCert, c.TLSKey, log)
	if err != nil {
		return nil, usage(err)
	}
	return cert, nil
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(env *environment) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	c.countries = c.Country
	cert, err := c.secured(env.log)
	if err != nil {
		return err
	}
	kept, err := openRejects(c.Rejects, rejectsMost, env.log)
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	r, err := begin(env, c.dataFlags, cert, api.Config{
		Addr: c.Listen, Hosts: c.Host, CORSOrigins: c.CORS, ReadTokens: c.ReadToken, WriteTokens: c.WriteToken, Public: c.Public,
		PageMayWrite: c.PageWrites, MaxStreams: c.streams(env.log), MaxStreamsAddress: cmp.Or(c.MaxStreamsAddress, -1), MaxStreamsToken: c.MaxStreamsToken,
		MaxQueries: c.MaxQueries, MaxRules: c.MaxRules, MaxBody: c.MaxBody,
	}, journal.Options{MaxAge: c.JournalAge, MaxBytes: c.JournalBytes}, live.Options{MaxSubscriptions: c.MaxStreams, MaxCost: c.MaxQueryCost})
	if err != nil {
		return err
	}
	r.streams.rejects = kept
	if c.Stream.URL != "" {
		run, err := r.listen("stream", c.Stream)
		if err != nil {
			return usage(joinAbandon(r, err))
		}
		r.sources = append(r.sources, run)
	}
	if c.XStream.URL != "" {
		run, err := r.listenX("x", c.XStream)
		if err != nil {
			return usage(joinAbandon(r, err))
		}
		r.sources = append(r.sources, run)
	}
	env.log.Info("serving", "page", r.url, "data", r.dir)
	return r.serve()
}
