package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/tidwall/gjson"

	"birdwatch/tweet"
)

// body is the answer as the library reads it: stub lines. Reading it drives everything: what has come is
// framed and given to the sink, and only when the sink has it do the stubs follow. A slow sink is thereby
// felt by the server, by way of TCP.
type body struct {
	*connection
	inner  io.ReadCloser
	frames framer
	stubs  bytes.Buffer
	closed sync.Once
	over   bool
}

// Read gives stub lines. Its only error is io.EOF; the real one is the connection's.
func (b *body) Read(p []byte) (int, error) {
	for b.stubs.Len() == 0 {
		if b.over {
			return 0, io.EOF
		}
		if err := b.advance(); err != nil {
			b.fail(err)
			b.over = true
		}
	}
	return b.stubs.Read(p)
}

// Close ends the connection. The library calls it more than once.
func (b *body) Close() error {
	var err error
	b.closed.Do(func() { err = b.inner.Close() })
	return err
}

// advance reads once and hands on all messages that are whole by then.
func (b *body) advance() error {
	b.stall.Reset(b.c.Stall)
	readErr := b.frames.fill()
	b.stall.Stop()
	now := b.c.Now()
	at := now.UnixMilli()
	var lines [][]byte
	idle := false // the last that came is a keep-alive
	for line, ok := b.frames.next(); ok; line, ok = b.frames.next() {
		if idle = line == nil; line != nil {
			lines = append(lines, bytes.Clone(line)) // the buffer is used again
		}
	}
	if readErr != nil {
		if rest, whole := b.frames.rest(); whole {
			lines = append(lines, bytes.Clone(rest))
		} else if len(bytes.TrimSpace(rest)) > 0 {
			b.change(func(s *State) { s.Truncated++ })
			b.tell(Event{Kind: Truncated, Connection: b.number, Line: bytes.Clone(rest)})
		}
	} else {
		b.change(func(s *State) { s.LastMessage = now })
	}
	if err := b.hand(lines, at); err != nil {
		return err
	}
	if readErr == nil && idle && b.frames.empty() {
		b.change(func(s *State) { s.Idle = now })
	}
	if errors.Is(readErr, io.EOF) {
		return errEnd
	}
	return readErr
}

var errEnd = errors.New("the server closed the connection")

// hand gives the records of the lines to the sink, then the stubs to the library.
func (b *body) hand(lines [][]byte, at int64) error {
	var recs []tweet.Record
	var stubs bytes.Buffer
	size := 0
	for _, line := range lines {
		size += len(line)
		kind := kindOf(line)
		if passedOver[kind] {
			appendStub(&stubs, kind, line, 0)
			continue
		}
		rs, err := b.c.Convert(line, tweet.Provenance{From: "stream:" + b.c.Name}, at)
		if err != nil {
			b.change(func(s *State) { s.Refused++ })
			b.tell(Event{Kind: Refused, Connection: b.number, Line: line, Err: err})
			continue
		}
		var id tweet.ID
		if len(rs) > 0 {
			id = rs[0].ID
		}
		recs = append(recs, rs...)
		appendStub(&stubs, kind, line, id)
	}
	if len(recs) > 0 {
		if err := b.sink(b.number, recs); err != nil {
			return sinkError{fmt.Errorf("hand on %d records: %w", len(recs), err)}
		}
	}
	b.change(func(s *State) { s.Bytes += int64(size) })
	b.stubs = stubs
	return nil
}

// passedOver are the messages that hold nothing for an archive. They go to the library only.
var passedOver = map[string]bool{"limit": true, "disconnect": true, "warning": true, "friends": true,
	"friends_str": true, "event": true, "direct_message": true, "control": true}

// notices are messages that are not tweets but are records.
var notices = map[string]bool{"delete": true, "scrub_geo": true, "status_withheld": true, "user_withheld": true}

// kindOf is the outermost key that tells what a message is; "" for a tweet, and for what is not known.
func kindOf(line []byte) string {
	kind := ""
	gjson.ParseBytes(line).ForEach(func(key, _ gjson.Result) bool {
		if passedOver[key.Str] || notices[key.Str] {
			kind = key.Str
		}
		// a tweet has one of these near its beginning; no other message has
		return kind == "" && key.Str != "id" && key.Str != "id_str" && key.Str != "text"
	})
	return kind
}

// appendStub writes the least from which the library knows the kind of the message, and of control messages
// what they say. Nothing of a stranger's making goes into the library as it came.
func appendStub(w *bytes.Buffer, kind string, line []byte, id tweet.ID) {
	type object = map[string]any
	inner := gjson.GetBytes(line, kind)
	var v any
	switch kind {
	case "":
		w.WriteString(`{"id":` + strconv.FormatInt(int64(id), 10) + `,"retweet_count":0}` + "\r\n")
		return
	case "limit":
		v = object{"track": inner.Get("track").Int()}
	case "disconnect":
		v = object{"code": inner.Get("code").Int(), "reason": inner.Get("reason").String(), "stream_name": inner.Get("stream_name").String()}
	case "warning":
		v = object{"code": inner.Get("code").String(), "message": inner.Get("message").String(), "percent_full": inner.Get("percent_full").Int()}
	case "delete":
		v = object{"status": object{"id": int64(id)}}
	default:
		v = object{}
	}
	b, err := json.Marshal(object{kind: v})
	if err != nil {
		panic(err) // strings and numbers
	}
	w.Write(b)
	w.WriteString("\r\n")
}
