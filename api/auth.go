package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// right is what a request needs, or a token gives.
type right uint8

const (
	rightNone right = iota
	rightRead
	rightWrite // and read
)

// keeper knows the tokens. It keeps their hashes only, so that a copy of memory gives none away.
type keeper struct {
	read, write [][sha256.Size]byte
	open        bool // anyone may read
	page        bool // our page may write
	key         []byte
	now         func() time.Time
}

func newKeeper(c Config, now func() time.Time) *keeper {
	k := &keeper{now: now, key: c.StreamKey}
	k.open = c.Public || !c.tokensSet()
	k.page = c.PageMayWrite && c.OnLoopback()
	for _, t := range c.ReadTokens {
		k.read = append(k.read, sha256.Sum256([]byte(t)))
	}
	for _, t := range c.WriteTokens {
		k.write = append(k.write, sha256.Sum256([]byte(t)))
	}
	if c.LocalToken != "" {
		k.write = append(k.write, sha256.Sum256([]byte(c.LocalToken)))
	}
	if len(k.key) == 0 {
		k.key = make([]byte, 32)
		rand.Read(k.key) // never fails
	}
	return k
}

// of is what a bearer token gives. The time that it takes says nothing about the tokens.
func (k *keeper) of(token string) right {
	sum := sha256.Sum256([]byte(token))
	found := func(hashes [][sha256.Size]byte) int {
		hit := 0
		for i := range hashes {
			hit |= subtle.ConstantTimeCompare(hashes[i][:], sum[:])
		}
		return hit
	}
	read, write := found(k.read), found(k.write)
	switch {
	case write == 1:
		return rightWrite
	case read == 1:
		return rightRead
	}
	return rightNone
}

// bearer takes the token out of Authorization.
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// needs is the middleware that lets a request through only with a right.
func (s *Server) needs(want right) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if p := s.admit(c.Request(), want); p != nil {
				return p
			}
			return next(c)
		}
	}
}

func (s *Server) admit(r *http.Request, want right) *Problem {
	if want == rightRead && s.keeper.open {
		return nil
	}
	token := bearer(r)
	got := rightNone
	if token != "" {
		got = s.keeper.of(token)
	}
	switch {
	case got >= want:
		return nil
	case want == rightWrite && s.keeper.page && isLoopbackHost(r) && s.guard.ownPage(r):
		return nil
	case got == rightRead:
		return problem(http.StatusForbidden, "This token is for reading; writing needs a token for it.")
	case token == "":
		return problem(http.StatusUnauthorized, "A token is needed: Authorization: Bearer TOKEN.").with("WWW-Authenticate", "Bearer")
	}
	return problem(http.StatusUnauthorized, "The token is not known here.").with("WWW-Authenticate", `Bearer error="invalid_token"`)
}

func isLoopbackHost(r *http.Request) bool {
	host, _ := splitHost(r.Host)
	return isLoopback(host)
}

// streamTokenLife is how long a stream can be begun with a token of the URL. URLs end up in logs: an old one must be worth nothing.
const streamTokenLife = time.Minute

// mintStreamToken makes a token that only opens streams: expiry, nonce, and their MAC.
func (k *keeper) mintStreamToken() (token string, expires time.Time) {
	expires = k.now().Add(streamTokenLife)
	b := make([]byte, 16, 32)
	binary.BigEndian.PutUint64(b, uint64(expires.UnixMilli()))
	rand.Read(b[8:])
	return base64.RawURLEncoding.EncodeToString(append(b, k.mac(b)...)), expires
}

func (k *keeper) mac(b []byte) []byte {
	m := hmac.New(sha256.New, k.key)
	m.Write([]byte("birdwatch stream token\n"))
	m.Write(b)
	return m.Sum(nil)[:16]
}

func (k *keeper) streamTokenOK(token string) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 32 || !hmac.Equal(k.mac(b[:16]), b[16:]) {
		return false
	}
	return k.now().UnixMilli() < int64(binary.BigEndian.Uint64(b))
}

// admitStream is admit for a stream, which EventSource opens without headers of its own.
func (s *Server) admitStream(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if t := c.QueryParams().Get("access_token"); t != "" && bearer(c.Request()) == "" {
			if s.keeper.open || s.keeper.streamTokenOK(t) {
				return next(c)
			}
			return problem(http.StatusUnauthorized, "The access_token is not known here, or older than a minute: get another by POST /2/tokens/stream.")
		}
		if p := s.admit(c.Request(), rightRead); p != nil {
			return p
		}
		return next(c)
	}
}

// streamToken answers POST /2/tokens/stream.
func (s *Server) streamToken(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	token, expires := s.keeper.mintStreamToken()
	c.Response().Header().Set("Cache-Control", "no-store")
	return writeJSON(c, http.StatusCreated, map[string]any{"data": map[string]string{
		"access_token": token, "expires_at": expires.UTC().Format(time.RFC3339)}})
}
