package birdwatch_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// startNginx runs nginx with the file that is mounted, within a configuration like the image's.
func startNginx(t *testing.T, dir string, s types.ServiceConfig) {
	t.Helper()
	site := s.Volumes[0].Source
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`worker_processes auto; pid %[1]s/nginx.pid; error_log %[1]s/nginx.log notice;
events { worker_connections 1024; }
http { include /etc/nginx/mime.types; default_type application/octet-stream; access_log off; sendfile on; keepalive_timeout 65; include %[2]s; }
`, dir, site)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log(command(t, "nginx", "-t", "-c", conf))
	cmd := exec.Command("nginx", "-c", conf, "-g", "daemon off;")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
}

// readThroughNginx is a reader with a browser at localhost:8080, which is the published port, and one who sends tweets.
func readThroughNginx(t *testing.T) {
	t.Helper()
	ask := func(method, path, token, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "localhost:8080"
		r.Header.Set("Origin", "http://localhost:8080")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(b)
	}
	if status, page := ask(http.MethodGet, "/", "", ""); status != 200 || !strings.Contains(page, "<title>") {
		t.Errorf("the page: %d %.200s", status, page)
	}
	tweet := `{"id_str":"1050118621198921728","text":"out of the box","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`
	if status, text := ask(http.MethodPost, "/2/tweets/ingest", "", tweet); status != 401 {
		t.Errorf("a tweet from a stranger: %d %s", status, text)
	}
	if status, text := ask(http.MethodPost, "/2/tweets/ingest", secrets["WRITE_TOKEN"], tweet); status != 200 {
		t.Fatalf("a tweet: %d %s", status, text)
	}
	found := ""
	for end := time.Now().Add(time.Minute); !strings.Contains(found, "out of the box") && time.Now().Before(end); {
		_, found = ask(http.MethodGet, "/2/tweets/search/all?query=box", "", "")
		<-time.After(200 * time.Millisecond)
	}
	if !strings.Contains(found, "out of the box") {
		t.Errorf("the tweet is not found: %s", found)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:9200/birdwatch/_count", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("elastic", secrets["ELASTIC_PASSWORD"])
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if b, err := io.ReadAll(a.Body); err != nil || !strings.Contains(string(b), `"count":`+strconv.Itoa(1)+`,`) {
		t.Errorf("Elasticsearch has not the tweet: %s %s %v", a.Status, b, err)
	}
}
