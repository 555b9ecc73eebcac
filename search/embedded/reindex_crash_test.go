package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"birdwatch/query"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// reindexUntilKilled makes the index again and writes meanwhile, and prints how far both are.
func reindexUntilKilled(path string) {
	ctx := context.Background()
	a, err := embedded.Open(ctx, path, embedded.Options{Stale: true})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	at, err := a.Position(ctx)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	go func() {
		for seq := at.Seq; ; {
			es := make([]tweet.Entry, 20)
			for i := range es {
				seq++
				id := seq * 7919 % 30_000 // old ones and new ones, everywhere
				es[i] = tweet.Entry{Seq: seq, FirstSeq: seq, Record: numbered(tweet.ID(id + 1))}
				if es[i].CapturedAt = int64(seq); i == 0 {
					es[i].Record = tweet.Record{Kind: tweet.KindDelete, ID: tweet.ID(id + 1), CapturedAt: int64(seq)}
				}
			}
			if _, err := a.Apply(ctx, es, tweet.Position{Epoch: "e", Seq: seq}); err != nil {
				fmt.Println("error", err)
				os.Exit(1)
			}
			fmt.Println("written", seq)
		}
	}()
	if err := a.Reindex(ctx, func(done, total int64) { fmt.Println("made", done, total) }); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("finished")
	select {} // until it is killed
}

// TestKilledReindexGoesOn: killed anywhere, the archive is sound and answers; the next process goes on where the last one was.
func TestKilledReindexGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a, err := embedded.Open(t.Context(), path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for first := range 10 {
		var recs []tweet.Record
		for n := range 1000 {
			recs = append(recs, numbered(tweet.ID(first*1000+n+1)))
		}
		if _, err := a.Import(t.Context(), recs); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	value[int](t, path, "UPDATE meta SET value = value - 1 WHERE key = 'analysis' RETURNING value")
	made := int64(0)
	for round, kill := range []struct {
		made, written int  // killed after so many lines
		end           bool // or when all is made
		finished      bool
	}{{made: 1}, {written: 1}, {made: 2}, {written: 3}, {made: 1}, {end: true}, {written: 2}, {finished: true}} {
		lines, last, total := 0, int64(0), int64(0)
		written := readChild(t, "ARCHIVE_TEST_REINDEX="+path, func(line string) bool {
			word, rest, _ := strings.Cut(line, " ")
			switch {
			case word == "made":
				if _, err := fmt.Sscan(rest, &last, &total); err != nil {
					t.Fatal(line)
				}
				if lines == 0 && last < made {
					t.Errorf("round %d: %d were made, now %d", round, made, last)
				}
				if made = last; last == total {
					made = 0 // another one is made from the beginning
				}
				lines++
				return kill.made > 0 && lines >= kill.made || kill.end && last == total
			case word == "finished":
				return true
			}
			return kill.written > 0 && word == "written" && countdown(&kill.written)
		})
		checkKilled(t, path, round, written)
	}
	b := openAt(t, path, embedded.Options{}) // it is not stale any more
	if err := b.Reindex(t.Context(), nil); err != nil {
		t.Error(err)
	}
	checkIndex(t, b, 3)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if n := value[int](t, path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'terms_next%' OR name LIKE 'swept%'"); n != 0 {
		t.Errorf("%d tables are left over", n)
	}
}

func countdown(n *int) bool {
	*n--
	return *n <= 0
}

// checkKilled holds the archive that a killed process left to what it had acknowledged.
func checkKilled(t *testing.T, path string, round int, written tweet.Seq) {
	t.Helper()
	a, err := embedded.Open(t.Context(), path, embedded.Options{Stale: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Check(t.Context()); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	at, err := a.Position(t.Context())
	if err != nil || at.Seq < written {
		t.Errorf("round %d: place %v, %v; %d was acknowledged", round, at, err, written)
	}
	s, err := a.Stats(t.Context())
	if err != nil {
		t.Error(err)
	}
	ids, err := walk(t.Context(), a, query.And(parse(t, "and"), parse(t, "number")), true, 5000)
	if err != nil || int64(len(ids)) != s.Tweets {
		t.Errorf("round %d: the index finds %d of %d, %v", round, len(ids), s.Tweets, err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// readChild runs this program as a child with env until enough says so of a line, kills it, and gives the last seq it had written.
func readChild(t *testing.T, env string, enough func(line string) bool) (written tweet.Seq) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "error") {
			t.Error(line)
			break
		}
		if rest, ok := strings.CutPrefix(line, "written "); ok {
			if _, err := fmt.Sscan(rest, &written); err != nil {
				t.Error(line)
			}
		}
		if enough(line) {
			break
		}
	}
	if err := errors.Join(lines.Err(), cmd.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return written
}
