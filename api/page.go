package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// orPage leaves to the page what the router does not know, and is not below the API's paths. A route for all the rest would make the
// router take a wrong method for an unknown path. The page's own refusals are answered as all others are.
func (s *Server) orPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if p := c.Request().URL.Path; s.Page == nil || err != error(echo.ErrNotFound) || p == "/2" || strings.HasPrefix(p, "/2/") {
			return err
		}
		c.SetPath("/*")
		w := &pageWriter{ResponseWriter: c.Response()}
		s.Page.ServeHTTP(w, c.Request())
		if w.refused != 0 {
			h := c.Response().Header()
			h.Del("Content-Type")
			h.Del("Content-Length")
			return echo.NewHTTPError(w.refused)
		}
		return nil
	}
}

// pageWriter holds back the page's 404 and 405.
type pageWriter struct {
	http.ResponseWriter
	refused int
}

func (w *pageWriter) WriteHeader(status int) {
	if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *pageWriter) Write(b []byte) (int, error) {
	if w.refused != 0 {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}
