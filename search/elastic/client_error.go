package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"birdwatch/search"
)

// serverError is an answer that says no.
type serverError struct {
	Status int
	Type   string // of the error itself: "index_not_found_exception"
	Reason string
	causes []string // types of all that it was caused by
	kind   error    // the package search's word for it; nil when the request itself is at fault
}

func (e *serverError) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("Elasticsearch answers %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("Elasticsearch answers %d %s: %s", e.Status, e.Type, e.Reason)
}

func (e *serverError) Unwrap() error { return e.kind }

// has reports whether the error or one of its causes is of the type.
func (e *serverError) has(typ string) bool {
	for _, c := range e.causes {
		if c == typ {
			return true
		}
	}
	return e.Type == typ
}

// asServerError gives the answer that err is; nil when it is none.
func asServerError(err error) *serverError {
	var e *serverError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// isMissing reports whether err says that an index, an alias or a document is not there.
func isMissing(err error) bool {
	e := asServerError(err)
	return e != nil && e.Status == http.StatusNotFound
}

// isConflict reports whether err says that a document has changed meanwhile.
func isConflict(err error) bool {
	e := asServerError(err)
	return e != nil && e.Status == http.StatusConflict
}

// passing are types of errors after which the same may work later. Their status does not always say so.
var passing = map[string]bool{
	"cluster_block_exception": true, "index_closed_exception": true, "es_rejected_execution_exception": true, "circuit_breaking_exception": true,
	"unavailable_shards_exception": true, "no_shard_available_action_exception": true, "master_not_discovered_exception": true, "not_master_exception": true,
	"process_cluster_event_timeout_exception": true, "node_not_connected_exception": true, "node_disconnected_exception": true, "no_node_available_exception": true,
	"node_closed_exception": true, "primary_missing_action_exception": true, "retry_on_primary_exception": true, "receive_timeout_transport_exception": true,
	"connect_transport_exception": true, "shard_not_found_exception": true, "illegal_index_shard_state_exception": true, "alias_not_found": true,
}

// passes reports whether what a status and a type stand for passes by itself, or by somebody's hand outside of this program.
func passes(status int, typ string) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return passing[typ] || isForbidden(status)
}

// isForbidden: neither waiting nor trying again helps, but it is not the request's fault.
func isForbidden(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusProxyAuthRequired
}

// cause is an error as Elasticsearch writes it.
type cause struct {
	Type         string  `json:"type"`
	Reason       string  `json:"reason"`
	RootCause    []cause `json:"root_cause"`
	CausedBy     *cause  `json:"caused_by"`
	FailedShards []struct {
		Reason cause `json:"reason"`
	} `json:"failed_shards"`
}

// each calls f with every cause behind c, c first.
func (c *cause) each(f func(*cause)) {
	f(c)
	for i := range c.RootCause {
		c.RootCause[i].each(f)
	}
	for i := range c.FailedShards {
		c.FailedShards[i].Reason.each(f)
	}
	if c.CausedBy != nil {
		c.CausedBy.each(f)
	}
}

// envelopes say of the errors in them only that there are some.
var envelopes = map[string]bool{"search_phase_execution_exception": true, "exception": true, "runtime_exception": true}

// error makes of a cause what the callers know.
func (c *cause) error(status int) *serverError {
	e := &serverError{Status: status, Type: c.Type, Reason: c.Reason}
	c.each(func(c *cause) {
		e.causes = append(e.causes, c.Type)
		if envelopes[e.Type] && !envelopes[c.Type] && c.Type != "" {
			e.Type, e.Reason = c.Type, c.Reason
		}
		if passing[c.Type] {
			e.kind = search.ErrUnavailable
		}
	})
	if deep := c.CausedBy; deep != nil && deep.Reason != "" && deep.Reason != e.Reason {
		e.Reason += ": " + deep.Reason
	}
	if passes(status, e.Type) {
		e.kind = search.ErrUnavailable
	}
	return e
}

// parseError reads the body of an answer that says no.
func parseError(status int, body []byte) error {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var c cause
	if json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 && json.Unmarshal(answer.Error, &c) != nil {
		c = cause{Type: "error", Reason: string(answer.Error)}
	}
	return c.error(status)
}

// lost is the error of a request that got no answer. It names no more of what was asked than the node's address.
func lost(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("request to Elasticsearch: %w", search.ErrTimeout)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer of Elasticsearch for %v", search.ErrUnavailable, patience)
	}
	return fmt.Errorf("%w: request to Elasticsearch: %w", search.ErrUnavailable, err)
}

// fault says what was being done.
func fault(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("archive: %s: %w", what, err)
}

// shards says how a search went on the shards.
type shards struct {
	Total    int `json:"total"`
	Failed   int `json:"failed"`
	Failures []struct {
		Reason cause `json:"reason"`
	} `json:"failures"`
}

// complete is an error where a part of the answer is missing: a short answer must not look like a whole one.
func (s *shards) complete(timedOut bool) error {
	switch {
	case timedOut:
		return fmt.Errorf("request to Elasticsearch: %w", search.ErrTimeout)
	case s.Failed == 0:
		return nil
	}
	c := cause{Type: "shards_failed", Reason: fmt.Sprintf("%d of %d", s.Failed, s.Total)}
	if len(s.Failures) > 0 {
		c = s.Failures[0].Reason
	}
	return c.error(http.StatusServiceUnavailable)
}
