package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"birdwatch/ingest/coverage"
	"birdwatch/ingest/journal"
	"birdwatch/ingest/replay"
	"birdwatch/ingest/sample"
	"birdwatch/ingest/source"
)

var scenarioTime = flag.Duration("scenario", 0, "how long TestScenarioOfFaults runs; 0: until each fault has been seen once, and nothing slow is tried")

// scenarioRun is a server of faults, and a folder that takes its stream in.
type scenarioRun struct {
	*running
	tap     wiretap
	mu      sync.Mutex // guards what follows
	fates   []replay.Fate
	metrics *prometheus.Registry
}

func (s *scenarioRun) witness(f replay.Fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = append(s.fates, f)
}

// start plays and takes in until stop is called.
func (s *scenarioRun) start(t *testing.T, text string, stall time.Duration, rate float64) (stop func()) {
	scrub := 0.01
	if *scenarioTime > 0 { // each looks at all of its user's tweets, and a tape that loops has few users
		scrub = 0.0002
	}
	scenario, err := replay.ParseScenario(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	player, err := replay.New(replay.Options{Tape: replay.FromLines(sample.Lines()), Pace: replay.Pace{PerSecond: rate}, Loop: true, Renumber: true, Resume: true, Live: true,
		Faults:      replay.Faults{Limit: 0.05, Duplicate: 0.05, DeleteFirst: 0.02, Deletes: 0.02, ScrubGeo: scrub, Newline: 0.05, LineFeed: 0.05, Garbage: 0.01, Split: 0.1},
		DeleteAfter: 3 * time.Second, Scenario: scenario, Witness: s.witness, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(player)
	s.tap.RoundTripper = &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	account := s.ledger.Source("stream:faults")
	stream, err := source.New(source.Config{Name: "faults", BaseURL: server.URL, Topics: source.Topics{Sample: true}, ConsumerKey: "a", ConsumerSecret: "b", Token: "c", TokenSecret: "d",
		Convert: convert, Observe: s.streams.observer(account), Stall: stall, Transport: &s.tap, Logger: s.log})
	if err != nil {
		t.Fatal(err)
	}
	run := s.feed(&listening{Streamer: stream, kind: "v1.1"}, account)
	ctx, cancel := context.WithCancel(t.Context())
	following, endFollowing := context.WithCancel(context.WithoutCancel(t.Context()))
	var sourcing, followers sync.WaitGroup
	sourcing.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	for _, f := range []func(context.Context) error{s.follow, s.ledger.Run, func(ctx context.Context) error { return s.journal.Run(ctx, 5*time.Second) }} {
		followers.Go(func() {
			if err := f(following); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		sourcing.Wait()
		server.CloseClientConnections()
		server.Close()
		if err := s.caughtUp(following); err != nil {
			t.Error(err)
		}
		endFollowing()
		followers.Wait()
	}
}

// seen are the causes and kinds that are in the account.
func (s *scenarioRun) seen(t *testing.T) map[string]bool {
	t.Helper()
	spans, err := s.ledger.Spans(t.Context(), coverage.Query{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, sp := range spans {
		seen[string(sp.Kind)], seen[sp.Cause] = true, true
		for cause := range sp.Refusals {
			seen[cause] = true
		}
	}
	return seen
}

// TestScenarioOfFaults: every tweet whose message came whole is in the archive once; every other lies in a gap or is counted by a limit of the
// account; each fault shows there and in the metrics. `go test ./cmd/birdwatch -run ScenarioOfFaults -scenario 30m -timeout 40m` has the times of life.
func TestScenarioOfFaults(t *testing.T) {
	slow := *scenarioTime > 0
	text, causes, stall := faultScenario(slow)
	want := append(causes, "gap", "connected", "limit", "warning", "damage", "cut", "refused")
	env := &environment{ctx: t.Context(), log: slog.New(slog.DiscardHandler)}
	n, err := openNode(t.Context(), dataFlags{Data: t.TempDir()}, journal.Options{Grace: time.Second}, env.log)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenarioRun{running: &running{node: n, env: env, streams: newSources()}, metrics: prometheus.NewRegistry()}
	s.streams.register(s.metrics)
	begun := time.Now()
	stop := s.start(t, text, stall, 100)
	missing := func() []string {
		seen := s.seen(t)
		return slices.DeleteFunc(slices.Clone(want), func(w string) bool { return seen[w] })
	}
	ctx, cancel := context.WithTimeout(t.Context(), max(*scenarioTime, 3*time.Minute))
	defer cancel()
	err = waitFor(ctx, func() (bool, error) { return len(missing()) == 0 && time.Since(begun) > *scenarioTime, nil })
	stop()
	if m := missing(); len(m) > 0 {
		t.Errorf("not in the account: %v (%v)", m, err)
	}
	s.account(t)
	s.figures(t, causes)
	if err := n.close(); err != nil {
		t.Error(err)
	}
	if *scenarioTime > 0 {
		t.Logf("ran for %v", time.Since(begun))
	}
}

// account compares what the server did with what is in the archive and the ledger.
func (s *scenarioRun) account(t *testing.T) {
	tweets, deletes := s.tap.whole()
	docs := map[int64]int{}
	gone := map[int64]bool{}
	for id, err := range s.archive.Identities(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		docs[int64(id.ID)]++
		gone[int64(id.ID)] = id.Tombstone
	}
	lost := 0
	for id, repeats := range tweets {
		if docs[id] != 1 {
			if lost++; lost < 5 {
				t.Errorf("tweet %d came whole and is in the archive %d times", id, docs[id])
			}
		}
		// A retweet goes with what it repeats.
		if deleted := deletes[id] || deletes[repeats]; docs[id] == 1 && deleted != gone[id] {
			t.Errorf("tweet %d, which repeats %d: deleted %v, a tombstone %v", id, repeats, deleted, gone[id])
		}
	}
	for id := range docs {
		if _, came := tweets[id]; !came && !deletes[id] {
			t.Errorf("document %d is of nothing that came whole", id)
		}
	}
	gaps, err := s.ledger.Spans(t.Context(), coverage.Query{Kinds: []coverage.Kind{coverage.Gap}})
	if err != nil {
		t.Fatal(err)
	}
	limits, err := s.ledger.Spans(t.Context(), coverage.Query{Kinds: []coverage.Kind{coverage.Limit}})
	if err != nil {
		t.Fatal(err)
	}
	inside := func(at time.Time, spans []coverage.Span) bool {
		ms := at.UnixMilli()
		return slices.ContainsFunc(spans, func(g coverage.Span) bool { return ms >= g.Begin && (g.End == 0 || ms <= g.End) })
	}
	untold := slices.DeleteFunc(slices.Clone(limits), func(l coverage.Span) bool { return l.Cause != coverage.CauseUntold })
	var counts = map[string]int{}
	outside := 0
	for _, f := range s.fates {
		key := f.Fate
		if _, came := tweets[f.ID]; f.Fate == "sent" && !came {
			key = "sent, not whole"
		}
		counts[key]++
		switch {
		case key == "missed" || key == "sent, not whole":
			if !inside(f.At, gaps) {
				if outside++; outside < 5 {
					t.Errorf("%s in no gap: %+v", key, f)
				}
			}
		case key == "withheld" && inside(f.At, untold):
			counts["withheld after a last notice"]++
		case key == "withheld" && !inside(f.At, gaps):
			counts["withheld and to be counted"]++
		}
	}
	for _, l := range limits {
		counts["told by limits"] += int(l.Count)
	}
	if counts["told by limits"] < counts["withheld and to be counted"] || counts["told by limits"] > counts["withheld"] {
		t.Errorf("limits do not add up: %v", counts)
	}
	var gapped time.Duration
	for _, g := range gaps {
		if g.End != 0 {
			gapped += time.Duration(g.End-g.Begin) * time.Millisecond
		}
	}
	t.Logf("%d tweets and %d deletes came whole, %d documents, %d not there, %d in no gap; %d gaps of %v together; fates %v", len(tweets), len(deletes), len(docs), lost, outside, len(gaps), gapped.Round(time.Second), counts)
}

// figures compares the metrics with the account.
func (s *scenarioRun) figures(t *testing.T, causes []string) {
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				if l.GetName() != "source" {
					name += " " + l.GetValue()
				}
			}
			have[name] = m.GetCounter().GetValue()
		}
	}
	for _, c := range causes {
		if have["birdwatch_source_drops_total "+c] == 0 {
			t.Errorf("no %s in the metrics", c)
		}
	}
	for _, e := range []string{"limited", "warnings", "refused", "truncated", "notices"} {
		if have["birdwatch_source_events_total "+e] == 0 {
			t.Errorf("no %s in the metrics", e)
		}
	}
	for _, v := range []string{"new", "updated", "deleted", "honored"} {
		if have["birdwatch_source_records_total "+v] == 0 {
			t.Errorf("no %s in the metrics", v)
		}
	}
	limits, err := s.ledger.Spans(t.Context(), coverage.Query{Kinds: []coverage.Kind{coverage.Limit}})
	if err != nil {
		t.Fatal(err)
	}
	told := 0.0
	for _, l := range limits {
		told += float64(l.Count)
	}
	if have["birdwatch_source_events_total limited"] != told {
		t.Errorf("%v limited by the metrics, %v by the account", have["birdwatch_source_events_total limited"], told)
	}
	var words []string
	for _, k := range slices.Sorted(maps.Keys(have)) {
		words = append(words, fmt.Sprintf("%s %v", strings.TrimPrefix(k, "birdwatch_source_"), have[k]))
	}
	t.Log(strings.Join(words, ", "))
}
