package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// operation is what the description says of one route. Its parameters are the lists that its handler checks by.
type operation struct {
	method, path, summary string
	parameters            []string
	answers               string // content type of a good answer
	status                string
	write                 bool // needs a token for writing
}

const (
	jsonType  = "application/json"
	eventType = "text/event-stream"
)

// operations are all routes, as OpenAPI writes their paths. A test holds them against the router's.
var operations = []operation{
	{"get", "/2/tweets/search/all", "Tweets that match a query, newest first.", searchParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/recent", "The same, of the last 7 days.", searchParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/live", "History and then what is new, as Server-Sent Events: unnamed for tweets, and delete, live, gap, bye, end. " +
		"After end a client should close. A lost stream goes on from Last-Event-ID.", streamParameters, eventType, "200", false},
	{"get", "/2/tweets/counts/all", "How many tweets match, by minute, hour or day.", countParameters, jsonType, "200", false},
	{"get", "/2/tweets/counts/recent", "The same, of the last 7 days.", countParameters, jsonType, "200", false},
	{"get", "/2/tweets", "Tweets by id.", append([]string{"ids"}, fieldParameters...), jsonType, "200", false},
	{"get", "/2/tweets/{id}", "One tweet.", fieldParameters, jsonType, "200", false},
	{"delete", "/2/tweets/{id}", "Deletes a tweet, in open streams too.", nil, jsonType, "200", true},
	{"get", "/2/tweets/{id}/raw", "The bytes as they came; X-Captured-At and X-Provenance-* say when and from where.", nil, jsonType, "200", false},
	{"post", "/2/tweets/ingest", "Takes tweets of any known shape in; answered when they are on disk.", nil, jsonType, "200", true},
	{"post", "/2/tweets/import", "Takes lines of a remote import straight into the archive.", nil, jsonType, "200", true},
	{"get", "/2/query/explain", "What a query means.", []string{"query"}, jsonType, "200", false},
	{"get", "/2/query/operators", "All operators of the query language.", nil, jsonType, "200", false},
	{"get", "/2/status", "What the archive holds.", nil, jsonType, "200", false},
	{"post", "/2/tokens/stream", "A token for the URL of a stream, to be used within a minute.", nil, jsonType, "201", false},
	{"get", "/healthz", "Whether the process lives.", nil, "text/plain", "200", false},
	{"get", "/readyz", "Whether it can do its work; 503 with what it lacks.", nil, jsonType, "200", false},
	{"get", "/metrics", "Figures for Prometheus.", nil, "text/plain", "200", false},
	{"get", "/openapi.json", "This description.", nil, jsonType, "200", false},
}

type object = map[string]any

// parameterDocs are the types of parameters that are no plain strings, and what their names do not say.
var parameterDocs = map[string]object{
	"query":         {"description": "See /2/query/operators. Empty is every tweet.", "required": true},
	"ids":           {"description": "Ids with commas between them, at most 100.", "required": true},
	"start_time":    {"description": "The earliest created_at, inclusive. In a stream it asks for history.", "schema": object{"type": "string", "format": "date-time"}},
	"end_time":      {"description": "The latest created_at, exclusive.", "schema": object{"type": "string", "format": "date-time"}},
	"since_id":      {"description": "Exclusive."},
	"until_id":      {"description": "Exclusive."},
	"since_seq":     {"description": "First taken in behind this place of the journal, exclusive.", "schema": object{"type": "integer", "minimum": 0}},
	"until_seq":     {"description": "First taken in up to this place of the journal, inclusive.", "schema": object{"type": "integer", "minimum": 0}},
	"max_results":   {"description": "At most 500; of search/recent at most 100.", "schema": object{"type": "integer", "minimum": 10, "maximum": 500, "default": 10}},
	"backfill":      {"description": "So many of the newest matches first, oldest of them first.", "schema": object{"type": "integer", "minimum": 0, "maximum": backfillMost}},
	"granularity":   {"schema": object{"type": "string", "enum": []string{"minute", "hour", "day"}, "default": "hour"}},
	"sort_order":    {"schema": object{"type": "string", "enum": []string{"recency"}}},
	"next_token":    {"description": "From meta of the page before. It never expires."},
	"tag":           {"description": "As many as of query: events then say which of them matched."},
	"last_event_id": {"description": "As the header Last-Event-ID, which beats it."},
	"access_token":  {"description": "From POST /2/tokens/stream, where no header can be set."},
}

// openAPI answers the description of the API.
func (s *Server) openAPI(c echo.Context) error {
	if _, err := parseParams(c.Request().URL.RawQuery); err != nil {
		return err
	}
	paths := map[string]object{}
	for _, o := range operations {
		if paths[o.path] == nil {
			paths[o.path] = object{}
		}
		paths[o.path][o.method] = o.describe()
	}
	fault := object{"type": "object", "required": []string{"title", "detail", "type", "status"}, "properties": object{
		"title": object{"type": "string"}, "detail": object{"type": "string"}, "type": object{"type": "string"}, "status": object{"type": "integer"},
		"errors":   object{"type": "array", "items": object{"type": "object"}},
		"position": object{"type": "object", "description": "Where a query is wrong: bytes from pos to end."}}}
	return writeJSON(c, http.StatusOK, object{"openapi": "3.1.0",
		"info":     object{"title": "BirdWatch", "version": "2", "description": "X API v2's shapes over one's own archive, and live streams."},
		"paths":    paths,
		"security": []object{{"bearer": []string{}}, {}},
		"components": object{"schemas": object{"Problem": fault},
			"securitySchemes": object{"bearer": object{"type": "http", "scheme": "bearer"}}}})
}

func (o *operation) describe() object {
	ps := []object{}
	if strings.Contains(o.path, "{id}") {
		ps = append(ps, object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "pattern": "^[0-9]{1,19}$"}})
	}
	for _, name := range o.parameters {
		name, many := strings.CutSuffix(name, "*")
		p := object{"name": name, "in": "query", "schema": object{"type": "string"}}
		for k, v := range parameterDocs[name] {
			p[k] = v
		}
		if many {
			p["schema"], p["explode"] = object{"type": "array", "items": p["schema"]}, true
		}
		if words := wordsOf(name); words != nil {
			p["schema"] = object{"type": "array", "items": object{"type": "string", "enum": words}}
			p["explode"] = false
		}
		ps = append(ps, p)
	}
	d := object{"summary": o.summary, "parameters": ps, "responses": object{
		o.status:  object{"description": "Done.", "content": object{o.answers: object{}}},
		"default": object{"description": "What is wrong.", "content": object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}}}}}
	if o.write {
		d["security"] = []object{{"bearer": []string{}}}
	}
	if o.method == "post" && o.write {
		d["requestBody"] = object{"required": true, "content": object{"application/x-ndjson": object{}, jsonType: object{}}}
	}
	return d
}

// wordsOf are the words that a field parameter may list; nil for others.
func wordsOf(name string) []string {
	if name == "expansions" {
		var words []string
		for _, e := range expansions {
			words = append(words, e.name)
		}
		return words
	}
	i := slices.IndexFunc(kinds[:], func(k kindOf) bool { return k.parameter == name })
	if i < 0 {
		return nil
	}
	return kinds[i].all
}
