package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// TestMain is, in a child process, a writer that is killed, or one whose disk is full.
func TestMain(m *testing.M) {
	if path := os.Getenv("JOURNAL_TEST_WRITE"); path != "" {
		writeUntilKilled(path)
	}
	if path := os.Getenv("JOURNAL_TEST_FILL"); path != "" {
		if err := fillDisk(path); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled appends from several goroutines and prints the ids that were acknowledged.
func writeUntilKilled(path string) {
	j, err := journal.Open(context.Background(), path, journal.Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	for k := range 4 {
		go func() {
			for i := 1; ; i++ {
				id := tweet.ID(int(j.Last())*1000 + i*10 + k + 1)
				if _, err := j.Append(context.Background(), []tweet.Record{sighting(id, int64(i), strings.Repeat("x", 500), false)}); err == nil {
					mu.Lock()
					fmt.Println(id)
					mu.Unlock()
				}
			}
		}()
	}
	select {}
}

func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	seen := map[tweet.ID]bool{}
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_WRITE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 300 && lines.Scan(); n++ {
			id, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil {
				t.Fatal(lines.Text())
			}
			seen[tweet.ID(id)] = true
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		j := openAt(t, path, journal.Options{})
		if err := j.Check(t.Context()); err != nil {
			t.Error(err)
		}
		have := map[tweet.ID]bool{}
		es, err := j.Since(t.Context(), 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range es {
			have[e.ID] = true
			if e.Seq != tweet.Seq(i+1) {
				t.Fatalf("entry %d has seq %d", i, e.Seq)
			}
		}
		for id := range seen {
			if !have[id] {
				t.Errorf("acknowledged %d is lost", id)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d acknowledged over %d kills", len(seen), rounds)
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := openAt(t, path, journal.Options{MaxPages: 60})
	var failed error
	var taken tweet.Seq
	for i := 1; i < 2000 && failed == nil; i++ {
		taken = j.Last()
		_, failed = j.Append(t.Context(), []tweet.Record{sighting(tweet.ID(i), 0, fmt.Sprint(i, strings.Repeat("y", 3000), i), false)})
	}
	if failed == nil {
		t.Fatal("the disk never was full")
	}
	if j.Last() != taken {
		t.Errorf("a failed append left the journal at %d, it was %d", j.Last(), taken)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path, journal.Options{})
	if err := j.Check(t.Context()); err != nil {
		t.Error(err)
	}
	same(t, "with room again", appendAll(t, j, sighting(1, 0, "other", false), sighting(99999, 0, "new", false)), []string{"update", "new"})
}

// step of a random history of three tweets, of which 2 quotes 1 and 3 repeats 1.
func steps() *rapid.Generator[[]tweet.Record] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tweet.Record {
		id, at := tweet.ID(rapid.IntRange(1, 3).Draw(t, "id")), int64(rapid.IntRange(0, 3).Draw(t, "at"))
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			return deletion(id, at)
		}
		text := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text")
		switch id {
		case 2:
			return sighting(2, at, text, false, 1)
		case 3:
			return sighting(3, at, text, true, 1)
		}
		return sighting(1, at, text, false)
	}), 1, 8)
}

// archiveOf merges what a journal says as an archive does.
func archiveOf(t testing.TB, j *journal.Journal) map[tweet.ID]string {
	docs := map[tweet.ID]*tweet.Document{}
	merge := func(d *tweet.Document) {
		if was := docs[d.ID]; was != nil {
			m, _, err := was.Merge(d)
			if err != nil {
				t.Fatal(err)
			}
			d = m
		}
		docs[d.ID] = d
	}
	es, err := j.Since(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		switch {
		case e.Kind != tweet.KindDelete:
			merge(tweet.NewDocument(&e.Record, e.FirstSeq))
		case !e.Unseen:
			merge(tweet.NewTombstone(e.ID, e.FirstSeq, e.CapturedAt))
		}
		for _, h := range e.Cut {
			d, err := docs[h].Without(e.ID)
			if err != nil {
				t.Fatal(err)
			}
			docs[h] = d
		}
	}
	out := map[tweet.ID]string{}
	for id, d := range docs {
		out[id] = fmt.Sprintf("%d %v %v %s %s", d.Version(), d.Tombstone, d.RawCut, d.Payload, d.Raw)
	}
	return out
}

// TestOrderDoesNotMatter: the same records in another order make the same documents and tombstones.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		recs := steps().Draw(rt, "records")
		order := rapid.Permutation(recs).Draw(rt, "order")
		a, b := open(t, journal.Options{}), open(t, journal.Options{})
		for i := range recs {
			appendAll(t, a, recs[i])
		}
		appendAll(t, b, order...)
		x, y := archiveOf(t, a), archiveOf(t, b)
		if len(x) != len(y) {
			rt.Fatalf("documents\n%v\n%v", x, y)
		}
		for id := range x {
			if x[id] != y[id] {
				rt.Fatalf("tweet %d\n%s\n%s", id, x[id], y[id])
			}
		}
		a.Close()
		b.Close()
	})
}
