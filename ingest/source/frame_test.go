package source_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"birdwatch/ingest/source"
)

// FuzzFrames: where reads end must mean nothing, and no byte of a message may be lost.
func FuzzFrames(f *testing.F) {
	f.Add(line(1)+"\r\n"+line(2)+"\n\r\n"+line(3), uint64(1))
	f.Add("{\n\"a\":\"\\\"\n{\"\r\n}", uint64(2))
	f.Add("noise\n{}\r", uint64(3))
	f.Fuzz(func(t *testing.T, stream string, seed uint64) {
		whole, cut, err := source.Frames(strings.NewReader(stream), 1<<20)
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		pieces, cut2, _ := source.Frames(&chopped{stream, rand.New(rand.NewPCG(seed, 0))}, 1<<20)
		if !slices.Equal(whole, pieces) || cut != cut2 {
			t.Fatalf("in one read %q, in pieces %q", whole, pieces)
		}
		rest := stream
		for _, line := range whole {
			i := strings.Index(rest, line)
			if i < 0 || len(line) == 0 {
				t.Fatalf("%q is not in the stream at its place", line)
			}
			if skipped := strings.TrimSpace(rest[:i]); skipped != "" {
				t.Fatalf("%q was passed over", skipped)
			}
			rest = rest[i+len(line):]
		}
		if !cut && strings.TrimSpace(rest) != "" {
			t.Fatalf("%q was lost at the end", rest)
		}
	})
}

// chopped reads in pieces of any length.
type chopped struct {
	s string
	r *rand.Rand
}

func (c *chopped) Read(p []byte) (int, error) {
	if c.s == "" {
		return 0, io.EOF
	}
	n := copy(p, c.s[:1+c.r.IntN(min(len(c.s), 7))])
	c.s = c.s[n:]
	return n, nil
}

// TestManyNewlines: a message of many lines is looked at once, not once a line.
func TestManyNewlines(t *testing.T) {
	message := "{" + strings.Repeat("\n", 1<<20) + "}"
	lines, cut, _ := source.Frames(strings.NewReader(message+"\r\n"), 2<<20)
	if len(lines) != 1 || lines[0] != message || cut {
		t.Errorf("%d lines, cut %v", len(lines), cut)
	}
	if lines, _, _ := source.Frames(iotest.OneByteReader(strings.NewReader("{\n}\n{}")), 10); !slices.Equal(lines, []string{"{\n}", "{}"}) {
		t.Errorf("got %q", lines)
	}
}

func TestBackoff(t *testing.T) {
	var (
		refused = source.Ending{Err: errors.New("connection refused")}
		dropped = source.Ending{Established: true, Lived: time.Second}
		stood   = source.Ending{Established: true, Lived: time.Hour}
		busy    = source.Ending{Err: &source.StatusError{Code: 503}}
		calm    = source.Ending{Err: &source.StatusError{Code: 420}}
		later   = source.Ending{Err: &source.StatusError{Code: 503, RetryAfter: time.Minute}}
	)
	ms, s, m := time.Millisecond, time.Second, time.Minute
	times := func(n int, e source.Ending) []source.Ending { return slices.Repeat([]source.Ending{e}, n) }
	for name, tt := range map[string]struct {
		es   []source.Ending
		want []time.Duration // the last ones
	}{
		"network":         {times(3, refused), []time.Duration{250 * ms, 500 * ms, 750 * ms}},
		"network most":    {times(100, refused), []time.Duration{16 * s, 16 * s}},
		"dropped":         {times(3, dropped), []time.Duration{0, 250 * ms, 500 * ms}},
		"stood":           {times(3, stood), []time.Duration{0, 0, 0}},
		"http":            {times(9, busy), []time.Duration{5 * s, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 320 * s, 320 * s, 320 * s}},
		"calm":            {times(6, calm), []time.Duration{m, 2 * m, 4 * m, 8 * m, 16 * m, 16 * m}},
		"forgotten":       {append(times(5, busy), stood, busy), []time.Duration{0, 5 * s}},
		"not forgotten":   {append(times(2, busy), dropped, busy), []time.Duration{0, 20 * s}},
		"as the server":   {[]source.Ending{later}, []time.Duration{m}},
		"duplicate":       {[]source.Ending{{Established: true, Lived: time.Hour, Disconnect: 7}}, []time.Duration{5 * s}},
		"server shutdown": {[]source.Ending{{Established: true, Disconnect: 1}}, []time.Duration{0}},
	} {
		got := source.Backoff(0, tt.es...)
		if got = got[len(got)-len(tt.want):]; !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		for i, d := range source.Backoff(0.999, tt.es...) {
			if base := source.Backoff(0, tt.es...)[i]; d < base || d > base+base/4 {
				t.Errorf("%s: %v is not %v and up to a quarter", name, d, base)
			}
		}
	}
}
