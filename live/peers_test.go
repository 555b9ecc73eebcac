package live_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"birdwatch/live"
	"birdwatch/query"
	"birdwatch/tweet"
)

// peersChecked is of how many of the first tweets peers must find the same queries: those that take them one by one, and others.
var peersChecked = [...]int{200, 2000}

// BenchmarkPeers matches a workload and writes it to the folder BIRDWATCH_PEERS_DIR, so that scripts/bench match gives the same queries and the
// same tweets' words to others: BIRDWATCH_PEERS_QUERIES distinct queries of words alone, with the sums of what must be found. It prints a line
// for each of our figures: name, queries, tweets a second of CPU time.
func BenchmarkPeers(b *testing.B) {
	dir := os.Getenv("BIRDWATCH_PEERS_DIR")
	if dir == "" {
		b.Skip("SKIPPED LOUDLY: a part of scripts/bench match, which sets BIRDWATCH_PEERS_DIR")
	}
	n, err := strconv.Atoi(os.Getenv("BIRDWATCH_PEERS_QUERIES"))
	if err != nil {
		b.Fatal(err)
	}
	payloads := plainTweets()
	targets := make([]query.Target, len(payloads))
	lines := make([]string, len(payloads))
	for i, p := range payloads {
		targets[i].Set(p)
		lines[i] = wordsOf(&targets[i].Terms)
	}
	x := live.NewIndex()
	for i := range targets {
		x.Match(&targets[i])
	}
	exprs, texts := peerQueries(b, n, targets)
	for _, e := range exprs {
		x.Take(e)
	}
	x.Seal()
	var sum uint64
	var checks []string
	for i := range targets {
		if slices.Contains(peersChecked[:], i) {
			checks = append(checks, fmt.Sprintf("%d %016x", i, sum))
		}
		for _, id := range x.IDs(&targets[i]) {
			sum += mix(uint64(id), uint64(i))
		}
	}
	writeLines(b, filepath.Join(dir, "queries"), texts)
	writeLines(b, filepath.Join(dir, "tweets"), lines)
	writeLines(b, filepath.Join(dir, "checks"), checks)
	var t query.Target
	for _, of := range []struct {
		name  string
		match func(i int) int
	}{
		{"birdwatch-terms", func(i int) int { return x.Match(&targets[i%len(targets)]) }},
		{"birdwatch-tweet", func(i int) int { return x.MatchTweet(payloads[i%len(payloads)], &t) }},
	} {
		begun, i := cpuTime(), 0
		for ; i%1000 != 0 || (cpuTime()-begun).Seconds() < 2; i++ {
			of.match(i)
		}
		fmt.Printf("%s %d %.0f\n", of.name, n, float64(i)/(cpuTime()-begun).Seconds())
	}
}

// plainTweets are those of real streams, else made ones, whose words have one form each: others know no second.
func plainTweets() (plain []*tweet.Payload) {
	all := streamed()
	if len(all) == 0 {
		fmt.Fprintln(os.Stderr, "no stream grabs in ../shared/data: the tweets are made up")
		zipf := rand.NewZipf(rand.New(rand.NewPCG(5, 6)), 1.05, 30, 200_000)
		for i := range 20_000 {
			words := make([]string, 16)
			for k := range words {
				words[k] = fmt.Sprintf("w%dx", zipf.Uint64())
			}
			all = append(all, payload(tweet.ID(i+1), strings.Join(words, " ")))
		}
	}
	var t query.Target
	for _, p := range all {
		if t.Set(p); t.Terms.Alts() == 0 && t.Terms.Words() > 0 {
			plain = append(plain, p)
		}
	}
	return plain
}

func wordsOf(t *tweet.Terms) string {
	words := make([]string, t.Words())
	for i := range words {
		words[i] = string(t.Word(i))
	}
	return strings.Join(words, " ")
}

// peerQueries are distinct queries, and what is written of them.
func peerQueries(b *testing.B, n int, targets []query.Target) (exprs []query.Expr, texts []string) {
	seen := map[string]bool{}
	for _, e := range standingQueries(4*n, vocabulary(targets, rand.New(rand.NewPCG(5, 6)))) {
		text := query.Build(e, peerForm{})
		if len(exprs) == n {
			break
		}
		if seen[e.String()] || seen[text] || strings.Contains(text, "?") {
			continue
		}
		seen[e.String()], seen[text] = true, true
		exprs, texts = append(exprs, e), append(texts, text)
	}
	if len(exprs) < n {
		b.Fatalf("only %d distinct queries", len(exprs))
	}
	return exprs, texts
}

// peerForm writes a query in prefix form: T word, P beginning, H n words, A n parts, O n parts, N part; ? is what peers are not asked.
type peerForm struct{}

func (peerForm) All() string                             { return "?" }
func (peerForm) And(xs []string) string                  { return fmt.Sprint("A ", len(xs), " ", strings.Join(xs, " ")) }
func (peerForm) Or(xs []string) string                   { return fmt.Sprint("O ", len(xs), " ", strings.Join(xs, " ")) }
func (peerForm) Not(x string) string                     { return "N " + x }
func (peerForm) Term(t string) string                    { return "T " + t }
func (peerForm) Prefix(t string) string                  { return "P " + t }
func (peerForm) Near([]string, int) string               { return "?" }
func (peerForm) Range(query.Figure, int64, int64) string { return "?" }
func (peerForm) Circle(query.Circle) string              { return "?" }

func (peerForm) Phrase(words []string, prefix bool) string {
	if prefix {
		return "?"
	}
	return fmt.Sprint("H ", len(words), " ", strings.Join(words, " "))
}

// mix is the last step of splitmix64 of a query and a tweet.
func mix(query, tweet uint64) uint64 {
	z := (query<<32 | tweet) + 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func writeLines(b *testing.B, file string, lines []string) {
	f, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
