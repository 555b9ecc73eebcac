package api

import (
	"errors"
	"net/netip"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// Why a stream finds no seat, beside live.ErrFull.
var (
	errAddressFull = errors.New("too many streams from this address")
	errTokenFull   = errors.New("too many streams with this token")
)

// seats bounds how many streams are open: in all, from one address, and with one token.
type seats struct {
	most, perAddress, perToken int // 0: no bound, but for most

	mu        sync.Mutex // guards what follows
	taken     int
	addresses map[netip.Addr]int
	tokens    map[string]int
}

// take gives a seat's return, or why there is none.
func (s *seats) take(c echo.Context, full error) (leave func(), err error) {
	address, token := clientAddress(c.Request().RemoteAddr), bearer(c.Request())
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken >= s.most:
		return nil, full
	case s.perAddress > 0 && address.IsValid() && s.addresses[address] >= s.perAddress:
		return nil, errAddressFull
	case s.perToken > 0 && token != "" && s.tokens[token] >= s.perToken:
		return nil, errTokenFull
	}
	s.taken++
	if address.IsValid() && s.perAddress > 0 {
		s.addresses[address]++
	}
	if token = strings.Clone(token); token != "" && s.perToken > 0 {
		s.tokens[token]++
	} else {
		token = ""
	}
	return func() { s.leave(address, token) }, nil
}

func (s *seats) leave(address netip.Addr, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.addresses[address]--; s.addresses[address] <= 0 {
		delete(s.addresses, address)
	}
	if s.tokens[token]--; s.tokens[token] <= 0 {
		delete(s.tokens, token)
	}
}

func (s *seats) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// clientAddress is what one client is taken for: an IPv4 address, or the network of 64 bits that an IPv6 address is in, which one
// household has to itself. Invalid for loopback: there a proxy stands for many.
func clientAddress(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a := at.Addr().Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		return netip.Addr{}
	case a.Is6():
		network, err := a.Prefix(64)
		if err != nil {
			return netip.Addr{}
		}
		return network.Addr()
	}
	return a
}
