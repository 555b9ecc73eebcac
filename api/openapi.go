package api

import (
	"maps"
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
	{"get", "/2/tweets/search/all", "Tweets that match a query.", searchParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/recent", "The same, of the last 7 days.", searchParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/facets", "The most frequent values among the newest 10,000 matches; meta says over how many they were counted.", facetParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/export", "All matches as one stream. A whole one ends in a line with meta (jsonl), and has the trailers " + trailers + "; one that is broken off lacks " +
		"them and the end of its transfer. At most 500 tweets come with a length, and these as headers.", exportParameters, "application/x-ndjson", "200", false},
	{"get", "/2/tweets/search/live", "History and then what is new, as Server-Sent Events: unnamed for tweets, and delete, live, gap, rate, bye, end. " +
		"After end a client should close. A lost stream goes on from Last-Event-ID.", streamParameters, eventType, "200", false},
	{"put", "/2/tweets/search/live/{connection}", "Other queries for the open stream of that name, in force behind since_seq.", nil, jsonType, "200", false},
	{"get", "/2/tweets/search/stream", "What matches the rules, a JSON object a line with matching_rules; an empty line at least every 20 seconds.", filteredParameters, jsonType, "200", false},
	{"get", "/2/tweets/search/stream/rules", "The rules of the filtered stream.", ruleParameters, jsonType, "200", false},
	{"post", "/2/tweets/search/stream/rules", "Adds or deletes rules, in open streams too.", rulesParameters, jsonType, "201", true},
	{"get", "/2/tweets/search/stream/rules/counts", "How many rules there are, and may be.", nil, jsonType, "200", false},
	{"get", "/2/tweets/counts/all", "How many tweets match, by minute, hour or day.", countParameters, jsonType, "200", false},
	{"get", "/2/tweets/counts/recent", "The same, of the last 7 days.", countParameters, jsonType, "200", false},
	{"get", "/2/tweets", "Tweets by id.", append([]string{"ids"}, fieldParameters...), jsonType, "200", false},
	{"get", "/2/tweets/{id}", "One tweet.", fieldParameters, jsonType, "200", false},
	{"delete", "/2/tweets/{id}", "Deletes a tweet, in open streams too.", nil, jsonType, "200", true},
	{"delete", "/2/tweets", "Deletes all tweets that match a query, newest first, a page at a time: meta.next_until_id is for until_id. With user_id those of a user, then and later.", removeParameters, jsonType, "200", true},
	{"get", "/2/tweets/{id}/raw", "The bytes as they came; X-Captured-At and X-Provenance-* say when and from where.", nil, jsonType, "200", false},
	{"post", "/2/tweets/ingest", "Takes tweets of any known shape in; answered when they are on disk.", nil, jsonType, "200", true},
	{"post", "/2/tweets/import", "Takes lines of a remote import straight into the archive.", nil, jsonType, "200", true},
	{"get", "/2/tweets/wanted", "Ids that imported lists named, of tweets that have not come, by id.", []string{"after_id", "max_results"}, jsonType, "200", false},
	{"get", "/2/query/explain", "What a query means.", []string{"query"}, jsonType, "200", false},
	{"get", "/2/query/operators", "All operators of the query language.", nil, jsonType, "200", false},
	{"get", "/2/status", "What the archive holds.", nil, jsonType, "200", false},
	{"get", "/2/coverage", "When the archive was connected to which source, what it missed and why, what was imported: spans of time, by their start.", coverageParameters, jsonType, "200", false},
	{"post", "/2/coverage/imports", "What a client that imports through the server says of its files.", nil, jsonType, "200", true},
	{"get", "/2/sources", "The streams that are taken in, and how each is.", nil, jsonType, "200", false},
	{"put", "/2/sources/{name}", "Has a source ask for something else, while it runs.", nil, jsonType, "200", true},
	{"get", "/2/dead_letters", "What the archive could not take, with reasons; meta.next is for after.", deadLetterParameters, jsonType, "200", true},
	{"post", "/2/dead_letters/retry", "Takes dead letters once more, by their keys.", nil, jsonType, "200", true},
	{"post", "/2/dead_letters/drop", "Throws dead letters away, by their keys.", nil, jsonType, "200", true},
	{"post", "/2/reindex", "Makes the search index again while it is in use, with a line of progress a second.", nil, "application/x-ndjson", "200", true},
	{"post", "/2/tokens/stream", "A token for the URL of a stream, to be used within a minute.", nil, jsonType, "201", false},
	{"get", "/healthz", "Whether the process lives.", nil, "text/plain", "200", false},
	{"get", "/readyz", "Whether it can do its work; 503 with what it lacks.", nil, jsonType, "200", false},
	{"get", "/metrics", "Figures for Prometheus.", nil, "text/plain", "200", false},
	{"get", "/debug/live", "Opens a stream at the server's own address and says how long it took, and how long the next tweet took to come; 503 when that fails.", []string{"wait"}, jsonType, "200", false},
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
	"sort_order":    {"description": "By a figure the greatest first, of equal ones the newest.", "schema": object{"type": "string", "enum": sortNames(), "default": "recency"}},
	"facets":        {"schema": object{"type": "array", "items": object{"type": "string", "enum": facetNames()}}, "explode": false},
	"limit":         {"description": "Values of each facet.", "schema": object{"type": "integer", "minimum": 1, "maximum": facetsMost, "default": 10}},
	"format":        {"schema": object{"type": "string", "enum": []string{"jsonl", "csv", "ids"}, "default": "jsonl"}},
	"content":       {"description": "raw: the bytes as they came. Without field parameters a payload is whole.", "schema": object{"type": "string", "enum": []string{"payload", "raw"}, "default": "payload"}},
	"columns":       {"description": "Of a CSV.", "schema": object{"type": "array", "items": object{"type": "string", "enum": columnNames()}}, "explode": false},
	"header":        {"description": "Whether a CSV begins with the names of its columns.", "schema": object{"type": "boolean", "default": true}},
	"next_token":    {"description": "From meta of the page before. It never expires."},
	"tag":           {"description": "As many as of query: events then say which of them matched."},
	"last_event_id": {"description": "As the header Last-Event-ID, which beats it."},
	"access_token":  {"description": "From POST /2/tokens/stream, where no header can be set."},

	"max_rate":         {"description": "At most so many tweets a second of what is new; rate events count the others.", "schema": object{"type": "integer", "minimum": 1, "maximum": rateMost}},
	"connection":       {"description": "A name for the stream, hard to guess: its queries can then be replaced."},
	"wait":             {"description": "Seconds in which a tweet should come.", "schema": object{"type": "integer", "minimum": 0, "maximum": selfTestMost, "default": 3}},
	"dry_run":          {"description": "Changes nothing; says what a rule would have matched in the last hour, day and week. Needs a token for reading only.", "schema": object{"type": "boolean", "default": false}},
	"backfill_minutes": {"description": "Begins with what came in the last so many minutes.", "schema": object{"type": "integer", "minimum": 0, "maximum": backfillMinutes}},
	"pagination_token": {"description": "From meta of the page before."},
}

