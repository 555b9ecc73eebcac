package replay_test

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"birdwatch/ingest/replay"
)

// tape is of so many tweets, a second apart.
func tape(n int) (lines []string) {
	for i := range n {
		lines = append(lines, at(int64(i)*1000))
	}
	return lines
}

// whole reads a stream that ends, byte for byte.
func whole(t *testing.T, o replay.Options) string {
	t.Helper()
	o.CloseAtEnd = true
	s := serve(t, o)
	b, err := io.ReadAll(s.open(t, "a", "sample.json", nil).Body)
	if err != nil {
		t.Errorf("read stream: %v", err)
	}
	return string(b)
}

// fates collects what a server says of its tweets.
type fates struct {
	mu  sync.Mutex // guards what follows
	all []replay.Fate
}

func (f *fates) tell(fate replay.Fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, fate)
}

func (f *fates) count(word string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fate := range f.all {
		if fate.Fate == word {
			n++
		}
	}
	return n
}

// TestForms: what messages look like with each fault of form.
func TestForms(t *testing.T) {
	lines := tape(2)
	broken := func(l string) string { i := strings.IndexByte(l, ','); return l[:i] + "\n" + l[i:] }
	for name, tt := range map[string]struct {
		faults replay.Faults
		want   string
	}{
		"none":     {replay.Faults{}, lines[0] + "\r\n" + lines[1] + "\r\n"},
		"newline":  {replay.Faults{Newline: 1}, broken(lines[0]) + "\r\n" + broken(lines[1]) + "\r\n"},
		"linefeed": {replay.Faults{LineFeed: 1}, lines[0] + "\n" + lines[1] + "\n"},
		"garbage":  {replay.Faults{Garbage: 1}, "{\"id\":1,\"text\":\"a message that has no e\r\n" + lines[0] + "\r\n{\"id\":1,\"text\":\"a message that has no e\r\n" + lines[1] + "\r\n"},
		"split":    {replay.Faults{Split: 1}, lines[0] + "\r\n" + lines[1] + "\r\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got := whole(t, replay.Options{Tape: tapeOf(lines...), Faults: tt.faults, Seed: 1}); got != tt.want {
				t.Errorf("%s: got %q, want %q", name, got, tt.want)
			}
		})
	}
}

// TestSplitAnywhere: the pieces come one by one, cut inside of characters too, the same for the same seed.
func TestSplitAnywhere(t *testing.T) {
	cuts := func(seed uint64) (sizes []int) {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, replay.Options{Tape: tapeOf(tape(50)...), Faults: replay.Faults{Split: 1}, Seed: seed, CloseAtEnd: true})
			body, buf := s.open(t, "a", "sample.json", nil).Body, make([]byte, 4096)
			for {
				n, err := body.Read(buf)
				if n > 0 {
					sizes = append(sizes, n)
				}
				if err != nil {
					return
				}
			}
		})
		return sizes
	}
	one := cuts(1)
	if len(one) < 60 || !slices.Equal(one, cuts(1)) || slices.Equal(one, cuts(2)) {
		t.Errorf("pieces %v", one)
	}
}

// TestLimit: what is withheld is counted from the connection's beginning, and told within a second.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fates
		s := serve(t, replay.Options{Tape: tapeOf(tape(1000)...), Pace: replay.Pace{PerSecond: 10}, Faults: replay.Faults{Limit: 0.3}, Seed: 1, Witness: f.tell,
			Scenario: scenario(t, "every 30s close")})
		withheld := 0
		for range 2 { // counted anew on each connection
			b, err := io.ReadAll(s.open(t, "a", "sample.json", nil).Body)
			if err != nil {
				t.Fatal(err)
			}
			notices, last := 0, 0
			for line := range strings.Lines(string(b)) {
				_, rest, ok := strings.Cut(line, `"track":`)
				if !ok {
					continue
				}
				n, err := strconv.Atoi(strings.TrimRight(rest, "}\r\n"))
				if err != nil || n <= last {
					t.Fatalf("%s after %d", line, last)
				}
				notices, last = notices+1, n
			}
			if now := f.count("withheld") - withheld; notices < 28 || notices > 31 || last < now-10 || last > now || now < 60 || now > 120 {
				t.Errorf("%d notices up to %d, %d withheld", notices, last, now)
			}
			withheld = f.count("withheld")
		}
	})
}

// TestNotices: deletes before their tweets, and places taken away after them.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := whole(t, replay.Options{Tape: tapeOf(tape(1)...), Faults: replay.Faults{DeleteFirst: 1, ScrubGeo: 1}, Seed: 1})
		lines := strings.Split(strings.TrimSpace(got), "\r\n")
		id := strings.Split(strings.TrimPrefix(at(0), `{"id":`), ",")[0]
		if len(lines) != 3 || !strings.HasPrefix(lines[0], `{"delete":{"status":{"id":`+id) || lines[1] != at(0) || !strings.HasPrefix(lines[2], `{"scrub_geo":{`) || !strings.Contains(lines[2], `"up_to_status_id_str":"`+id+`"`) {
			t.Errorf("got %q", lines)
		}
	})
}

// TestDuplicates: each message comes once at least, and those that come again are told.
func TestDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fates
		lines := tape(200)
		got := strings.Split(strings.TrimSpace(whole(t, replay.Options{Tape: tapeOf(lines...), Faults: replay.Faults{Duplicate: 0.5}, Seed: 1, Witness: f.tell})), "\r\n")
		if len(got) != 200+f.count("again") || f.count("again") < 60 || f.count("sent") != 200 {
			t.Errorf("%d lines, %d again, %d sent", len(got), f.count("again"), f.count("sent"))
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, lines) {
			t.Errorf("%d different lines", len(got))
		}
	})
}
