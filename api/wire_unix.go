//go:build unix

package api

import (
	"errors"
	"syscall"
)

// canTry: writeNow is there.
const canTry = true

// writeNow writes what the network takes at once.
func writeNow(raw syscall.RawConn, b []byte) (n int, err error) {
	outer := raw.Write(func(fd uintptr) bool {
		for {
			n, err = syscall.Write(int(fd), b)
			if err != syscall.EINTR {
				return true // done, whatever came of it
			}
		}
	})
	if outer != nil {
		return 0, outer
	}
	if errors.Is(err, syscall.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
