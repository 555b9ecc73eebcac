package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
)

// This file is where streams leave Echo and net/http, and the only place that does. A connection that stays with the HTTP server costs a
// goroutine with its stack, two buffers of 4 KB and the request, about 27 KB, for as long as the stream lasts, and every event a flush
// through all of its layers. After routing, guards and authentication, a stream over plain HTTP/1 takes the connection over and needs
// less than 4 KB, and one system call for all that waits. Streams over TLS and HTTP/2 stay (kept.go).

// wire writes to a connection that was taken over.
type wire struct {
	conn    *net.TCPConn
	raw     syscall.RawConn
	chunked bool
	last    atomic.Bool // what is written now is the end: no heartbeat follows it

	mu      sync.Mutex // guards what follows; whoever writes holds it
	pending []byte     // framed, and not yet taken by the network
}

// frameRoom is what callers leave free before what they give to try: a chunk's head comes there.
const frameRoom = 10

// takeOver takes the connection of a request.
func takeOver(c echo.Context, w *wire) error {
	rw := c.Response()
	conn, _, err := http.NewResponseController(rw.Writer).Hijack()
	if err != nil {
		return err
	}
	rw.Committed, rw.Status = true, http.StatusOK // for the access log
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return errors.Join(fmt.Errorf("it is a %T", conn), conn.Close())
	}
	if w.raw, err = tcp.SyscallConn(); err != nil {
		return errors.Join(err, conn.Close())
	}
	w.conn, w.chunked = tcp, c.Request().ProtoAtLeast(1, 1)
	return nil
}

// headerBreaks keeps a value on its line.
var headerBreaks = strings.NewReplacer("\r", " ", "\n", " ")

// head is the answer's head. The connection serves no second request.
func (w *wire) head(c echo.Context) []byte {
	h := c.Response().Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	b := []byte("HTTP/1.0 200 OK\r\n")
	if w.chunked {
		h.Set("Transfer-Encoding", "chunked")
		b = []byte("HTTP/1.1 200 OK\r\n")
	}
	for name, values := range h {
		for _, v := range values {
			b = fmt.Appendf(b, "%s: %s\r\n", name, headerBreaks.Replace(v))
		}
	}
	return append(b, "\r\n"...)
}

// frame makes of what was written behind frameRoom what goes over the network.
func (w *wire) frame(b []byte) []byte {
	n := len(b) - frameRoom
	if n == 0 || !w.chunked {
		return b[frameRoom:]
	}
	var size [16]byte
	hex := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
	begin := frameRoom - len(hex)
	copy(b[begin:], hex)
	return append(b[begin:], "\r\n"...)
}

// framed is frame of bytes that have no room before them.
func (w *wire) framed(b []byte) []byte {
	return w.frame(append(make([]byte, frameRoom, frameRoom+len(b)+2), b...))
}

// try writes without waiting; what is not taken is kept for flush. whole: all was taken. b has frameRoom before what is to be written.
func (w *wire) try(b []byte) (whole bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(w.frame(b))
}

// write: w.mu is held.
func (w *wire) write(b []byte) (whole bool, err error) {
	if len(w.pending) > 0 {
		w.pending = append(w.pending, b...)
		return false, nil
	}
	if len(b) == 0 {
		return true, nil
	}
	n, err := writeNow(w.raw, b)
	if err != nil || n == len(b) {
		return err == nil, err
	}
	w.pending = append([]byte(nil), b[n:]...)
	return false, nil
}

// flush writes what is kept and b, and waits for the network for at most so long.
func (w *wire) flush(b []byte, wait time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.framed(b)
	if len(w.pending) > 0 {
		all = append(w.pending, all...)
		w.pending = nil
	}
	return w.send(all, wait)
}

// send: w.mu is held. A socket's deadline goes by the real clock.
func (w *wire) send(b []byte, wait time.Duration) error {
	if len(b) == 0 {
		return nil
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := w.conn.Write(b); err != nil {
		return err
	}
	return w.conn.SetWriteDeadline(time.Time{})
}

// beat writes a heartbeat, unless somebody writes just now.
func (w *wire) beat(b []byte) {
	if !w.mu.TryLock() {
		return
	}
	defer w.mu.Unlock()
	if len(w.pending) == 0 && !w.last.Load() {
		_, _ = w.write(w.framed(b)) // who writes next finds out
	}
}

const lastChunk = "0\r\n\r\n"

// tryFinish ends the answer, when that can be done without waiting.
func (w *wire) tryFinish() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.chunked {
		return true
	}
	whole, err := w.write([]byte(lastChunk))
	return whole || err != nil
}

// finish ends the answer.
func (w *wire) finish(wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.chunked {
		_ = w.send([]byte(lastChunk), wait) // it is over in any case
	}
}

// interrupt ends a write that waits.
func (w *wire) interrupt() { _ = w.conn.SetWriteDeadline(time.Unix(1, 0)) }

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
}
