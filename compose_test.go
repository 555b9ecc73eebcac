package birdwatch_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeFile = "docker-compose.yml"

// secrets are what docker-compose.yml must be given.
var secrets = map[string]string{"ELASTIC_PASSWORD": "an-elastic-password", "WRITE_TOKEN": "a-write-token-of-32-letters-or-so"}

// readCompose reads docker-compose.yml as the Docker client does, with these variables in .env.
func readCompose(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, ConfigFiles: []types.ConfigFile{{Filename: composeFile}}, Environment: maps.Clone(env), // the loader adds to it
	})
}

func compose(t *testing.T) *types.Project {
	t.Helper()
	p, err := readCompose(t, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestComposeIsValid: by the Docker client's own reading where it has one, and by the library that it is made of.
func TestComposeIsValid(t *testing.T) {
	compose(t)
	for missing := range secrets {
		env := map[string]string{}
		for k, v := range secrets {
			if k != missing {
				env[k] = v
			}
		}
		if _, err := readCompose(t, env); err == nil || !strings.Contains(err.Error(), "set "+missing+" in .env") {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	if exec.Command("docker", "compose", "version").Run() != nil {
		t.Log("the Docker client has no compose here")
		return
	}
	cmd := exec.Command("docker", "compose", "-f", composeFile, "config", "--quiet")
	cmd.Env = os.Environ()
	for k, v := range secrets {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("docker compose config: %v\n%s", err, out)
	}
}

// TestComposeIsCareful: only nginx is reached from outside, all come back by themselves, and each waits for what it needs.
func TestComposeIsCareful(t *testing.T) {
	p := compose(t)
	needs := map[string]string{"birdwatch": "elasticsearch", "nginx": "birdwatch"}
	for name, s := range p.Services {
		if s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
		if s.Privileged || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", name)
		}
		if s.HealthCheck == nil && s.Build == nil {
			t.Errorf("%s has no health check", name)
		}
		for _, port := range s.Ports {
			if name != "nginx" || port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s:%s", name, port.HostIP, port.Published)
			}
		}
		if need := needs[name]; need != "" && s.DependsOn[need].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for a healthy %s", name, need)
		}
		for _, v := range s.Volumes {
			if _, known := p.Volumes[v.Source]; v.Type == types.VolumeTypeVolume && !known {
				t.Errorf("%s: volume %s is not declared", name, v.Source)
			}
			if _, err := os.Stat(v.Source); v.Type == types.VolumeTypeBind && (err != nil || !v.ReadOnly) {
				t.Errorf("%s mounts %s, read only %v: %v", name, v.Source, v.ReadOnly, err)
			}
		}
		if _, ok := s.Networks["archive"]; ok == (name == "nginx") {
			t.Errorf("%s on Elasticsearch's network: %v", name, ok)
		}
	}
	if len(p.Services) != 3 || !p.Networks["archive"].Internal {
		t.Error("not three services, of which Elasticsearch's network is closed")
	}
	if !p.Services["nginx"].DependsOn["birdwatch"].Restart {
		t.Error("nginx keeps the address of a birdwatch that is gone")
	}
	for _, volume := range dockerfile(t)[1].steps {
		if volume.name == "VOLUME" && !slices.ContainsFunc(p.Services["birdwatch"].Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == volume.args }) {
			t.Errorf("the Dockerfile's %s has no volume", volume.args)
		}
	}
}

// TestComposeVersions: what compose starts is what the tests run.
func TestComposeVersions(t *testing.T) {
	p := compose(t)
	list, err := os.ReadFile("scripts/elastic/versions")
	if err != nil {
		t.Fatal(err)
	}
	versions := strings.Fields(string(list))
	newest := versions[len(versions)-1]
	if image := p.Services["elasticsearch"].Image; image != "docker.elastic.co/elasticsearch/elasticsearch:"+newest {
		t.Errorf("compose has %s, the newest that is tested is %s", image, newest)
	}
	script, err := os.ReadFile("scripts/elastic/start.bash")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), "image=docker.elastic.co/elasticsearch/elasticsearch:$version") {
		t.Error("scripts/elasticsearch takes another image than compose")
	}
	out, err := exec.Command(need(t, "nginx"), "-v").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	have := regexp.MustCompile(`nginx/([\d.]+)`).FindSubmatch(out)
	if image := p.Services["nginx"].Image; have == nil || image != "nginx:"+string(have[1]) {
		t.Errorf("compose has %s, the tests run %s", image, out)
	}
}

// TestComposeSettingsExist: every setting that compose and the Dockerfile give is one of the program's.
func TestComposeSettingsExist(t *testing.T) {
	docs, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range compose(t).Services["birdwatch"].Environment {
		names = append(names, name)
	}
	for _, s := range dockerfile(t)[1].steps {
		if s.name == "ENV" {
			for f := range strings.FieldsSeq(s.args) {
				name, _, _ := strings.Cut(f, "=")
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if !strings.Contains(string(docs), "`"+name+"`") {
			t.Errorf("%s is no setting of birdwatch", name)
		}
	}
	// And what docs/docker.md tells to set in .env is what the file asks for.
	text, err := os.ReadFile(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("docs/docker.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\$\{(\w+)`).FindAllSubmatch(text, -1) {
		if !strings.Contains(string(guide), "`"+string(m[1])+"`") {
			t.Errorf("docs/docker.md does not explain %s", m[1])
		}
	}
}

// need finds a program that a test runs. Without it the test skips aloud, or fails where BIRDWATCH_REQUIRE names it.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, "no "+name+" on this machine")
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func missing(t *testing.T, name, why string) {
	t.Helper()
	if strings.Contains(os.Getenv("BIRDWATCH_REQUIRE"), name) {
		t.Fatalf("%s is required: %s", name, why)
	}
	t.Skipf("SKIPPED LOUDLY: %s", why)
}