// ownDocs are of parameters that mean something else on one path.
var ownDocs = map[string]map[string]object{
	"/2/tweets/search/export": {
		"max_results": {"description": "Without it, all.", "schema": object{"type": "integer", "minimum": 1, "maximum": exportMost}},
		"sort_order":  {"description": "By id.", "schema": object{"type": "string", "enum": []string{"oldest", "recency"}, "default": "oldest"}}},
	"/2/coverage": {
		"start_time":  {"description": "Spans that end then or later."},
		"end_time":    {"description": "Spans that start before it."},
		"source":      {"description": "As in provenance: stream:NAME, or import."},
		"kinds":       {"schema": object{"type": "array", "items": object{"type": "string", "enum": coverageKinds}}, "explode": false},
		"neighbors":   {"description": "With the ids of the tweets around gaps.", "schema": object{"type": "boolean", "default": false}},
		"max_results": {"schema": object{"type": "integer", "minimum": 1, "maximum": coverageMost, "default": 500}}},
	"/2/tweets/search/stream/rules": {
		"ids":         {"description": "Of rules, with commas between them.", "required": false},
		"max_results": {"schema": object{"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}}},
	"/2/dead_letters": {
		"max_results": {"schema": object{"type": "integer", "minimum": 1, "maximum": deadLetterMost, "default": 100}}},
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
	if strings.Contains(o.path, "{connection}") {
		ps = append(ps, object{"name": "connection", "in": "path", "required": true, "schema": object{"type": "string", "pattern": connectionName.String()}})
	}
	if strings.Contains(o.path, "{id}") {
		ps = append(ps, object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string", "pattern": "^[0-9]{1,19}$"}})
	}
	if strings.Contains(o.path, "{name}") {
		ps = append(ps, object{"name": "name", "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, name := range o.parameters {
		name, many := strings.CutSuffix(name, "*")
		p := object{"name": name, "in": "query", "schema": object{"type": "string"}}
		for _, docs := range []object{parameterDocs[name], ownDocs[o.path][name]} {
			maps.Copy(p, docs)
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
	if o.method == "put" || o.method == "post" && o.write {
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
