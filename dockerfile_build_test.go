package birdwatch_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// image is what a container of the Dockerfile's last stage starts with.
type image struct {
	root        string // the folder that holds its files
	user        int
	env         []string
	entrypoint  []string
	command     []string
	healthcheck []string
	volumes     []string
}

// buildImage does what the Dockerfile says, in folders of a folder: the build stage's commands are run as they stand but for
// their absolute paths, and the last stage's files are laid out in root.
func buildImage(t *testing.T, dir string) image {
	t.Helper()
	stages := dockerfile(t)
	if len(stages) != 2 || stages[0].name != "build" || stages[1].base != "scratch" {
		t.Fatalf("not a build stage and one from scratch: %+v", stages)
	}
	built := filepath.Join(dir, "build")
	runStage(t, stages[0], built)
	im := image{root: filepath.Join(dir, "root")}
	if err := os.MkdirAll(im.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range stages[1].steps {
		switch s.name {
		case "COPY":
			copyFromBuild(t, s, built, im.root)
		case "USER":
			uid, _, _ := strings.Cut(s.args, ":")
			n, err := strconv.Atoi(uid)
			if err != nil || n == 0 {
				t.Fatalf("Dockerfile:%d: not the number of a plain user: %s", s.line, s.args)
			}
			im.user = n
		case "ENV":
			im.env = append(im.env, strings.Fields(s.args)...)
		case "VOLUME":
			im.volumes = append(im.volumes, s.args)
		case "ENTRYPOINT":
			im.entrypoint = words(t, s, s.args)
		case "CMD":
			im.command = words(t, s, s.args)
		case "HEALTHCHECK":
			_, cmd, _ := strings.Cut(s.args, "CMD ")
			im.healthcheck = words(t, s, cmd)
		}
	}
	return im
}

// words reads the JSON form of a command.
func words(t *testing.T, s step, text string) []string {
	t.Helper()
	var list []string
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("Dockerfile:%d: not a list of words: %v", s.line, err)
	}
	return list
}

var buildPath = regexp.MustCompile(`(^|[\s=])/(src|out)\b`)

// runStage runs a stage whose own folders are /src and /out.
func runStage(t *testing.T, st stage, dir string) {
	t.Helper()
	work := dir
	env := os.Environ()
	for _, s := range st.steps {
		switch s.name {
		case "WORKDIR":
			work = filepath.Join(dir, s.args)
			if err := os.MkdirAll(work, 0o755); err != nil {
				t.Fatal(err)
			}
		case "COPY":
			f := strings.Fields(s.args)
			for _, from := range f[:len(f)-1] {
				copyContext(t, from, work)
			}
		case "ARG":
			env = append(env, s.args)
		case "RUN":
			cmd := exec.Command("sh", "-ec", buildPath.ReplaceAllString(s.args, "${1}"+dir+"/${2}"))
			cmd.Dir, cmd.Env = work, env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("Dockerfile:%d: RUN %s: %v\n%s", s.line, s.args, err, out)
			}
		default:
			t.Fatalf("Dockerfile:%d: %s in the build stage", s.line, s.name)
		}
	}
}

// copyContext copies what .dockerignore lets through.
func copyContext(t *testing.T, from, to string) {
	t.Helper()
	ignored := dockerignore(t)
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name == ".git" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if ignored(name) {
			return nil
		}
		return copyFile(name, filepath.Join(to, name))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dockerignore says what the builder does not get. The last line that fits a path, or a folder above it, decides.
func dockerignore(t *testing.T) func(name string) bool {
	t.Helper()
	text, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	fits := func(pattern, name string) bool {
		if tail, ok := strings.CutPrefix(pattern, "**/"); ok {
			pattern, name = tail, path.Base(name)
		}
		ok, err := path.Match(pattern, name)
		if err != nil {
			t.Fatalf(".dockerignore: %s: %v", pattern, err)
		}
		return ok
	}
	return func(name string) bool {
		out := false
		for line := range strings.Lines(string(text)) {
			pattern, let := strings.CutPrefix(strings.TrimSpace(line), "!")
			if pattern == "" || strings.HasPrefix(pattern, "#") {
				continue
			}
			for at := name; at != "."; at = path.Dir(at) {
				if fits(pattern, at) {
					out = !let
				}
			}
		}
		return out
	}
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, info.Mode().Perm())
}

// copyFromBuild carries out a COPY of the last stage. What is not of the build's own folders is the base image's, for which this
// machine stands in.
func copyFromBuild(t *testing.T, s step, built, root string) {
	t.Helper()
	owner := 0
	var names []string
	for _, f := range strings.Fields(s.args) {
		switch flag, value, _ := strings.Cut(f, "="); {
		case flag == "--from" && value == "build":
		case flag == "--chown":
			n, err := strconv.Atoi(strings.Split(value, ":")[0])
			if err != nil {
				t.Fatalf("Dockerfile:%d: %v", s.line, err)
			}
			owner = n
		case strings.HasPrefix(f, "--"):
			t.Fatalf("Dockerfile:%d: this test does not know %s", s.line, f)
		default:
			names = append(names, f)
		}
	}
	from, to := filepath.Join(built, names[0]), filepath.Join(root, names[1])
	if !buildPath.MatchString(names[0]) {
		from = names[0]
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatalf("Dockerfile:%d: %v", s.line, err)
	}
	if info.IsDir() { // ours are empty
		err = os.MkdirAll(to, 0o755)
	} else {
		err = copyFile(from, to)
	}
	if err == nil && os.Getuid() == 0 {
		err = os.Chown(to, owner, owner)
	}
	if err != nil {
		t.Fatalf("Dockerfile:%d: %v", s.line, err)
	}
}
