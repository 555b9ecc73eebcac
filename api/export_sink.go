package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// errClientGone: who asked takes nothing any more.
var errClientGone = errors.New("the client is gone")

// pieceSize is how much is written under one deadline: a client must take so much in the time for a write.
const pieceSize = 32 << 10

// paced writes to a client in pieces, each with a deadline of its own.
type paced struct {
	c    echo.Context
	wait time.Duration
}

func (w paced) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		setWriteDeadline(w.c, w.wait)
		k, err := w.c.Response().Write(b[:min(len(b), pieceSize)])
		n += k
		if err != nil {
			return n, fmt.Errorf("%w: %w", errClientGone, err)
		}
		b = b[k:]
	}
	return n, nil
}

func (w paced) Flush() error {
	setWriteDeadline(w.c, w.wait)
	if err := http.NewResponseController(w.c.Response()).Flush(); err != nil {
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}

// begun sends the head of the answer with its first byte, so that what fails before is answered with a problem.
type begun struct {
	paced
	begin func()
}

func (w *begun) Write(b []byte) (int, error) {
	if !w.c.Response().Committed {
		w.begin()
	}
	return w.paced.Write(b)
}

// sink takes an export's bytes, compressed or not. It holds back a little, until Flush or Close.
type sink struct {
	to   io.Writer
	held []byte
	zip  *gzip.Writer // nil for plain
}

func newSink(to io.Writer, zipped bool) *sink {
	k := &sink{to: to}
	if zipped {
		k.zip = gzip.NewWriter(to)
	}
	return k
}

func (k *sink) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if k.held = append(k.held, b...); len(k.held) < pieceSize {
		return len(b), nil
	}
	return len(b), k.pass()
}

// pass hands on what is held.
func (k *sink) pass() error {
	if len(k.held) == 0 {
		return nil
	}
	var err error
	if k.zip != nil {
		_, err = k.zip.Write(k.held)
	} else {
		_, err = k.to.Write(k.held)
	}
	k.held = k.held[:0]
	return err
}

func (k *sink) Flush() error {
	if err := k.pass(); err != nil {
		return err
	}
	if k.zip != nil {
		if err := k.zip.Flush(); err != nil {
			return err
		}
	}
	if f, ok := k.to.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// Close writes the end. What is broken off is never closed: compressed, it then lacks its checksum.
func (k *sink) Close() error {
	if err := k.pass(); err != nil {
		return err
	}
	if k.zip != nil {
		return k.zip.Close()
	}
	return nil
}

// zipped reports whether the client takes gzip.
func zipped(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get(echo.HeaderAcceptEncoding), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, given := strings.CutPrefix(strings.TrimSpace(weight), "q=")
		if f, err := strconv.ParseFloat(q, 64); given && err == nil && f == 0 {
			return false
		}
		return true
	}
	return false
}

func (e *exporting) encoding() {
	if zipped(e.c.Request()) {
		e.c.Response().Header().Set(echo.HeaderContentEncoding, "gzip")
	}
}
