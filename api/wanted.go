package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// wantedMost is how many ids one page of wanted tweets has at most.
const wantedMost = 1000

// wanted answers GET /2/tweets/wanted: tweets that lists of ids named and that have not come.
func (s *Server) wanted(c echo.Context) error {
	p, err := parseParams(c.Request().URL.RawQuery, "after_id", "max_results")
	if err != nil {
		return err
	}
	after, err := p.id("after_id")
	if err != nil {
		return err
	}
	n, err := p.number("max_results", 1, wantedMost, wantedMost)
	if err != nil {
		return err
	}
	ids, err := s.Intake.Wanted(c.Request().Context(), after, n)
	if err != nil {
		return err
	}
	out := []byte(`{"data":[`)
	for i, id := range ids {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `{"id":"%d"}`, id)
	}
	return c.JSONBlob(http.StatusOK, fmt.Appendf(out, `],"meta":{"result_count":%d}}`, len(ids)))
}
