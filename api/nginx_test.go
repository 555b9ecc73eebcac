package api_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"birdwatch/api"
	"birdwatch/api/client"
	"birdwatch/search"
)

// nginxBefore starts an nginx that only has a proxy_pass.
func nginxBefore(t *testing.T, s *served) *served {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: there is no nginx here")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var temp strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	conf := fmt.Sprintf("daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log; events {}\nhttp { access_log off;\n%[2]s gzip on;\n"+
		"server { listen %[3]s; location / { proxy_pass http://%[4]s; } } }\n", dir, temp.String(), front, s.Listener.Addr())
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", file, "-p", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it is ours, and has nothing to lose
		_ = cmd.Wait()
	})
	began := time.Now()
	for up := false; !up; {
		if time.Since(began) > 10*time.Second {
			t.Fatal("nginx does not start")
		}
		c, err := net.Dial("tcp", front)
		if up = err == nil; up {
			c.Close()
		}
	}
	return &served{world: s.world, Server: &httptest.Server{URL: "http://" + front}, hub: s.hub}
}

// TestExportBehindNginx: through a proxy that takes the end of a connection for the end of an answer, it is still known what is whole.
func TestExportBehindNginx(t *testing.T) {
	s := serveWorld(t, flock(1203), api.Config{}, liveOptions)
	behind := nginxBefore(t, s)
	c := client.New(behind.URL, "")
	defer c.Close()
	for _, format := range []string{"jsonl", "csv", "ids"} {
		s.failing.Store(nil)
		var out strings.Builder
		done, err := c.Export(t.Context(), url.Values{"query": {"bird"}, "format": {format}}, &out, nil)
		if err != nil || done.Count != 1203 || strings.Count(out.String(), "\n") < 1203 {
			t.Errorf("%s: %v %+v", format, err, done)
		}
		_, whole, err := body(t, behind, export+"?query=bird&format="+format)
		if err != nil || format == "ids" && whole != out.String() || format == "jsonl" && !strings.Contains(whole, `"complete":true`) {
			t.Errorf("%s: %v, %d bytes", format, err, len(whole))
		}
		for _, coding := range []string{"identity", "gzip"} {
			s.failsAt(2, search.ErrUnavailable)
			_, got, err := body(t, behind, export+"?query=bird&format="+format, "Accept-Encoding: "+coding)
			known := err != nil
			if coding == "gzip" {
				r, err := gzip.NewReader(strings.NewReader(got))
				if err != nil {
					t.Fatal(err)
				}
				_, err = io.Copy(io.Discard, r)
				known = known || err != nil
			}
			known = known || strings.Contains(got, `"complete":false`)
			t.Logf("%s, %s: seen to be broken off: %t (%v)", format, coding, known, err)
			if !known && (coding == "gzip" || format == "jsonl") {
				t.Errorf("%s, %s: what is broken off looks whole", format, coding)
			}
		}
	}
}

// TestBehindNginx: streams and all else work behind an nginx that only has a proxy_pass.
func TestBehindNginx(t *testing.T) {
	s := serve(t, api.Config{})
	behind := nginxBefore(t, s)
	if a := behind.get(t, "/2/tweets/search/all?query=bird"); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r := behind.open(t, "query=bird", "Accept-Encoding: gzip")
	r.want("live", "e1-0", "{}")
	for id := 1; id <= 5; id++ { // each comes alone, before the next is made
		s.note(1, "bird")
		r.want("", "e1-"+itoa(id), "*")
	}
	last := r.lastID
	r.close()
	s.note(1, "bird")
	r = behind.open(t, "query=bird", "Last-Event-ID: "+last)
	r.want("", "e1-6", "*")
	s.hub.Close()
	if b := r.next(); b.event != "bye" {
		t.Errorf("%+v", b)
	}
	r.wantEnd()
}
