package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"birdwatch/api"
	"birdwatch/ingest"
	"birdwatch/ingest/coverage"
	"birdwatch/ingest/format"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/source"
	"birdwatch/tweet"
)

// listening is a source that runs.
type listening struct {
	source.Streamer
	kind   string
	asks   func() any
	change func(ctx context.Context, body []byte) error
	budget *budget // nil: it costs nothing
}

// sources are all streams of a server, for the API and the metrics. They are set before it serves.
type sources struct {
	all     []*listening
	rejects *rejects // may be nil

	mu    sync.Mutex          // guards what follows
	drops map[[2]string]int64 // by source and cause
	made  map[[2]string]int64 // records by source and what the journal made of them
}

func newSources() *sources {
	return &sources{drops: map[[2]string]int64{}, made: map[[2]string]int64{}}
}

func (s *sources) took(name string, verdicts []journal.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range verdicts {
		s.made[[2]string{name, verdictNames[v.Kind]}]++
	}
}

// Sources gives the state of each.
func (s *sources) Sources(context.Context) []api.SourceState {
	states := make([]api.SourceState, len(s.all))
	for i, l := range s.all {
		states[i] = l.show()
	}
	return states
}

// Change has one ask for something else.
func (s *sources) Change(ctx context.Context, name string, body []byte) (api.SourceState, error) {
	i := slices.IndexFunc(s.all, func(l *listening) bool { return l.State().Name == name })
	if i < 0 {
		return api.SourceState{}, api.ErrNoSource
	}
	err := s.all[i].change(ctx, body)
	if errors.Is(err, source.ErrRefused) {
		err = &api.SourceError{Message: told(err)}
	}
	return s.all[i].show(), err
}

func (l *listening) show() api.SourceState {
	st := l.State()
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(tweet.TimeLayout)
	}
	a := api.SourceState{Name: st.Name, Kind: l.kind, State: stateOf(&st), Asks: l.asks(), Since: at(st.Since), LastMessage: at(st.LastMessage), NextTry: at(st.Next),
		LastStatus: st.LastStatus, Counts: countsOf(&st)}
	if len(st.Rules) > 0 {
		a.Refused = st.Rules
	}
	if l.budget != nil {
		a.Budget = l.budget.show()
	}
	return a
}

func stateOf(st *source.State) string {
	switch {
	case st.Spent:
		return "spent"
	case st.Connected:
		return "connected"
	case !st.Next.IsZero():
		return "waiting"
	}
	return "connecting"
}

func countsOf(st *source.State) map[string]int64 {
	return map[string]int64{"attempts": st.Attempts, "connects": st.Connects, "tweets": st.Tweets, "notices": st.Notices, "others": st.Others,
		"limited": st.Limited, "warnings": st.Warnings, "refused": st.Refused, "truncated": st.Truncated, "bytes": st.Bytes, "posts": st.Posts}
}

// told is what a source's server says in an error; "" where it is the network that speaks.
func told(err error) string {
	var status *source.StatusError
	var told *source.ToldError
	var rules *source.RulesError
	switch {
	case errors.As(err, &rules):
		return rules.Error()
	case errors.As(err, &status):
		return status.Error()
	case errors.As(err, &told):
		return told.Error()
	}
	return ""
}

// observer writes what happens to a source into its account.
func (s *sources) observer(account *coverage.Source) func(source.Event) {
	return func(e source.Event) {
		switch e.Kind {
		case source.Connected:
			account.Connected(e.Connection, e.At, e.Asked, e.Back)
		case source.Asking:
			account.Asks(e.Connection, e.At, e.Asked)
		case source.Disconnected:
			account.Ended(e.Connection, e.Cause, cmp.Or(told(e.Err), e.Text))
		case source.Failed:
			account.Refused(e.At, e.Cause, told(e.Err))
		case source.Limited:
			account.Limited(e.Connection, e.At, e.Count)
		case source.Warning:
			account.Warned(e.At, e.Text)
		case source.Refused:
			account.Damaged(e.At, "refused", "a message was not understood")
			s.rejects.keep(e.Line)
		case source.Truncated:
			account.Damaged(e.At, "cut", "a message was cut off by the end of its connection")
		}
		if e.Kind == source.Disconnected || e.Kind == source.Failed {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.drops[[2]string{e.Source, e.Cause}]++
		}
	}
}

