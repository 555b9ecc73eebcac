package source

import (
	"context"
	"io"
	"time"
)

// Frames gives all messages of r, and whether an unfinished one was left.
func Frames(r io.Reader, most int) (lines []string, cut bool, err error) {
	f := framer{r: r, most: most}
	for err == nil {
		err = f.fill()
		for line, ok := f.next(); ok; line, ok = f.next() {
			if line != nil {
				lines = append(lines, string(line))
			}
		}
	}
	rest, whole := f.rest()
	if whole {
		lines = append(lines, string(rest))
	}
	return lines, !whole && len(rest) > 0, err
}

// Backoff gives the waits after connections that ended so.
func Backoff(random float64, es ...Ending) []time.Duration {
	var b backoff
	var ds []time.Duration
	for _, e := range es {
		ds = append(ds, b.after(ending{established: e.Established, lived: e.Lived, disconnect: e.Disconnect, err: e.Err}, random))
	}
	return ds
}

// Ending is how a connection ended.
type Ending struct {
	Established bool
	Lived       time.Duration
	Disconnect  int
	Err         error
}

// HaveRules gives the rules that the server has.
func HaveRules(ctx context.Context, x *X) (rules []Rule, err error) {
	have, err := x.haveRules(ctx)
	for _, h := range have {
		rules = append(rules, h.Rule)
	}
	return rules, err
}
