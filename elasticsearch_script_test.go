package birdwatch_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script runs scripts/elasticsearch and gives what it said and its exit code.
func script(t *testing.T, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command("scripts/elasticsearch", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// openDir is a folder that another user can reach, which t.TempDir is not.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "birdwatch-script-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func pidOf(t *testing.T, data string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "elasticsearch.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	a, err := http.Get(url)
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

// oldest is the version that starts fastest.
func oldest(t *testing.T) string {
	t.Helper()
	list, err := os.ReadFile("scripts/elastic/versions")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(list))[0]
}

// TestElasticsearchScript goes through a server's life: begun, begun again, killed, begun anew with its data, stopped and
// found so, ended.
func TestElasticsearchScript(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it starts an Elasticsearch")
	}
	t.Parallel()
	need(t, "java")
	data, port := filepath.Join(openDir(t), "data"), freePort(t)
	t.Cleanup(func() { script(t, nil, "stop", "--data", data) })
	must := func(code int, says string, args ...string) {
		t.Helper()
		began := time.Now()
		out, got := script(t, nil, append(args, "--data", data)...)
		t.Logf("%v: %d after %v: %s", args, got, time.Since(began).Round(time.Millisecond), out)
		if got != code || !strings.Contains(out, says) {
			t.Fatalf("wanted %d, %q", code, says)
		}
	}
	version := oldest(t)
	start := []string{"start", "--by", "maven", "--version", version, "--port", port, "--heap", "512m"}
	must(3, "does not run", "status")
	must(0, "does not run", "stop")
	must(0, "runs: http://127.0.0.1:"+port, start...)
	pid := pidOf(t, data)
	r, err := http.NewRequest(http.MethodPut, "http://127.0.0.1:"+port+"/kept", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := http.DefaultClient.Do(r); err != nil || a.Body.Close() != nil || a.StatusCode != 200 {
		t.Fatalf("make an index: %v %v", a, err)
	}
	must(0, "runs", "start")
	must(0, "runs", "status")
	if again := pidOf(t, data); again != pid {
		t.Errorf("a second start made process %d of %d", again, pid)
	}
	must(1, "not port 1", "start", "--port", "1")
	must(1, "not version 8.1.0", "start", "--version", "8.1.0")
	if out, code := script(t, nil, "start", "--by", "maven", "--data", data+"2", "--port", port); code != 1 || !strings.Contains(out, "is taken by another program") {
		t.Errorf("a taken port: %d %s", code, out)
	}

	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	must(3, "does not run", "status")
	must(0, "runs", start...)
	if status, text := get(t, "http://127.0.0.1:"+port+"/kept"); status != 200 {
		t.Errorf("the index is gone: %d %s", status, text)
	}
	if _, modules := get(t, "http://127.0.0.1:"+port+"/_nodes/_local/plugins?filter_path=nodes.*.modules.name"); !strings.Contains(modules, "percolator") || !strings.Contains(modules, "reindex") {
		t.Errorf("modules: %s", modules)
	}

	pid = pidOf(t, data)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	must(1, "does not answer", "status")
	must(0, "stopped", "stop")
	if l, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil || l.Close() != nil {
		t.Errorf("it still has its port: %v", err)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z") {
		t.Errorf("process %d lives: %s", pid, stat)
	}
	must(3, "does not run", "status")
}

// TestElasticsearchScriptEndsOnlyItsOwn: a process that has come to the number in the file is left alone.
func TestElasticsearchScriptEndsOnlyItsOwn(t *testing.T) {
	data := t.TempDir()
	other := exec.Command("sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Wait() }()
	defer other.Process.Kill()
	for name, text := range map[string]string{
		"elasticsearch.pid": fmt.Sprint(other.Process.Pid), "server": "by=maven\nversion=7.17.29\nscheme=http\nport=9200\nmark=1.abc\n", ".birdwatch": "",
	} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := script(t, nil, "status", "--data", data); code != 3 {
		t.Errorf("status: %d %s", code, out)
	}
	if out, code := script(t, nil, "stop", "--data", data); code != 0 {
		t.Errorf("stop: %d %s", code, out)
	}
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another's process was ended: %v", err)
	}
}

// TestElasticsearchScriptRefuses: what cannot be done is said in words, and nothing is begun.
func TestElasticsearchScriptRefuses(t *testing.T) {
	tools := t.TempDir() // all that the script uses but Java and Maven
	for _, name := range []string{"bash", "env", "sed", "grep", "tail", "cat", "dirname", "id", "ls", "mkdir", "mktemp", "touch", "tr", "stat", "chown", "rm", "setpriv", "test", "readlink", "flock", "sleep"} {
		if path, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := openDir(t)
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "letters"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	for _, c := range []struct {
		says string
		code int
		env  []string
		args []string
	}{
		{"usage:", 2, nil, []string{}},
		{"usage:", 2, nil, []string{"restart"}},
		{"usage:", 2, nil, []string{"start", "--port"}},
		{"usage:", 2, nil, []string{"start", "--by", "hand"}},
		{"is no number", 1, nil, []string{"start", "--port", "http"}},
		{"with a blank", 1, nil, []string{"start", "--data", dir + "/a b"}},
		{"holds other things", 1, nil, []string{"start", "--data", full, "--port", port}},
		{"cannot make the folder", 1, nil, []string{"start", "--data", file + "/data", "--port", port}},
		{"needs Java 17 to 23; found: none", 1, []string{"PATH=" + tools, "JAVA_HOME=", "ES_JAVA_HOME=", "BIRDWATCH_JAVA_FOLDERS=/nowhere"},
			[]string{"start", "--by", "maven", "--version", "7.17.29", "--data", filepath.Join(dir, "java"), "--port", port}},
		{"Maven (mvn), which would fetch it, is missing", 1, []string{"PATH=" + tools, "BIRDWATCH_ELASTIC_CACHE=" + filepath.Join(dir, "cache")},
			[]string{"start", "--by", "maven", "--version", "7.17.28", "--data", filepath.Join(dir, "maven"), "--port", port}},
		{"cannot make the folder", 1, []string{"BIRDWATCH_ELASTIC_CACHE=" + file + "/cache"},
			[]string{"start", "--by", "maven", "--version", "7.17.28", "--data", filepath.Join(dir, "cached"), "--port", port}},
	} {
		out, code := script(t, c.env, c.args...)
		if code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: %d %s, wanted %d %s", c.args, code, out, c.code, c.says)
		}
	}
	if _, err := os.Stat(filepath.Join(full, ".birdwatch")); err == nil {
		t.Error("a folder with other things was taken")
	}
}
