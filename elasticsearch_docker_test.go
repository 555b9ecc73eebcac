package birdwatch_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for the Docker client, when it is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "docker" {
		os.Exit(standIn(os.Getenv("STAND_IN"), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// standIn does what an engine would with one container, whose state is a folder: a process that answers at the port, and its label.
func standIn(state string, args []string) int {
	note := func(name, text string) {
		if err := os.WriteFile(filepath.Join(state, name), []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	kept := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(state, name)) // missing is empty
		return string(b)
	}
	after := func(flag string) string {
		if i := slices.Index(args, flag); i >= 0 {
			return args[i+1]
		}
		return ""
	}
	switch args[0] {
	case "serve": // the container's process
		http.HandleFunc("/_cluster/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
		fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+args[1], nil))
		return 1
	case "run":
		note("run", strings.Join(args, " "))
		if strings.HasSuffix(args[len(args)-1], ":0.0.0") {
			fmt.Fprintln(os.Stderr, "manifest unknown")
			return 125
		}
		server := exec.Command(os.Args[0], "serve", strings.Split(after("-p"), ":")[1])
		server.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := server.Start(); err != nil {
			panic(err)
		}
		note("pid", fmt.Sprint(server.Process.Pid))
		note("label", strings.TrimPrefix(after("--label"), "birdwatch.data="))
	case "inspect":
		if kept("pid") == "" {
			return 1
		}
		fmt.Println("true", kept("label"))
	case "stop":
		var pid int
		if _, err := fmt.Sscan(kept("pid"), &pid); err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
			return 1
		}
		os.Remove(filepath.Join(state, "pid"))
	case "info", "rm", "logs":
	default:
		return 64
	}
	return 0
}

// TestElasticsearchScriptByDocker: where an engine runs it is used, with the image that compose has, at loopback only, and only
// the container that was begun for the folder is ended.
func TestElasticsearchScriptByDocker(t *testing.T) {
	bin, state := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "docker")); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "STAND_IN=" + state}
	t.Cleanup(func() { standIn(state, []string{"stop"}) })
	data, port := filepath.Join(openDir(t), "data"), freePort(t)
	must := func(code int, says string, args ...string) {
		t.Helper()
		if out, got := script(t, env, append(args, "--data", data)...); got != code || !strings.Contains(out, says) {
			t.Fatalf("%v: %d %s, wanted %d %q", args, got, out, code, says)
		}
	}
	must(1, "could not start", "start", "--version", "0.0.0", "--port", port)
	must(3, "does not run", "status")
	must(0, "by docker runs", "start", "--port", port, "--heap", "700m", "--set", "node.name=here")
	run, err := os.ReadFile(filepath.Join(state, "run"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		compose(t).Services["elasticsearch"].Image, "-p 127.0.0.1:" + port + ":9200", data + "/data:/usr/share/elasticsearch/data",
		"-Xms700m -Xmx700m", "discovery.type=single-node", "-e node.name=here", "xpack.security.enabled=false",
	} {
		if !strings.Contains(string(run), part) {
			t.Errorf("docker %s has not %s", run, part)
		}
	}
	if strings.Contains(string(run), "--user 0") {
		t.Errorf("as root: %s", run)
	}
	must(0, "by docker runs", "status")
	must(0, "by docker runs", "start")
	label, err := os.ReadFile(filepath.Join(state, "label"))
	if err != nil || os.WriteFile(filepath.Join(state, "label"), []byte("/another"), 0o600) != nil {
		t.Fatal(err)
	}
	must(0, "does not run", "stop") // the container is another folder's
	if status, _ := get(t, "http://127.0.0.1:"+port+"/_cluster/health"); status != 200 {
		t.Error("another's container was ended")
	}
	if err := os.WriteFile(filepath.Join(state, "label"), label, 0o600); err != nil {
		t.Fatal(err)
	}
	must(0, "stopped", "stop")
	must(3, "does not run", "status")
}

// TestElasticsearchScriptBrokenOff: a start that is broken off leaves no process behind.
func TestElasticsearchScriptBrokenOff(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it starts an Elasticsearch")
	}
	need(t, "java")
	data := filepath.Join(openDir(t), "data")
	cmd := exec.Command("scripts/elasticsearch", "start", "--by", "maven", "--version", oldest(t), "--data", data, "--port", freePort(t))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for len(processes(t, data)) == 0 {
		select {
		case err := <-ended:
			t.Fatalf("it ended too soon: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; cmd.ProcessState.ExitCode() != 143 {
		t.Errorf("ended with %v", err)
	}
	if left := processes(t, data); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// processes are the command lines of all Java programs that have to do with a folder.
func processes(t *testing.T, data string) []string {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range names {
		b, _ := os.ReadFile(name) // it may be gone
		if line := strings.ReplaceAll(string(b), "\x00", " "); strings.Contains(line, data) && strings.Contains(line, "java") {
			list = append(list, line)
		}
	}
	return list
}
