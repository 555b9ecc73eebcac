//go:build unix

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"birdwatch/ingest/journal"
	"birdwatch/tweet"
)

// fillDisk is the child process of TestNoRoomForWriting: its files may not grow past a bound, later they may.
func fillDisk(path string) error {
	signal.Ignore(unix.SIGXFSZ)
	ctx := context.Background()
	j, err := journal.Open(ctx, path, journal.Options{})
	if err != nil {
		return err
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	limit := func(n uint64) error {
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: was.Max})
	}
	refused := 0
	for round := range 3 {
		if err := limit(uint64(800_000 * (round + 1))); err != nil {
			return err
		}
		last := j.Last()
		for i := 0; ; i++ {
			if i == 5000 {
				return errors.New("the disk never was full")
			}
			id := tweet.ID(round*10_000 + i + 1)
			_, err := j.Append(ctx, []tweet.Record{sighting(id, 0, noise(3000), false), sighting(id+5000, 0, "second", false)})
			if err != nil {
				refused++
				if j.Fault() == nil {
					return errors.New("no fault is known where nothing can be written")
				}
				fmt.Println("refused", id, strings.ReplaceAll(err.Error(), "\n", " "))
				break
			}
			last += 2
			fmt.Println("took", id)
		}
		if j.Last() != last {
			return fmt.Errorf("last is %d, %d were taken", j.Last(), last)
		}
		if es, err := j.Since(ctx, last-1, 10); err != nil || len(es) != 1 {
			return fmt.Errorf("reading on a full disk: %v, %w", es, err)
		}
		if err := limit(was.Cur); err != nil {
			return err
		}
		// The same process goes on as soon as there is room.
		id := tweet.ID(round*10_000 + 9999)
		if _, err := j.Append(ctx, []tweet.Record{sighting(id, 0, "room again", false)}); err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
		if f := j.Fault(); f != nil {
			return fmt.Errorf("the fault is over, but still told: %+v", f)
		}
		fmt.Println("took", id)
	}
	fmt.Println("refusals", refused)
	return j.Close()
}

func TestNoRoomForWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "JOURNAL_TEST_FILL="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	j := openAt(t, path, journal.Options{})
	if err := j.Check(t.Context()); err != nil {
		t.Error(err)
	}
	took, refused := 0, 0
	for line := range strings.Lines(string(out)) {
		var id tweet.ID
		switch n, _ := fmt.Sscanf(line, "took %d", &id); {
		case n == 1:
			took++
			if es, err := j.Content(t.Context(), id); err != nil || len(es) != 1 {
				t.Fatalf("acknowledged %d is there %d times, %v", id, len(es), err)
			}
			continue
		}
		if n, _ := fmt.Sscanf(line, "refused %d", &id); n == 1 {
			refused++
			for _, id := range []tweet.ID{id, id + 5000} {
				if es, err := j.Content(t.Context(), id); err != nil || len(es) != 0 {
					t.Errorf("refused %d is there: %v", id, err)
				}
			}
		}
	}
	if took < 50 || refused != 3 {
		t.Errorf("%d taken, %d refused\n%s", took, refused, out)
	}
}

// A file that may not grow takes entries again once old ones are cut, in the same process.
func TestFullFileGoesOnAfterTrimming(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	j := open(t, journal.Options{MaxPages: 80, Now: func() time.Time { return now }})
	fill := func(from tweet.ID) (last tweet.ID) {
		t.Helper()
		for id := from; id < from+2000; id++ {
			if _, err := j.Append(t.Context(), []tweet.Record{sighting(id, 0, noise(3000), false)}); err != nil {
				return id
			}
		}
		t.Fatal("never full")
		return 0
	}
	id := fill(1)
	now = now.Add(100 * time.Hour)
	maintain(t, j)
	if end := fill(id); end < id+20 {
		t.Errorf("only %d more after trimming", end-id)
	}
	if err := j.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
