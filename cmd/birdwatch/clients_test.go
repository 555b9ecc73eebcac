package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cutter passes connections on to a server, and cuts them.
type cutter struct {
	listener net.Listener
	server   string

	mu    sync.Mutex // guards what follows
	conns map[net.Conn]struct{}
}

func newCutter(t *testing.T, server string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, server: server, conns: map[net.Conn]struct{}{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(conn)
		}
	}()
	t.Cleanup(func() { l.Close(); c.cut(); <-done })
	return c
}

func (c *cutter) pass(from net.Conn) {
	to, err := net.Dial("tcp", c.server)
	if err != nil {
		from.Close()
		return
	}
	c.mu.Lock()
	c.conns[from], c.conns[to] = struct{}{}, struct{}{}
	c.mu.Unlock()
	go func() {
		_, _ = io.Copy(to, from) // ends when either is cut
		to.Close()
	}()
	_, _ = io.Copy(from, to)
	from.Close()
}

// cut ends all connections, and says how many there were.
func (c *cutter) cut() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.conns) / 2
	for conn := range c.conns {
		conn.Close()
	}
	clear(c.conns)
	return n
}

// strangers are clients that were not made here, each with how it is had ready and run. They print "ID DATA" for each tweet.
var strangers = []struct {
	name    string
	needs   string
	prepare func(dir, scripts string) [][]string // commands, run in a folder of the client's own
	run     func(dir, scripts, url string) []string
}{
	{"curl", "curl", nil, func(_, scripts, url string) []string {
		return []string{filepath.Join(scripts, "clients/curl.bash"), url}
	}},
	{"r3labs", "go", buildListen, func(dir, _, url string) []string {
		return []string{filepath.Join(dir, "listen"), "-kind", "r3labs", url}
	}},
	{"go-sse", "go", buildListen, func(dir, _, url string) []string {
		return []string{filepath.Join(dir, "listen"), "-kind", "go-sse", url}
	}},
	{"eventsource", "npm", func(dir, scripts string) [][]string {
		from := filepath.Join(scripts, "clients")
		return [][]string{{"cp", filepath.Join(from, "package.json"), filepath.Join(from, "package-lock.json"), filepath.Join(from, "eventsource.mjs"), dir},
			{"npm", "ci", "--no-audit", "--no-fund", "--silent"}}
	}, func(dir, _, url string) []string { return []string{"node", filepath.Join(dir, "eventsource.mjs"), url} }},
	{"httpx-sse", "python3", func(dir, scripts string) [][]string {
		return [][]string{{"python3", "-m", "venv", dir}, {filepath.Join(dir, "bin/pip"), "install", "-q", "--disable-pip-version-check", "-r", filepath.Join(scripts, "clients/requirements.txt")}}
	}, func(dir, scripts, url string) []string {
		return []string{filepath.Join(dir, "bin/python"), filepath.Join(scripts, "clients/httpx_client.py"), url}
	}},
}

func buildListen(dir, scripts string) [][]string {
	return [][]string{{"go", "-C", filepath.Join(scripts, "tools"), "build", "-o", filepath.Join(dir, "listen"), "./listen"}}
}

// TestStrangers: clients that were not made here connect, receive, are cut off, and resume without a loss and without a double.
func TestStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; clients are installed")
	}
	data := t.TempDir()
	server := spawn(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	token, err := localToken(data)
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Abs("../../scripts")
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range strangers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			tool(t, s.needs)
			dir := t.TempDir()
			if s.prepare != nil {
				for _, c := range s.prepare(dir, scripts) {
					cmd := exec.CommandContext(t.Context(), c[0], c[1:]...)
					cmd.Dir = dir
					if out, err := cmd.CombinedOutput(); err != nil {
						unready(t, s.name, fmt.Sprintf("%s: %v\n%s", strings.Join(c, " "), err, out))
					}
				}
			}
			front := newCutter(t, server.address())
			word := fmt.Sprint("client", i)
			url := "http://" + front.listener.Addr().String() + "/2/tweets/search/live?query=" + word
			stranger{t: t, front: front, server: server, token: token, word: word, id: 1000 * (i + 1)}.try(s.run(dir, scripts, url))
		})
	}
}

// unready skips a client that cannot be installed here, or fails where BIRDWATCH_REQUIRE names it.
func unready(t *testing.T, name, why string) {
	t.Helper()
	if strings.Contains(os.Getenv("BIRDWATCH_REQUIRE"), name) {
		t.Fatalf("%s is required and cannot be installed: %s", name, why)
	}
	t.Skipf("SKIPPED LOUDLY: %s cannot be installed here: %s", name, why)
}

type stranger struct {
	t      *testing.T
	front  *cutter
	server *process
	token  string
	word   string
	id     int // of its last tweet
	want   []string
}

// tweet takes one more in.
func (s *stranger) tweet() {
	s.t.Helper()
	s.id++
	text := fmt.Sprintf("%s tweet %d", s.word, s.id)
	body := fmt.Sprintf(`{"id_str":"%d","text":"%s","created_at":"Wed Oct 10 20:19:24 +0000 2018","user":{"id_str":"1","screen_name":"a"}}`, s.id, text)
	if status, answer := ask(s.t, s.t.Context(), "POST", s.server.url+"/2/tweets/ingest", s.token, body); status != 200 {
		s.t.Fatalf("ingest: %d %s", status, answer)
	}
	s.want = append(s.want, text)
}

func (s stranger) try(command []string) {
	t := s.t
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // what it started too
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }() // it is killed
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(out)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			lines <- in.Text()
		}
	}()
	s.connected()
	s.tweet()
	got := s.read(lines, nil)
	for range 2 {
		if n := s.front.cut(); n != 1 {
			t.Errorf("%d connections were there to be cut", n)
		}
		for range 3 {
			s.tweet()
		}
		got = s.read(lines, got)
		s.connected()
		s.tweet()
		got = s.read(lines, got)
	}
}

// connected waits until the client has a connection.
func (s *stranger) connected() {
	s.t.Helper()
	if err := waitFor(s.t.Context(), func() (bool, error) {
		_, metrics := ask(s.t, s.t.Context(), "GET", s.server.url+"/metrics", s.token, "")
		s.front.mu.Lock()
		defer s.front.mu.Unlock()
		return len(s.front.conns) == 2 && !strings.Contains(metrics, "birdwatch_live_subscriptions 0\n"), nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// read reads until all tweets have come: each once, in order, with an id.
func (s *stranger) read(lines <-chan string, got []string) []string {
	s.t.Helper()
	for len(got) < len(s.want) {
		line, ok := <-lines
		if !ok {
			s.t.Fatalf("it ended; it had %q of %q", got, s.want)
		}
		id, data, _ := strings.Cut(line, " ")
		if want := s.want[len(got)]; !strings.Contains(id, "-") || !strings.Contains(data, `"text":"`+want+`"`) {
			s.t.Fatalf("got %q, not %q, after %d", line, want, len(got))
		}
		got = append(got, data)
	}
	return got
}
