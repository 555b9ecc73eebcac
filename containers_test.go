package birdwatch_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// insideVariable tells a test binary that it runs in the network of TestComposeWithoutContainers, and where its files are.
const insideVariable = "BIRDWATCH_TEST_INSIDE"

// TestComposeWithoutContainers runs what docker-compose.yml says without a container: in a network of its own, where the names
// of the services lead home and their own ports are free, it starts Elasticsearch with the settings of the file, the program as
// the Dockerfile builds and starts it, locked into the image's files, and nginx with the very file that is mounted; then it
// goes through nginx as a reader would. The health checks are those of the file, too.
func TestComposeWithoutContainers(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it starts an Elasticsearch")
	}
	t.Parallel()
	if os.Getuid() != 0 {
		missing(t, "compose", "a network and mounts of its own need root")
	}
	for _, program := range []string{"unshare", "ip", "mount", "nginx", "curl"} {
		need(t, program)
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		missing(t, "compose", fmt.Sprintf("no network of its own to be had: %v %s", err, out))
	}
	// Not t.TempDir: Elasticsearch runs as another user, whom its folders keep out.
	dir, err := os.MkdirTemp("", "birdwatch-compose-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", os.Args[0],
		"-test.run=^TestInside$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), insideVariable+"="+dir)
	out, err := cmd.CombinedOutput()
	t.Logf("inside:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInside") {
		t.Errorf("inside: %v", err)
	}
}

// TestInside is the inner half of TestComposeWithoutContainers and does nothing by itself.
func TestInside(t *testing.T) {
	dir := os.Getenv(insideVariable)
	if dir == "" {
		t.Skip("part of TestComposeWithoutContainers")
	}
	p := compose(t)
	self, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+self+" "+strings.Join(p.ServiceNames(), " ")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, "ip", "link", "set", "lo", "up")
	command(t, "mount", "--bind", hosts, "/etc/hosts")

	elastic := p.Services["elasticsearch"]
	startElasticsearch(t, elastic, filepath.Join(dir, "elastic"))
	healthy(t, elastic, elastic.HealthCheck.Test, func(c *exec.Cmd) { c.Env = append(os.Environ(), pairs(elastic.Environment)...) })

	im := buildImage(t, filepath.Join(dir, "image"))
	service := p.Services["birdwatch"]
	c := container{im, append(slices.Clone(im.env), pairs(service.Environment)...)}
	c.mount(t, hosts, filepath.Join(dir, "data"))
	server, ended := c.start(t)
	healthy(t, service, append([]string{"CMD"}, im.healthcheck...), c.lock)
	healthy(t, service, append([]string{"CMD"}, append(slices.Clone(im.healthcheck), "--ready")...), c.lock)
	select {
	case err := <-ended:
		t.Fatalf("birdwatch ended: %v", err)
	default:
	}

	front := p.Services["nginx"]
	startNginx(t, dir, front)
	healthy(t, front, front.HealthCheck.Test, func(*exec.Cmd) {})
	readThroughNginx(t)

	if err := server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it did not stop cleanly: %v", err)
		}
	case <-time.After(time.Duration(*service.StopGracePeriod)):
		t.Error("it did not stop in its time")
	}
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func pairs(env types.MappingWithEquals) []string {
	var list []string
	for k, v := range env {
		if v != nil {
			list = append(list, k+"="+*v)
		}
	}
	return list
}

// startElasticsearch gives a server the settings that the container's environment would give it.
func startElasticsearch(t *testing.T, s types.ServiceConfig, data string) {
	t.Helper()
	_, version, _ := strings.Cut(s.Image, ":")
	args := []string{"start", "--by", "maven", "--version", version, "--data", data, "--port", "9200", "--set", "network.host=0.0.0.0"}
	env := os.Environ()
	for _, kv := range pairs(s.Environment) {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case strings.Contains(name, "."):
			args = append(args, "--set", kv)
		case name == "ES_JAVA_OPTS":
			_, heap, _ := strings.Cut(value, "-Xmx")
			args = append(args, "--heap", heap)
		case name == "ELASTIC_PASSWORD":
			env = append(env, kv)
		default:
			t.Errorf("this test does not know what %s is", name)
		}
	}
	cmd := exec.Command("scripts/elasticsearch", args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() { command(t, "scripts/elasticsearch", "stop", "--data", data) })
}

// healthy runs a health check as the engine would, until it passes or the engine would give the container up.
func healthy(t *testing.T, s types.ServiceConfig, check []string, in func(*exec.Cmd)) {
	t.Helper()
	if check[0] == "CMD-SHELL" {
		check = []string{"CMD", "/bin/sh", "-c", check[1]}
	}
	var out []byte
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		cmd := exec.CommandContext(ctx, check[1], check[2:]...)
		in(cmd)
		out, err = cmd.CombinedOutput()
		cancel()
		if err == nil {
			t.Logf("%s is healthy by %q", s.Name, check[1:])
			return
		}
		<-time.After(500 * time.Millisecond)
	}
	t.Fatalf("%s is not healthy by %q: %v\n%s", s.Name, check, err, out)
}

// container is a program locked into the files of an image.
type container struct {
	image
	env []string
}

// mount makes the image read-only but for its volumes and /tmp, and gives it the hosts' names, as the engine would.
func (c container) mount(t *testing.T, hosts, data string) {
	t.Helper()
	etc := filepath.Join(c.root, "etc", "hosts")
	if err := os.WriteFile(etc, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, c.user, c.user); err != nil { // a new volume is as the image has the folder
		t.Fatal(err)
	}
	command(t, "mount", "--bind", c.root, c.root)
	command(t, "mount", "--bind", hosts, etc)
	command(t, "mount", "--bind", data, filepath.Join(c.root, c.volumes[0]))
	command(t, "mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", filepath.Join(c.root, "tmp"))
	command(t, "mount", "-o", "remount,bind,ro", c.root)
}

// lock makes a command run inside.
func (c container) lock(cmd *exec.Cmd) {
	cmd.Env, cmd.Dir = c.env, "/"
	cmd.Path, cmd.Err = cmd.Args[0], nil
	id := uint32(c.user)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: id, Gid: id}}
}

// start runs the image's own command; the channel tells how it ended.
func (c container) start(t *testing.T) (*os.Process, <-chan error) {
	t.Helper()
	args := append(slices.Clone(c.entrypoint), c.command...)
	cmd := exec.Command(args[0], args[1:]...)
	c.lock(cmd)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return cmd.Process, ended
}
