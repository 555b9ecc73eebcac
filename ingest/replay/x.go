package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// XOptions let the server speak X API v2's filtered stream. Both functions are needed.
type XOptions struct {
	// Convert makes {"data":…,"includes":…} of a v1.1 tweet.
	Convert func(line []byte) ([]byte, error)
	// Rule reads a rule; its error tells what is wrong with it.
	Rule func(value string) (func(payload []byte) bool, error)
	// MaxRules bounds the rules; 0 is 1,000.
	MaxRules int
}

const (
	xPath     = "/2/tweets/search/stream"
	xProblems = "https://api.twitter.com/2/problems/"
	// xKeepAlive is the silence after which X sends a blank line.
	xKeepAlive = 20 * time.Second
	maxMinutes = 5
)

// problem is an answer of X's that is an error.
type problem map[string]any

func (p problem) Error() string { return fmt.Sprint(p["detail"]) }

func xProblem(status int, title, detail, kind string) problem {
	typ := "about:blank"
	if kind != "" {
		typ = xProblems + kind
	}
	return problem{"title": title, "detail": detail, "type": typ, "status": status}
}

func (s *Server) serveX(w http.ResponseWriter, r *http.Request) {
	var err error
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !ok || token == "":
		err = xProblem(http.StatusUnauthorized, "Unauthorized", "Unauthorized", "")
	case r.URL.Path == xPath && r.Method == http.MethodGet:
		err = s.streamX(w, r, token)
	case r.URL.Path == xPath+"/rules" && r.Method == http.MethodGet:
		err = s.listRules(w, r)
	case r.URL.Path == xPath+"/rules" && r.Method == http.MethodPost:
		err = s.changeRules(w, r)
	default:
		err = xProblem(http.StatusNotFound, "Not Found", "There is nothing here.", "")
	}
	if err == nil {
		return
	}
	s.refused.Add(1)
	p := xProblem(http.StatusInternalServerError, "Internal Server Error", "Something is broken.", "")
	if re := (refusal{}); errors.As(err, &re) {
		if p = xProblem(re.status, http.StatusText(re.status), re.reason, ""); re.status == statusCalm { // X has another number for it
			p = xProblem(http.StatusTooManyRequests, "Too Many Requests", "Too Many Requests", "")
			w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(s.o.Now().Add(s.o.ConnectWindow).Unix(), 10))
		}
	}
	errors.As(err, &p)
	s.o.Logger.Info("request refused", "path", r.URL.Path, "status", p["status"], "reason", p["detail"])
	writeX(w, p["status"].(int), p)
}

func writeX(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client may be gone
}

// streamX opens a stream. Another one of the account is refused, not ended as in v1.1.
func (s *Server) streamX(w http.ResponseWriter, r *http.Request, token string) error {
	if err := s.refusing("x " + token); err != nil {
		return err
	}
	q := r.URL.Query()
	sel, err := selectX(q)
	if err != nil {
		return err
	}
	p := params{filter: filter{all: true}}
	if q.Has("backfill_minutes") {
		n, err := strconv.Atoi(q.Get("backfill_minutes"))
		if err != nil || n < 0 || n > maxMinutes {
			return invalidX("backfill_minutes", q.Get("backfill_minutes"), fmt.Sprintf("is not from 0 to %d", maxMinutes))
		}
		p.backfill = time.Duration(n) * time.Minute
	}
	if len(s.rules.now()) == 0 {
		p := xProblem(http.StatusConflict, "ConnectionException", "You must define rules before connecting to the stream.", "streaming-connection")
		p["connection_issue"] = "RuleConfigurationIssue"
		return p
	}
	if !s.o.ManyPerAccount && s.accounts.busy("x "+token) {
		p := xProblem(http.StatusTooManyRequests, "ConnectionException", "This stream is currently at the maximum allowed connection limit.", "streaming-connection")
		p["connection_issue"] = "TooManyConnections"
		return p
	}
	s.play(w, r, "x "+token, p, &xStream{server: s, fields: sel})
	return nil
}

func invalidX(name, value, what string) problem {
	p := xProblem(http.StatusBadRequest, "Invalid Request", "One or more parameters to your request was invalid.", "invalid-request")
	p["errors"] = []any{map[string]any{"message": "The `" + name + "` query parameter value [" + value + "] " + what, "parameters": map[string][]string{name: {value}}}}
	return p
}

// farewell is what ends a stream, in the words of its protocol.
func (s *stream) farewell(d disconnect) any {
	if s.x == nil {
		return map[string]any{"disconnect": map[string]any{"code": d.code, "stream_name": d.name, "reason": d.text}}
	}
	kind, word := "operational-disconnect", "UpstreamOperationalDisconnect"
	if d.code == errStalled.code {
		kind, word = "client-disconnected", "ClientTooSlow"
	}
	return map[string]any{"errors": []any{map[string]any{"title": kind, "disconnect_type": word, "type": xProblems + kind,
		"detail": "This stream has been disconnected: " + d.text}}}
}

// xStream is what a stream of v2 has of its own.
type xStream struct {
	server *Server
	fields *xFields
}

// match notes which rules want the tweet.
func (x *xStream) match(m *message) bool {
	payload, err := x.server.o.X.Convert(m.raw)
	if err != nil {
		return false
	}
	m.rules = nil
	for _, r := range x.server.rules.now() {
		if r.match(payload) {
			m.rules = append(m.rules, r)
		}
	}
	return len(m.rules) > 0
}

// line is the tweet as X sends it.
func (x *xStream) line(v1 []byte, m *message) ([]byte, error) {
	payload, err := x.server.o.X.Convert(v1)
	if err != nil {
		return nil, err
	}
	type matching struct {
		ID  string `json:"id"`
		Tag string `json:"tag"`
	}
	var rs []matching
	for _, r := range m.rules {
		rs = append(rs, matching{r.ID, r.Tag})
	}
	list, err := json.Marshal(rs)
	if err != nil {
		return nil, err
	}
	out := x.fields.cut(payload)
	return slices.Concat(bytes.TrimSuffix(out, []byte("}")), []byte(`,"matching_rules":`), list, []byte("}")), nil
}
