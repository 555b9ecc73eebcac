//go:build unix

package api

import (
	"errors"
	"sync"
	"syscall"
)

// canTry: writeNow is there.
const canTry = true

// attempt is a write to a connection. It is used again, with the function that a connection wants, so that a delivery allocates nothing.
type attempt struct {
	b   []byte
	n   int
	err error
	run func(fd uintptr) (done bool)
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.run = a.write
	return a
}}

func (a *attempt) write(fd uintptr) bool {
	for {
		a.n, a.err = syscall.Write(int(fd), a.b)
		if a.err != syscall.EINTR {
			return true // done, whatever came of it
		}
	}
}

// writeNow writes what the network takes at once.
func writeNow(raw syscall.RawConn, b []byte) (n int, err error) {
	a := attempts.Get().(*attempt)
	a.b = b
	outer := raw.Write(a.run)
	n, err, a.b = a.n, a.err, nil
	attempts.Put(a)
	if outer != nil {
		return 0, outer
	}
	if errors.Is(err, syscall.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
