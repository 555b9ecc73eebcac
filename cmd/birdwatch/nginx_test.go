package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tool finds a program that a test needs. Without it the test skips aloud, or fails where BIRDWATCH_REQUIRE names it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if strings.Contains(os.Getenv("BIRDWATCH_REQUIRE"), name) {
			t.Fatalf("%s is required and missing", name)
		}
		t.Skipf("SKIPPED LOUDLY: no %s on this machine", name)
	}
	return path
}

// nginx starts a stock nginx before an address: nothing in the location but proxy_pass.
func nginx(t *testing.T, upstream string) string {
	t.Helper()
	url, _ := startNginx(t, upstream)
	return url
}

// startNginx is nginx that also gives what makes it read its configuration again.
func startNginx(t *testing.T, upstream string) (url string, reload func() error) {
	t.Helper()
	path := tool(t, "nginx")
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	conf := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log %[1]s/error.log; events { worker_connections 768; }
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; gzip on;
	upstream backend { server %[2]s; }
	server { listen %[3]s; location / { proxy_pass http://backend; } }
}`, dir, upstream, address)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-e", filepath.Join(dir, "error.log"), "-c", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	err = waitFor(t.Context(), func() (bool, error) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address, func() error { return cmd.Process.Signal(syscall.SIGHUP) }
}

// TestBehindStockNginx: tweets arrive at once, and the stream outlives more silence than nginx allows (60 s).
func TestBehindStockNginx(t *testing.T) {
	tool(t, "nginx")
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it waits for more than a minute")
	}
	data := t.TempDir()
	server := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0", "--host", "backend")
	token, err := localToken(data)
	if err != nil {
		t.Fatal(err)
	}
	front := nginx(t, server.address())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, front+"/2/tweets/search/live?query=nginx", nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := time.Now()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	t.Logf("head after %v: %s", time.Since(asked), answer.Status)
	lines := make(chan string)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(answer.Body)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	arrives := func(id int) {
		t.Helper()
		body := fmt.Sprintf(`{"id_str":"%d","text":"through nginx %d","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`, id, id)
		if status, text := ask(t, ctx, http.MethodPost, server.url+"/2/tweets/ingest", token, body); status != http.StatusOK {
			t.Fatalf("ingest: %d %s", status, text)
		}
		began := time.Now()
		for line := range lines {
			if strings.Contains(line, fmt.Sprintf(`"text":"through nginx %d"`, id)) {
				t.Logf("tweet %d came through after %v", id, time.Since(began))
				return
			}
		}
		t.Fatalf("the stream ended before tweet %d", id)
	}
	arrives(1)
	silent := time.After(75 * time.Second)
	for waiting := true; waiting; {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatal("nginx ended the stream in silence")
			}
			if strings.HasPrefix(line, "data:") && strings.Contains(line, "text") {
				t.Fatalf("not silent: %s", line)
			}
		case <-silent:
			waiting = false
		}
	}
	arrives(2)
	// The archive takes a tweet in a moment after it was pushed.
	err = waitFor(ctx, func() (bool, error) {
		status, text := ask(t, ctx, http.MethodGet, front+"/2/tweets/search/all?query=nginx", "", "")
		return status == http.StatusOK && strings.Contains(text, "through nginx 2"), nil
	})
	if err != nil {
		t.Errorf("search through nginx: %v", err)
	}
}
