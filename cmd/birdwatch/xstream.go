package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"birdwatch/api"
	"birdwatch/ingest"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/source"
)

// xFlags say which filtered stream of X API v2 to take in.
type xFlags struct {
	URL             string   `name:"url" placeholder:"URL" help:"Take in the v2 filtered stream of this server: https://api.x.com, or that of birdwatch replay."`
	Bearer          string   `placeholder:"TOKEN" help:"Bearer token of the app."`
	Rule            []string `sep:"none" placeholder:"RULE" help:"A rule that the server is made to have. May repeat."`
	Rules           string   `type:"existingfile" placeholder:"FILE" help:"More rules, one a line, with a tag behind a tab if it has one; # begins a comment line."`
	KeepOthers      bool     `help:"Leave rules that the server has beside these. Without it they are deleted."`
	BackfillMinutes int      `help:"Ask for so many minutes again after a gap, at most 5. Needs access that has it; 0: never."`
	Budget          int64    `help:"Most posts a calendar month (UTC), as they cost; then the source stops until the next. 0: no bound."`
}

// rules are those of the flags and of the file.
func (f xFlags) rules() ([]source.Rule, error) {
	var rules []source.Rule
	for _, value := range f.Rule {
		rules = append(rules, source.Rule{Value: value})
	}
	if f.Rules == "" {
		return rules, nil
	}
	b, err := os.ReadFile(f.Rules)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		value, tag, _ := strings.Cut(line, "\t")
		rules = append(rules, source.Rule{Value: strings.TrimSpace(value), Tag: strings.TrimSpace(tag)})
	}
	return rules, nil
}

// listenX makes a source of a filtered stream that feeds the journal.
func (r *running) listenX(name string, f xFlags) (func(context.Context) error, error) {
	configured, err := f.rules()
	if err != nil {
		return nil, err
	}
	account := r.ledger.Source("stream:" + name)
	rules, err := remembered(r.env.ctx, r.journal, name, configured)
	if err != nil {
		return nil, err
	}
	b := &budget{journal: r.journal, name: name, most: f.Budget, now: time.Now}
	if err := b.load(r.env.ctx); err != nil {
		return nil, err
	}
	x, err := source.NewX(source.XConfig{
		Name: name, BaseURL: f.URL, Bearer: f.Bearer, Rules: rules, KeepOthers: f.KeepOthers, BackfillMinutes: f.BackfillMinutes, Missing: account.Missing,
		Spend: b.spend, Convert: convert, Observe: r.streams.observer(account), Logger: r.log,
	})
	if err != nil {
		return nil, err
	}
	change := func(ctx context.Context, body []byte) error {
		var a struct{ Rules []source.Rule }
		if err := decodeStrict(body, &a); err != nil {
			return err
		}
		for _, rule := range a.Rules {
			if strings.TrimSpace(rule.Value) == "" {
				return &api.InputError{Message: "a rule has no value"}
			}
		}
		if err := x.Change(ctx, a.Rules); err != nil {
			return err
		}
		return remember(ctx, r.journal, name, configured, a.Rules)
	}
	run := r.feed(&listening{Streamer: x, kind: "x", asks: func() any { return map[string]any{"rules": x.Rules()} }, change: change, budget: b}, account)
	return func(ctx context.Context) error {
		for {
			err := run(ctx)
			if !errors.Is(err, source.ErrSpent) {
				return err
			}
			r.log.Error("the budget of posts is used up: the source stops until the next month, or until it is started with a larger one", "source", name, "most", f.Budget)
			if b.wait(ctx) != nil {
				return nil
			}
		}
	}, nil
}

// budget counts the posts that a source reads in a calendar month. The count outlives the process.
type budget struct {
	journal *journal.Journal
	name    string
	most    int64
	now     func() time.Time

	mu    sync.Mutex // guards what follows
	month string
	read  int64
}

func (b *budget) key(month string) string { return "posts:" + b.name + ":" + month }

func (b *budget) load(ctx context.Context) error {
	month := b.now().UTC().Format("2006-01")
	v, err := b.journal.State(ctx, b.key(month))
	if err != nil {
		return fmt.Errorf("posts read so far: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.month, b.read = month, 0; v != nil {
		if b.read, err = strconv.ParseInt(string(v), 10, 64); err != nil {
			return fmt.Errorf("posts read so far: %w", err)
		}
	}
	return nil
}

// spend counts posts and says whether more may be read.
func (b *budget) spend(ctx context.Context, posts int) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if month := b.now().UTC().Format("2006-01"); month != b.month {
		b.month, b.read = month, 0
	}
	b.read += int64(posts)
	if posts > 0 {
		// What cannot be written now is written with the next: the count is of the whole month.
		if err := b.journal.SetState(context.WithoutCancel(ctx), b.key(b.month), strconv.AppendInt(nil, b.read, 10)); err != nil && b.most > 0 {
			return false, fmt.Errorf("count what was read: %w", err)
		}
	}
	return b.most == 0 || b.read < b.most, nil
}

func (b *budget) show() *api.SourceBudget {
	b.mu.Lock()
	defer b.mu.Unlock()
	return &api.SourceBudget{Month: b.month, Read: b.read, Most: b.most}
}

// wait returns when another month begins.
func (b *budget) wait(ctx context.Context) error {
	now := b.now().UTC()
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 1, 0, time.UTC)
	return ingest.Pause(ctx, next.Sub(now))
}
