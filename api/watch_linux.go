package api

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// watch tells when clients leave: one epoll for all connections, in place of a goroutine that reads for each.
type watch struct {
	epoll int
	stop  [2]int // a pipe
	lost  func(*wired)
	*watching
}

type watching struct {
	mu    sync.Mutex // guards what follows
	round int32
	conns map[int32]watched // by descriptor
}

// watched is a connection; a descriptor may be another's when its event is read, a round not.
type watched struct {
	w     *wired
	round int32
}

func newWatch(lost func(*wired)) (watch, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return watch{}, fmt.Errorf("watch connections: %w", err)
	}
	k := watch{epoll: fd, lost: lost, watching: &watching{conns: map[int32]watched{}}}
	if err := syscall.Pipe2(k.stop[:], syscall.O_CLOEXEC); err != nil {
		return watch{}, errors.Join(fmt.Errorf("watch connections: %w", err), syscall.Close(fd))
	}
	return k, syscall.EpollCtl(fd, syscall.EPOLL_CTL_ADD, k.stop[0], &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLHUP, Fd: -1})
}

const (
	tcpUserTimeout = 18 // of linux/tcp.h
	leaving        = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR | syscall.EPOLLONESHOT
)

// add watches a connection, and lets the network give it up when its peer acknowledges nothing for so long.
func (k watch) add(w *wired, stall time.Duration) error {
	var inner error
	outer := w.wire.raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(stall.Milliseconds())) // a kernel without it has a longer patience
		k.mu.Lock()
		defer k.mu.Unlock()
		k.round++
		k.conns[int32(fd)] = watched{w, k.round}
		w.descriptor = int32(fd)
		inner = syscall.EpollCtl(k.epoll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: leaving, Fd: int32(fd), Pad: k.round})
	})
	return errors.Join(outer, inner)
}

// remove is called before the connection is closed, which ends the watch itself.
func (k watch) remove(w *wired) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conns[w.descriptor].w == w {
		delete(k.conns, w.descriptor)
	}
}

// end ends run.
func (k watch) end() { _ = syscall.Close(k.stop[1]) }

// run tells until end.
func (k watch) run() {
	defer syscall.Close(k.epoll)
	defer syscall.Close(k.stop[0])
	events := make([]syscall.EpollEvent, 256)
	for {
		n, err := syscall.EpollWait(k.epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return // the descriptor is ours alone: this cannot be
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd < 0 {
				return
			}
			k.mu.Lock()
			c := k.conns[e.Fd]
			k.mu.Unlock()
			if c.w != nil && c.round == e.Pad {
				k.lost(c.w)
			}
		}
	}
}