// convert makes records of a line of any stream.
func convert(line []byte, p tweet.Provenance, at int64) ([]tweet.Record, error) {
	recs, _, err := format.Parse(line, p, at)
	return recs, err
}

// feed runs a source into the journal, with its account.
func (r *running) feed(l *listening, account *coverage.Source) func(context.Context) error {
	r.streams.all = append(r.streams.all, l)
	name := l.State().Name
	return func(ctx context.Context) error {
		account.Started(time.Now(), func() time.Time { return l.State().Idle })
		err := ingest.Run(ctx, l, func(ctx context.Context, recs []tweet.Record) error {
			verdicts, err := r.journal.Append(ctx, recs)
			if err == nil {
				account.Took(source.ConnectionOf(ctx), time.Now(), recs)
				r.streams.took(name, verdicts)
			}
			return err
		}, r.log)
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("source %s: %w", name, err)
	}
}

// listen makes a source of a v1.1 stream that feeds the journal.
func (r *running) listen(name string, f streamFlags) (func(context.Context) error, error) {
	account := r.ledger.Source("stream:" + name)
	topics, err := remembered(r.env.ctx, r.journal, name, f.topics())
	if err != nil {
		return nil, err
	}
	s, err := source.New(source.Config{
		Name: name, BaseURL: f.URL, Topics: topics, ConsumerKey: f.ConsumerKey, ConsumerSecret: f.ConsumerSecret, Token: f.Token, TokenSecret: f.TokenSecret,
		Convert: convert, Observe: r.streams.observer(account), Logger: r.log,
	})
	if err != nil {
		return nil, err
	}
	change := func(ctx context.Context, body []byte) error {
		var t source.Topics
		if err := decodeStrict(body, &t); err != nil {
			return err
		}
		if err := t.Check(); err != nil {
			return &api.InputError{Message: err.Error()}
		}
		if err := s.Change(ctx, t); err != nil {
			return err
		}
		return remember(ctx, r.journal, name, f.topics(), t)
	}
	return r.feed(&listening{Streamer: s, kind: "v1.1", asks: func() any { return s.Topics() }, change: change}, account), nil
}

// decodeStrict reads a document of ours.
func decodeStrict(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil && d.More() {
		err = errors.New("there is more behind the document")
	}
	if err != nil {
		return &api.InputError{Message: "The document is not what GET /2/sources shows as asks: " + err.Error()}
	}
	return nil
}

// asked is what a source was changed to at run time, and what the command line said then: when that says something else, it
// counts again.
type asked[T any] struct {
	Flags, Now T
}

func remembered[T any](ctx context.Context, j *journal.Journal, name string, flags T) (T, error) {
	b, err := j.State(ctx, "source:"+name)
	if err != nil || b == nil {
		return flags, err
	}
	var a asked[T]
	if err := json.Unmarshal(b, &a); err != nil {
		return flags, fmt.Errorf("what source %s was changed to: %w", name, err)
	}
	was, err := json.Marshal(a.Flags)
	if err != nil {
		return flags, err
	}
	is, err := json.Marshal(flags)
	if err != nil || !bytes.Equal(was, is) {
		return flags, err
	}
	return a.Now, nil
}

func remember[T any](ctx context.Context, j *journal.Journal, name string, flags, now T) error {
	b, err := json.Marshal(asked[T]{flags, now})
	if err != nil {
		return err
	}
	return j.SetState(ctx, "source:"+name, b)
}
