package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"birdwatch/web"
)

func get(t *testing.T, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, r)
	return w
}

func TestHandler(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		status       int
		kind         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/?q=go", 200, "text/html; charset=utf-8"},
		{"GET", "/app.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/app.css", 200, "text/css; charset=utf-8"},
		{"GET", "/icon.svg", 200, "image/svg+xml"},
		{"GET", "/nothing", 404, ""},
		{"GET", "/../web.go", 404, ""},
		{"GET", "/static/app.js", 404, ""},
		{"POST", "/", 405, ""},
	} {
		w := get(t, tt.method, tt.path)
		if w.Code != tt.status || tt.kind != "" && w.Header().Get("Content-Type") != tt.kind {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, w.Code, w.Header().Get("Content-Type"))
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", tt.path, csp)
		}
	}
	tag := get(t, "GET", "/app.js").Header().Get("ETag")
	if w := get(t, "GET", "/app.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("asked again with its tag: %d", w.Code)
	}
}

// TestNothingInline: the policy lets no script or style of the page's own text run, so none may be in it; and whatever it names is served.
func TestNothingInline(t *testing.T) {
	page := get(t, "GET", "/").Body.String()
	for _, bad := range []string{"<style", " style=", " onclick=", " onload=", "javascript:"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	paths := web.Paths()
	for _, m := range regexp.MustCompile(`(?:src|href)="(/[^"#]*)"`).FindAllStringSubmatch(page, -1) {
		if !slices.Contains(paths, m[1]) {
			t.Errorf("the page names %s, which is not served", m[1])
		}
	}
	for _, p := range paths {
		if !strings.HasSuffix(p, ".js") {
			continue
		}
		body := get(t, "GET", p).Body.String()
		for _, m := range regexp.MustCompile(`from '\.(/[^']+)'`).FindAllStringSubmatch(body, -1) {
			if !slices.Contains(paths, m[1]) {
				t.Errorf("%s imports %s, which is not served", p, m[1])
			}
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			if strings.Contains(body, bad) {
				t.Errorf("%s uses %s: tweet text must never be HTML", p, bad)
			}
		}
	}
}
