package birdwatch_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// step is one instruction of a Dockerfile.
type step struct {
	name string // in upper case
	args string
	line int
}

// stage is what stands from one FROM to the next.
type stage struct {
	base, name string
	steps      []step
}

// dockerfile reads the Dockerfile: as much of the language as ours uses, and anything else is an error.
func dockerfile(t *testing.T) []stage {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var stages []stage
	whole := ""
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		if more, ok := strings.CutSuffix(line, `\`); ok {
			whole += more + " "
			continue
		}
		if whole += line; whole == "" {
			continue
		}
		name, args, _ := strings.Cut(whole, " ")
		s := step{strings.ToUpper(name), strings.TrimSpace(args), i + 1}
		whole = ""
		switch s.name {
		case "FROM":
			base, as, _ := strings.Cut(s.args, " AS ")
			stages = append(stages, stage{base: base, name: as})
		case "WORKDIR", "COPY", "RUN", "ARG", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD":
			last := &stages[len(stages)-1]
			last.steps = append(last.steps, s)
		default:
			t.Fatalf("Dockerfile:%d: this test does not know %s", s.line, s.name)
		}
	}
	return stages
}

// TestDockerfileBuilds: the commands build a program that needs nothing else, and what is left out of the context is not missed.
func TestDockerfileBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED LOUDLY: -short; it builds the program")
	}
	im := buildImage(t, t.TempDir())
	program := filepath.Join(im.root, im.entrypoint[0])
	if out, err := exec.Command(program, "version").CombinedOutput(); err != nil {
		t.Fatalf("version: %v\n%s", err, out)
	}
	if out, err := exec.Command("go", "version", "-m", program).CombinedOutput(); err != nil || !strings.Contains(string(out), "CGO_ENABLED=0") {
		t.Errorf("not a static program: %v\n%s", err, out)
	}
	if im.user == 0 || len(im.healthcheck) == 0 || !slices.Equal(im.volumes, []string{"/data"}) {
		t.Errorf("user %d, health check %q, volumes %q", im.user, im.healthcheck, im.volumes)
	}
}

// TestDockerfileVersions: the builder's Go is the one that go.mod asks for.
func TestDockerfileVersions(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if base := dockerfile(t)[0].base; base != fmt.Sprintf("golang:%s", asked[1]) {
		t.Errorf("go.mod is for Go %s, the Dockerfile builds with %s", asked[1], base)
	}
}
