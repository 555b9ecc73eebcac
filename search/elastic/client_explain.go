package elastic

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"birdwatch/search"
)

// explanations are few words for what is the matter, by Elasticsearch's type of the error; the first that is found is given.
var explanations = []struct{ typ, words string }{
	{"index_closed_exception", "an index of the archive is closed"},
	{"circuit_breaking_exception", "Elasticsearch is overloaded"},
	{"es_rejected_execution_exception", "Elasticsearch is overloaded"},
	{"master_not_discovered_exception", "Elasticsearch has no master node"},
	{"process_cluster_event_timeout_exception", "Elasticsearch is overloaded"},
	{"unavailable_shards_exception", "shards of the archive are not available"},
	{"no_shard_available_action_exception", "shards of the archive are not available"},
	{"primary_missing_action_exception", "shards of the archive are not available"},
	{"security_exception", "Elasticsearch does not let birdwatch in, or not do that"},
}

// blocks are what stands in the reason of a block.
var blocks = []struct{ in, words string }{
	{"read-only-allow-delete", "its disk is nearly full"}, {"read-only", "the index is read-only"}, {"index write", "the index is blocked for writing"},
}

// Explain says in few words, for those who run birdwatch and without inner text, what is the matter with the server or the archive; "" for errors
// of another kind.
func Explain(err error) string {
	var leased *LeasedError
	switch e := asServerError(err); {
	case errors.As(err, &leased):
		return leased.Error()
	case errors.Is(err, ErrNewer):
		return ErrNewer.Error()
	case errors.Is(err, ErrReadOnly):
		return ErrReadOnly.Error()
	case errors.Is(err, errGone):
		return "an index of the archive is gone from Elasticsearch, or from its alias"
	case e != nil:
		return e.explain()
	case errors.Is(err, search.ErrTimeout) || errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, search.ErrUnavailable):
		return "Elasticsearch does not answer"
	}
	return ""
}

func (e *serverError) explain() string {
	if e.has("cluster_block_exception") {
		for _, x := range blocks {
			if strings.Contains(e.Reason, x.in) {
				return "Elasticsearch takes no writes: " + x.words + " (cluster_block_exception)"
			}
		}
		return "Elasticsearch blocks the archive (cluster_block_exception)"
	}
	for _, x := range explanations {
		if e.has(x.typ) {
			return x.words + " (" + x.typ + ")"
		}
	}
	switch {
	case isForbidden(e.Status):
		return "Elasticsearch does not let birdwatch in, or not do that"
	case e.Status == http.StatusTooManyRequests:
		return "Elasticsearch is overloaded"
	case e.kind != nil:
		return "Elasticsearch is not available"
	}
	return ""
}
