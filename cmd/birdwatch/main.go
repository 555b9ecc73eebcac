// Command birdwatch collects tweets, searches them, and pushes new ones to whoever follows a query.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

// commandLine is every command, flag and environment variable; docs/configuration.md is made from it.
type commandLine struct {
	Demo        demoCommand        `cmd:"" help:"Everything in one process: bundled tweets as history, a replayed stream live, the page. Nothing else is needed."`
	Serve       serveCommand       `cmd:"" help:"Run the server: page, API, live streams, intake."`
	Import      importCommand      `cmd:"" help:"Put files of tweets into the archive. Safe to repeat."`
	Search      searchCommand      `cmd:"" help:"Search the archive, newest first."`
	Tail        tailCommand        `cmd:"" help:"Follow a query: history, then every new match as it comes."`
	Status      statusCommand      `cmd:"" help:"Say what the archive and the journal hold."`
	Coverage    coverageCommand    `cmd:"" help:"Say when the archive was connected to which source, what it missed, and what was imported."`
	Delete      deleteCommand      `cmd:"" help:"Delete tweets by id, by query, or of a user: archive, journal and open streams."`
	Compact     compactCommand     `cmd:"" help:"Take for good what was deleted out of all files, and give the disk back what is not used."`
	Verify      verifyCommand      `cmd:"" help:"Prove that nothing is left of deleted tweets."`
	Audit       auditCommand       `cmd:"" help:"Print what was removed or hidden, when and why, without its content."`
	DeadLetters deadLettersCommand `cmd:"" name:"deadletters" help:"What the archive could not take: list, retry, drop."`
	Reindex     reindexCommand     `cmd:"" help:"Make the search index again from the archive's own documents, while it is in use."`
	Copy        copyCommand        `cmd:"" help:"Copy an archive to another engine, or another place, while it is in use; then check that both are equal."`
	Wanted      wantedCommand      `cmd:"" help:"List the ids that imported lists named, of tweets that have not come: for whoever fetches tweets by id."`
	Backup      backupCommand      `cmd:"" help:"Copy a data folder while it is in use."`
	Restore     restoreCommand     `cmd:"" help:"Make a data folder of a backup."`
	Replay      replayCommand      `cmd:"" help:"Serve files of tweets as Twitter's v1.1 stream."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a server how it is; exits with 0 when it is well."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	LogLevel slog.Level `default:"info" help:"What is logged on standard error: debug, info, warn or error."`
	LogJSON  bool       `name:"log-json" help:"Log as JSON lines."`
}

// environment is what a command is given besides its flags.
type environment struct {
	ctx    context.Context // ends with the first interrupt
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	log    *slog.Logger
}

// terminal reports whether w is a terminal that a person reads.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Exit codes. They are part of the command line: scripts read them.
const (
	exitOK       = 0
	exitFault    = 1 // something failed
	exitUsage    = 2 // the command line, a query or a setting is wrong
	exitBadLines = 3 // import, deadletters retry: done, but some records were bad
)

// codeError ends the program with a code of its own.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string { return e.err.Error() }
func (e *codeError) Unwrap() error { return e.err }

func usage(err error) error { return &codeError{exitUsage, err} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cli commandLine
	parser, err := newParser(&cli, stdout, stderr)
	if err != nil {
		panic(err) // the commands are compiled in: a failure is a broken build
	}
	command, err := parser.Parse(guardNegations(args))
	if err != nil {
		fmt.Fprintf(stderr, "birdwatch: %v\nTry birdwatch --help.\n", err)
		return exitUsage
	}
	options := &slog.HandlerOptions{Level: cli.LogLevel}
	var handler slog.Handler = slog.NewTextHandler(stderr, options)
	if cli.LogJSON {
		handler = slog.NewJSONHandler(stderr, options)
	}
	err = command.Run(&environment{ctx, stdin, stdout, stderr, slog.New(handler)})
	var code *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitOK // asked to stop
	case errors.As(err, &code):
		fmt.Fprintln(stderr, "birdwatch:", err)
		return code.code
	}
	fmt.Fprintln(stderr, "birdwatch:", err)
	return exitFault
}

// negation is an argument that begins a query and looks like a flag: -is:retweet, -(a b), -"a b", -#tag.
var negation = regexp.MustCompile(`^-(\pL\w*:|[("#@$])`)

// guardNegations lets a query begin with a negation: from there on nothing is a flag.
func guardNegations(args []string) []string {
	i := slices.IndexFunc(args, func(a string) bool { return a == "--" || negation.MatchString(a) })
	if len(args) == 0 || args[0] != "search" && args[0] != "tail" || i < 0 || args[i] == "--" {
		return args
	}
	return slices.Insert(slices.Clone(args), i, "--")
}

// newParser reads flags, and for each flag BIRDWATCH_ and its name from the environment.
func newParser(cli *commandLine, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(cli, kong.Name("birdwatch"),
		kong.Description("An archive of tweets that can be searched back to the first one and followed into the next second, with one query."),
		kong.UsageOnError(), kong.Vars{"made": ""}, kong.DefaultEnvars("BIRDWATCH"), kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}
