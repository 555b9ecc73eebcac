// Package web is the page: search the archive, watch it live.
//
// The files under static are what the browser gets, as they stand: ES modules without a build step. The page
// asks its own server only and loads nothing from elsewhere.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// policy lets the page run its own scripts and styles and ask its own server, nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

type file struct {
	body []byte
	etag string
	kind string
}

// Handler serves the page and its files: GET and HEAD of the paths that exist, else 404 or 405 as plain text. Every answer
// carries the Content-Security-Policy. Safe for concurrent use.
func Handler() http.Handler {
	files, err := load()
	if err != nil {
		panic(err) // the files are compiled in: a failure is a broken build
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		name := path.Clean("/" + r.URL.Path)
		f, ok := files[name]
		switch {
		case !ok:
			http.Error(w, "no such page", http.StatusNotFound)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		default:
			h.Set("Content-Type", f.kind)
			h.Set("Cache-Control", "no-cache") // asked again each time, answered 304 by the tag
			h.Set("ETag", f.etag)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
		}
	})
}

// Paths lists what Handler serves.
func Paths() []string {
	files, err := load()
	if err != nil {
		panic(err) // see Handler
	}
	var ps []string
	for p := range files {
		ps = append(ps, p)
	}
	return ps
}

func load() (map[string]file, error) {
	files := map[string]file{}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // not left to the machine's own table
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".html":
			kind = "text/html; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		sum := sha256.Sum256(body)
		files[strings.TrimPrefix(name, "static")] = file{body, `"` + hex.EncodeToString(sum[:8]) + `"`, kind}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page's files: %w", err)
	}
	files["/"] = files["/index.html"]
	delete(files, "/index.html")
	return files, nil
}
