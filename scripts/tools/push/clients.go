package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// client is one connection that reads a stream.
type client struct {
	fd      int
	headed  bool // the answer's head was read
	chunked bool
	left    int    // bytes left in the chunk
	inSize  bool   // what comes is a chunk's size
	buf     []byte // the head, or the end of what was read last: a mark may straddle two reads
}

// clients read with one epoll loop.
type clients struct {
	epoll   int
	byFD    [1 << 16]*client
	ready   atomic.Int64 // that have their head
	refused atomic.Int64 // that had another answer than 200
	gone    atomic.Int64
	events  atomic.Int64
	late    histogram
}

func newClients() (*clients, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &clients{epoll: fd}, err
}

// dial opens the i-th connection, from one of a few loopback addresses: each has 28,000 ports.
func (c *clients) dial(i int, to netip.AddrPort, request []byte) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(2 + i%8)}}); err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
		return err
	}
	if _, err := syscall.Write(fd, request); err != nil {
		return err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	c.byFD[fd] = &client{fd: fd, inSize: true}
	return syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// read reads for ever.
func (c *clients) read() {
	ready := make([]syscall.EpollEvent, 1024)
	buf := make([]byte, 256<<10)
	for {
		n, err := syscall.EpollWait(c.epoll, ready, -1)
		if err != nil && err != syscall.EINTR {
			panic(err)
		}
		for _, e := range ready[:max(n, 0)] {
			x := c.byFD[e.Fd]
			n, err := syscall.Read(x.fd, buf)
			switch {
			case err == syscall.EAGAIN || err == syscall.EINTR:
			case err != nil || n == 0:
				c.gone.Add(1)
				_ = syscall.Close(x.fd) // it is over
			default:
				c.take(x, buf[:n])
			}
		}
	}
}

func (c *clients) take(x *client, p []byte) {
	if !x.headed {
		x.buf = append(x.buf, p...)
		i := bytes.Index(x.buf, []byte("\r\n\r\n"))
		if i < 0 {
			return
		}
		head := x.buf[:i]
		if !bytes.HasPrefix(head[min(len(head), 8):], []byte(" 200")) {
			c.refused.Add(1)
			fmt.Printf("%s\n", head)
		}
		x.chunked = bytes.Contains(bytes.ToLower(head), []byte("transfer-encoding: chunked"))
		p, x.buf, x.headed = bytes.Clone(x.buf[i+4:]), nil, true
		c.ready.Add(1)
	}
	now := time.Now().UnixNano()
	if !x.chunked {
		c.scan(x, p, now)
		return
	}
	for len(p) > 0 {
		if x.inSize {
			b := p[0]
			p = p[1:]
			switch digit := bytes.IndexByte([]byte("0123456789abcdef"), b); {
			case digit >= 0:
				x.left = x.left<<4 | digit
			case b == '\n' && x.left > 0: // the line end of the chunk before has no size
				x.inSize = false
			}
			continue
		}
		n := min(x.left, len(p))
		c.scan(x, p[:n], now)
		p, x.left = p[n:], x.left-n
		x.inSize = x.left == 0
	}
}

// mark stands before the time at which an event was published, in nanoseconds of 19 digits.
var mark = []byte("ts=")

const markSize = 3 + 19

// scan counts the marks in a stretch of the body.
func (c *clients) scan(x *client, p []byte, now int64) {
	if len(x.buf) > 0 {
		p = append(x.buf, p...)
		x.buf = nil
	}
	for {
		i := bytes.Index(p, mark)
		if i < 0 || i+markSize > len(p) {
			if i < 0 {
				i = max(0, len(p)-len(mark)+1)
			}
			if tail := p[i:]; len(tail) > 0 && (len(tail) >= len(mark) || bytes.HasPrefix(mark, tail) || bytes.HasPrefix(mark, tail[1:])) {
				x.buf = bytes.Clone(tail)
			}
			return
		}
		at := int64(0)
		for _, d := range p[i+len(mark) : i+markSize] {
			at = at*10 + int64(d-'0')
		}
		c.events.Add(1)
		c.late.add((now - at) / 1000)
		p = p[i+markSize:]
	}
}
