//go:build !linux

package api

import "time"

// watch tells when clients leave: here by a goroutine a connection, that reads.
type watch struct {
	lost func(*wired)
	stop chan struct{}
}

func newWatch(lost func(*wired)) (watch, error) { return watch{lost, make(chan struct{})}, nil }

func (k watch) add(w *wired, _ time.Duration) error {
	go func() { // ends when the connection is closed
		var b [64]byte
		for {
			if _, err := w.wire.conn.Read(b[:]); err != nil {
				k.lost(w)
				return
			}
		}
	}()
	return nil
}

func (watch) remove(*wired) {}

func (k watch) end() { close(k.stop) }

func (k watch) run() { <-k.stop }
