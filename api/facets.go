package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"birdwatch/query"
	"birdwatch/search"
)

// facet is what the API knows of a facet: its name, and how a query asks for the tweets that have a value.
type facet struct {
	name string
	of   search.Facet
	ask  func(value string) string
}

// facets are all there are, in the order in which they are answered where none are named.
var facets = []facet{
	{"hashtags", search.Hashtags, func(v string) string { return "#" + strings.TrimPrefix(v, "#") }},
	{"mentions", search.Mentions, func(v string) string { return "@" + strings.TrimPrefix(v, "@") }},
	{"authors", search.Authors, func(v string) string { return "from:" + strings.TrimPrefix(v, "@") }},
	{"links", search.Links, func(v string) string { return "url:" + quoted(v) }},
	{"domains", search.Domains, func(v string) string { return "url:" + quoted(v) }},
	{"words", search.Words, quoted},
	{"languages", search.Languages, func(v string) string { return "lang:" + quoted(v) }},
	{"sources", search.Sources, func(v string) string { return "source:" + quoted(v) }},
}

func quoted(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

func facetNames() (names []string) {
	for _, f := range facets {
		names = append(names, f.name)
	}
	return names
}

// facetsMost is how many values of a facet are given at most.
const facetsMost = 1000

var facetParameters = []string{"query", "start_time", "end_time", "since_id", "until_id", "since_seq", "until_seq", "facets", "limit"}

// FacetValue is a value with the number of matches that have it, and the query that finds them, where one can be written.
type FacetValue struct {
	search.FacetValue
	Query string `json:"query,omitempty"`
}

// FacetMeta says over which matches facets were counted: all, or, where More is set, the newest Bound.
type FacetMeta struct {
	Bound    int    `json:"bound"`
	Tweets   int    `json:"tweets"`
	More     bool   `json:"more"`
	OldestID string `json:"oldest_id,omitempty"`
}

// facets answers GET /2/tweets/search/facets.
func (s *Server) facets(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, facetParameters...)
	if err != nil {
		return err
	}
	asked, err := p.facets()
	if err != nil {
		return err
	}
	limit, err := p.number("limit", 1, facetsMost, 10)
	if err != nil {
		return err
	}
	r, _, err := s.request(p, "facets", 0)
	if err != nil {
		return err
	}
	of := make([]search.Facet, len(asked))
	for i, f := range asked {
		of[i] = f.of
	}
	found, err := s.Facets.Facets(c.Request().Context(), r, of, limit)
	if err != nil {
		return err
	}
	data := map[string][]FacetValue{}
	for i, f := range asked {
		values := make([]FacetValue, 0, limit)
		for _, v := range found.Values[i] {
			values = append(values, FacetValue{v, f.query(v.Value)})
		}
		data[f.name] = values
	}
	meta := FacetMeta{Bound: search.FacetBound, Tweets: found.Tweets, More: found.More}
	if found.Oldest != 0 {
		meta.OldestID = found.Oldest.String()
	}
	return writeJSON(c, http.StatusOK, map[string]any{"data": data, "meta": meta})
}

// query is the query for a value, as the language prints it; "" where none can be written.
func (f *facet) query(value string) string {
	q, err := query.Parse(f.ask(value), time.Time{})
	if err != nil {
		return ""
	}
	return q.Expr.String()
}

// facets reads which are asked for; all without a word.
func (p params) facets() ([]facet, error) {
	if !p.has("facets") {
		return facets, nil
	}
	var asked []facet
	for _, name := range strings.Split(p.get("facets"), ",") {
		i := slices.IndexFunc(facets, func(f facet) bool { return f.name == name })
		if i < 0 {
			return nil, invalid("facets", name, "The value [%s] of [facets] is not one of: %s.", clean(name, 100), strings.Join(facetNames(), ", "))
		}
		if slices.ContainsFunc(asked, func(f facet) bool { return f.name == name }) {
			return nil, invalid("facets", name, "[facets] names %s twice.", strconv.Quote(name))
		}
		asked = append(asked, facets[i])
	}
	return asked, nil
}
