package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"birdwatch/query"
	"birdwatch/query/querytest"
	"birdwatch/search"
	"birdwatch/search/embedded"
	"birdwatch/tweet"
)

// TestMain is, in a child process, a writer that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("ARCHIVE_TEST_WRITE"); path != "" {
		writeUntilKilled(path)
	}
	if path := os.Getenv("ARCHIVE_TEST_REINDEX"); path != "" {
		reindexUntilKilled(path)
	}
	os.Exit(m.Run())
}

func numbered(id tweet.ID) tweet.Record {
	p := &tweet.Payload{Data: tweet.Tweet{ID: id, Text: fmt.Sprintf("word%d and number %d", id%97, id)}}
	b, err := tweet.Encode(p)
	if err != nil {
		panic(err)
	}
	return tweet.Record{Kind: tweet.KindTweet, ID: id, Payload: b, Raw: b}
}

// writeUntilKilled applies batches and prints the place after each.
func writeUntilKilled(path string) {
	a, err := embedded.Open(context.Background(), path, embedded.Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	at, err := a.Position(context.Background())
	for seq := at.Seq; err == nil; {
		es := make([]tweet.Entry, 50)
		for i := range es {
			seq++
			es[i] = tweet.Entry{Seq: seq, FirstSeq: seq, Record: numbered(tweet.ID(seq))}
		}
		_, err = a.Apply(context.Background(), es, tweet.Position{Epoch: "e", Seq: seq})
		fmt.Println(seq)
	}
	fmt.Println("error", err)
	os.Exit(1)
}

func TestKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ARCHIVE_TEST_WRITE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := 0
		lines := bufio.NewScanner(out)
		for n := 0; n < 30 && lines.Scan(); n++ {
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		a, err := embedded.Open(t.Context(), path, embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Check(t.Context()); err != nil {
			t.Error(err)
		}
		at, err := a.Position(t.Context())
		if err != nil || int(at.Seq) < last {
			t.Errorf("place %v, %v; %d was acknowledged", at, err, last)
		}
		ids, err := walk(t.Context(), a, query.All(), true, 500)
		if err != nil || len(ids) != int(at.Seq) {
			t.Errorf("%d tweets at place %d, %v", len(ids), at.Seq, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a, err := embedded.Open(t.Context(), path, embedded.Options{MaxPages: 40})
	if err != nil {
		t.Fatal(err)
	}
	var seq tweet.Seq
	for err == nil && seq < 100_000 {
		es := make([]tweet.Entry, 20)
		for i := range es {
			es[i] = tweet.Entry{Seq: seq + tweet.Seq(i) + 1, Record: numbered(tweet.ID(int(seq) + i + 1))}
		}
		if _, err = a.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: seq + 20}); err == nil {
			seq += 20
		}
	}
	if err == nil {
		t.Fatal("the disk never was full")
	}
	at, err := a.Position(t.Context())
	if err != nil || at.Seq != seq {
		t.Errorf("place %v, %v; %d was the last that went in", at, err, seq)
	}
	if err := errors.Join(a.Check(t.Context()), a.Close()); err != nil {
		t.Error(err)
	}
	a, err = embedded.Open(t.Context(), path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Import(t.Context(), []tweet.Record{numbered(1 << 40)}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if ids, err := walk(t.Context(), a, query.All(), true, 100); err != nil || len(ids) != int(seq)+1 {
		t.Errorf("%d tweets of %d, %v", len(ids), seq+1, err)
	}
}

// TestReadsWhileWriting: a search sees one state, and never waits for a writer.
func TestReadsWhileWriting(t *testing.T) {
	a := open(t, embedded.Options{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := range 20 {
			es := make([]tweet.Entry, 100)
			for i := range es {
				es[i] = tweet.Entry{Seq: tweet.Seq(n*100 + i + 1), Record: numbered(tweet.ID(n*100 + i + 1))}
			}
			if _, err := a.Apply(t.Context(), es, tweet.Position{Epoch: "e", Seq: tweet.Seq(n*100 + 100)}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		page, err := a.Search(t.Context(), search.Request{Query: query.All(), Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Hits)%100 != 0 {
			t.Errorf("a search saw half a batch: %d", len(page.Hits))
		}
	}
	writing.Wait()
}

func TestTimeLimit(t *testing.T) {
	a := open(t, embedded.Options{})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := a.Search(ctx, search.Request{Query: query.All(), Limit: 1}); !errors.Is(err, search.ErrTimeout) {
		t.Errorf("a search past its time: %v", err)
	}
}

// TestDeletedLeavesNoTrace: neither frames nor index keep a word of a deleted tweet.
func TestDeletedLeavesNoTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.db")
	a, err := embedded.Open(t.Context(), path, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	quoted := &tweet.Payload{Data: tweet.Tweet{ID: 1, Text: "xyzzysecret"}}
	holder := &tweet.Payload{Data: tweet.Tweet{ID: 2, Text: "quoting", ReferencedTweets: []tweet.Reference{{Type: "quoted", ID: 1}}}, Includes: &tweet.Includes{Tweets: []tweet.Tweet{quoted.Data}}}
	fill(t, a, []*tweet.Payload{quoted, holder})
	del := tweet.Entry{Seq: 5, FirstSeq: 1, Cut: []tweet.ID{2}, Record: tweet.Record{Kind: tweet.KindDelete, ID: 1, CapturedAt: 9}}
	if _, err := a.Apply(t.Context(), []tweet.Entry{del}, tweet.Position{Epoch: "e", Seq: 5}); err != nil {
		t.Fatal(err)
	}
	docs, err := a.Get(t.Context(), 1, 2)
	if err != nil || !docs[0].Tombstone || docs[1].Tombstone || !docs[1].RawCut || strings.Contains(string(docs[1].Payload), "xyzzysecret") || len(docs[1].Raw) > 0 {
		t.Errorf("after the delete: %+v, %v", docs, err)
	}
	for _, text := range []string{"xyzzysecret", "xyz*", "quoting"} {
		q, err := query.Parse(text, querytest.Now)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := walk(t.Context(), a, q.Expr, false, 10)
		if want := text == "quoting"; err != nil || (len(ids) == 1) != want {
			t.Errorf("%s finds %v, %v", text, ids, err)
		}
	}
	if err := errors.Join(a.Optimize(t.Context()), a.Check(t.Context()), a.Close()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err == nil && bytes.Contains(b, []byte("xyzzysecret")) {
			t.Errorf("%s still holds the deleted word", filepath.Base(name))
		}
	}
}
