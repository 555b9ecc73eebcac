//go:build !unix

package api

import (
	"errors"
	"syscall"
)

// canTry: streams stay with the HTTP server.
const canTry = false

func writeNow(syscall.RawConn, []byte) (int, error) { return 0, errors.ErrUnsupported }
