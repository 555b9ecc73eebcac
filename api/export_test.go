package api

import (
	"strings"

	"birdwatch/live"
)

// Routes are the router's routes, as OpenAPI writes them, without HEAD.
func (s *Server) Routes() (routes []string) {
	for _, r := range s.echo.Routes() {
		if r.Method != "HEAD" {
			routes = append(routes, strings.ToLower(r.Method)+" "+strings.ReplaceAll(r.Path, ":id", "{id}"))
		}
	}
	return routes
}

// Line is what a stream without field parameters sends of an item; streams share it.
func (s *Server) Line(item *live.Item) []byte {
	sel, err := selectFields(params{})
	if err != nil {
		panic(err)
	}
	return s.encoded.line(item, sel, marking{}, true)
}
