package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// wire puts messages on a connection. All that reaches a client passes through it, so what a
// network does to a stream is to be imitated here and nowhere else.
type wire struct {
	w         io.Writer
	control   *http.ResponseController
	delimited bool
	timeout   time.Duration
	line      []byte // reused
	sent      int64
	dirty     bool        // something is not flushed
	leaving   atomic.Bool // the stream has to end: no write may take long
	bare      bool        // the next message ends with a line feed alone
	pieces    []int       // where the next message is cut, each piece sent on its own
}

// message sends one JSON object and its end. It may stay in the buffer until flush.
func (w *wire) message(b []byte) error {
	if bytes.Contains(b, []byte("\r\n")) { // would end the message; inside JSON it can only be a blank
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	w.line = w.line[:0]
	if w.delimited {
		w.line = append(strconv.AppendInt(w.line, int64(len(b)+2), 10), '\n')
	}
	w.line = append(w.line, b...)
	if !w.bare {
		w.line = append(w.line, '\r')
	}
	w.line = append(w.line, '\n')
	done := 0
	for _, cut := range w.pieces {
		cut = min(cut, len(w.line))
		if err := w.part(w.line[done:cut]); err != nil {
			return err
		}
		done = cut
	}
	if err := w.write(w.line[done:]); err != nil {
		return err
	}
	w.sent++
	return nil
}

// part sends a piece of a message at once.
func (w *wire) part(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := w.write(b); err != nil {
		return err
	}
	return w.flush()
}

// value sends what is made here.
func (w *wire) value(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.message(b)
}

// keepAlive sends a blank line at once.
func (w *wire) keepAlive() error {
	if err := w.write([]byte("\r\n")); err != nil {
		return err
	}
	return w.flush()
}

func (w *wire) write(b []byte) error {
	if err := w.deadline(); err != nil {
		return err
	}
	w.dirty = true
	_, err := w.w.Write(b)
	return err
}

func (w *wire) flush() error {
	if !w.dirty {
		return nil
	}
	w.dirty = false
	return w.control.Flush()
}

// leave gives a write that waits for the reader, and those that follow, one second. It may be called while
// another goroutine writes.
func (w *wire) leave() {
	w.leaving.Store(true)
	_ = w.setDeadline(lastWords) // a connection without deadlines ends when it ends
}

// lastWords is how long a reader has to take what ends the stream.
const lastWords = time.Second

func (w *wire) deadline() error {
	if err := w.setDeadline(w.timeout); err != nil {
		return err
	}
	if w.leaving.Load() { // looked at after the long one is set, so that leave cannot be overruled
		return w.setDeadline(lastWords)
	}
	return nil
}

func (w *wire) setDeadline(d time.Duration) error {
	err := w.control.SetWriteDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) { // a recorder in a test
		return nil
	}
	return err
}
