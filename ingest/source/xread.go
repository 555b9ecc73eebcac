package source

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// lines are the messages that are whole; idle says that a keep-alive came behind them.
func (c *xConnection) lines(f *framer, readErr error) (lines [][]byte, idle bool) {
	for line, ok := f.next(); ok; line, ok = f.next() {
		if idle = line == nil; line != nil {
			lines = append(lines, bytes.Clone(line))
		}
	}
	if readErr == nil {
		return lines, idle
	}
	if rest, whole := f.rest(); whole {
		lines = append(lines, bytes.Clone(rest))
	} else if len(bytes.TrimSpace(rest)) > 0 {
		c.change(func(s *State) { s.Truncated++ })
		c.tell(Event{Kind: Truncated, Connection: c.number, Line: bytes.Clone(rest)})
	}
	return lines, false
}

// hand gives the records of the lines to the sink, and counts what they cost.
func (c *xConnection) hand(ctx context.Context, lines [][]byte, now time.Time, sink func([]tweet.Record) error) error {
	var recs []tweet.Record
	size, posts := 0, 0
	for _, line := range lines {
		size += len(line)
		if !gjson.GetBytes(line, "data").IsObject() {
			c.other(line)
			continue
		}
		posts++
		rs, err := c.c.Convert(line, tweet.Provenance{From: "stream:" + c.c.Name}, now.UnixMilli())
		if err != nil {
			c.change(func(s *State) { s.Refused++ })
			c.tell(Event{Kind: Refused, Connection: c.number, Line: line, Err: err})
			continue
		}
		recs = append(recs, rs...)
	}
	if len(recs) > 0 {
		if err := sink(recs); err != nil {
			return sinkError{fmt.Errorf("hand on %d records: %w", len(recs), err)}
		}
	}
	c.change(func(s *State) {
		s.Bytes += int64(size)
		s.Tweets += int64(posts)
		s.Posts += int64(posts)
	})
	if posts == 0 {
		return nil
	}
	more, err := c.c.Spend(ctx, posts)
	if err != nil {
		return sinkError{fmt.Errorf("count %d posts: %w", posts, err)}
	}
	if !more {
		return ErrSpent
	}
	return nil
}

// other takes a line that is no tweet: what X says of the stream.
func (c *xConnection) other(line []byte) {
	told := gjson.GetBytes(line, "errors.0")
	if !told.Exists() {
		told = gjson.ParseBytes(line)
	}
	if !told.Get("title").Exists() {
		c.change(func(s *State) { s.Others++ })
		return
	}
	e := &ToldError{Title: told.Get("title").String(), Detail: told.Get("detail").String(),
		Type: cmp.Or(told.Get("disconnect_type").String(), told.Get("connection_issue").String(), told.Get("type").String())}
	c.told = e
	c.change(func(s *State) { s.Disconnect = Disconnect{Reason: e.Error()} })
	c.tell(Event{Kind: Disconnecting, Connection: c.number, Text: e.Error()})
}
