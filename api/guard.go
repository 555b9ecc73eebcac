package api

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// guard decides whether a request is meant for this server, and whether a page that is not ours sent it.
// A web page elsewhere can make a browser send anything to localhost: by a name that it points here (DNS rebinding: the
// Host is then its own) or outright (the Origin is then its own).
type guard struct {
	bound  string // host part of the bound address
	any    bool   // bound to all addresses
	hosts  []string
	cors   []string
	anyone bool // hosts has "*"
}

func newGuard(c Config) guard {
	host, _, _ := net.SplitHostPort(c.Addr) // checked by Config.check
	g := guard{bound: strings.ToLower(host), cors: c.CORSOrigins}
	ip, err := netip.ParseAddr(host)
	g.any = host == "" || err == nil && ip.IsUnspecified()
	for _, h := range c.Hosts {
		g.anyone = g.anyone || h == "*"
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	return g
}

// hostOK reports whether the request's Host is one of ours.
func (g guard) hostOK(r *http.Request) bool {
	if g.anyone || r.Host == "" && !r.ProtoAtLeast(1, 1) { // HTTP/1.0 without Host: no browser
		return true
	}
	host, port := splitHost(r.Host)
	if isLoopback(host) || host != "" && host == g.bound || g.named(host, port) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if g.any { // a name can be pointed here, an address cannot
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap() == ip.Unmap()
}

func (g guard) named(host, port string) bool {
	return slices.ContainsFunc(g.hosts, func(h string) bool {
		name, p := splitHost(h)
		return name == host && (p == "" || p == port)
	})
}

// foreign reports whether a page of another origin sent the request.
func (g guard) foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		return !g.ownOrigin(origin, r)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		// A link followed from elsewhere is the reader's own act, and its answer stays in the reader's window.
		return !(r.Header.Get("Sec-Fetch-Mode") == "navigate" && (r.Method == http.MethodGet || r.Method == http.MethodHead))
	}
	return false
}

func (g guard) ownOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	host, port := splitHost(u.Host)
	_, own := splitHost(r.Host)
	return slices.ContainsFunc(g.hosts, func(h string) bool {
		name, p := splitHost(h)
		if name != host {
			return false
		}
		return p == port || p == "" && port == own
	})
}

// ownPage reports whether our own page sent the request, as a browser vouches for it.
func (g guard) ownPage(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && !g.ownOrigin(origin, r) {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "": // a browser without it sends an Origin with whatever writes
		return r.Header.Get("Origin") != ""
	}
	return false
}

func (g guard) mayReadCrossOrigin(origin string) bool {
	return origin != "" && (slices.Contains(g.cors, "*") || slices.Contains(g.cors, origin))
}

// splitHost takes host:port apart; the port may be missing. The host comes without brackets, in lower case, without
// the final dot.
func splitHost(s string) (host, port string) {
	s = strings.ToLower(s)
	if h, p, err := net.SplitHostPort(s); err == nil {
		s, port = h, p
	}
	return strings.TrimSuffix(strings.Trim(s, "[]"), "."), port
}

// guardRequests is the middleware of Host, Origin and CORS.
func (s *Server) guardRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if !s.guard.hostOK(r) {
			return problem(http.StatusMisdirectedRequest, "This server is not known by the name in Host. Names are added by its setting for hosts.")
		}
		if !s.guard.foreign(r) {
			return next(c)
		}
		origin := r.Header.Get("Origin")
		if !s.guard.mayReadCrossOrigin(origin) {
			return problem(http.StatusForbidden, "Requests from pages of another origin are refused.")
		}
		h := c.Response().Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id, X-Captured-At, "+trailers)
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			return next(c)
		case http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", "GET, HEAD")
			h.Set("Access-Control-Allow-Headers", "Authorization, Last-Event-ID")
			h.Set("Access-Control-Max-Age", "600")
			return c.NoContent(http.StatusNoContent)
		}
		return problem(http.StatusForbidden, "Pages of another origin may read, not write.")
	}
}
